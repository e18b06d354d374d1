#include "compiler.h"

#include <algorithm>
#include <stdexcept>

#include "../../engine.h"
#include "library.h"

namespace painnless::cuda {
namespace {

// What NVRTC's header declares of the functions we call.
using Program = void*;
struct Functions {
  int (*version)(int* major, int* minor);
  const char* (*error)(int result);
  int (*architectures)(int* count);
  int (*list_architectures)(int* list);
  int (*create)(Program* program, const char* source, const char* name, int headers, const char* const* texts, const char* const* names);
  int (*destroy)(Program* program);
  int (*compile)(Program program, int options, const char* const* list);
  int (*log_size)(Program program, size_t* size);
  int (*log)(Program program, char* text);
  int (*cubin_size)(Program program, size_t* size);
  int (*cubin)(Program program, char* code);
  int (*ptx_size)(Program program, size_t* size);
  int (*ptx)(Program program, char* code);

  explicit Functions(const Library& library) {
    library.find(version, "nvrtcVersion");
    library.find(error, "nvrtcGetErrorString");
    library.find(architectures, "nvrtcGetNumSupportedArchs");
    library.find(list_architectures, "nvrtcGetSupportedArchs");
    library.find(create, "nvrtcCreateProgram");
    library.find(destroy, "nvrtcDestroyProgram");
    library.find(compile, "nvrtcCompileProgram");
    library.find(log_size, "nvrtcGetProgramLogSize");
    library.find(log, "nvrtcGetProgramLog");
    library.find(cubin_size, "nvrtcGetCUBINSize");
    library.find(cubin, "nvrtcGetCUBIN");
    library.find(ptx_size, "nvrtcGetPTXSize");
    library.find(ptx, "nvrtcGetPTX");
  }
};

class Nvrtc final : public Compiler {
 public:
  explicit Nvrtc(Library library) : library_(std::move(library)), call_(library_) {
    library_.open_beside("libnvrtc-builtins.so");  // what it opens when it compiles; the wheel of CUDA 13.0 does not find its own
    check(call_.version(&major_, &minor_), "nvrtcVersion");
    int count = 0;
    check(call_.architectures(&count), "nvrtcGetNumSupportedArchs");
    architectures_.resize(static_cast<size_t>(count));
    check(call_.list_architectures(architectures_.data()), "nvrtcGetSupportedArchs");
  }

  int major() const { return major_; }
  std::string identity() const override { return "NVRTC " + std::to_string(major_) + "." + std::to_string(minor_) + ", " + library_.path(); }

  Compiled compile(const std::string& main, const std::vector<Text>& texts, const std::vector<std::string>& options, int architecture) const override {
    const char* source = nullptr;
    std::vector<const char*> headers, names, all;
    for (const Text& text : texts) {
      if (text.name == main) {
        source = text.text.c_str();
      } else {
        headers.push_back(text.text.c_str());
        names.push_back(text.name.c_str());
      }
    }
    if (!source) throw std::runtime_error("there is no kernel text " + main);
    std::vector<std::string> words = options;
    const bool known = std::find(architectures_.begin(), architectures_.end(), architecture) != architectures_.end();
    words.insert(words.end(), {target(architecture, known), "-std=c++17", "-default-device", "--ptxas-options=-v"});
    for (const std::string& word : words) all.push_back(word.c_str());

    Handle program{*this};
    check(call_.create(&program.program, source, main.c_str(), static_cast<int>(headers.size()), headers.data(), names.data()), "nvrtcCreateProgram");
    const int result = call_.compile(program.program, static_cast<int>(all.size()), all.data());
    Compiled compiled;
    compiled.log = text(program.program, call_.log_size, call_.log);
    if (result != 0) throw std::runtime_error(main + " does not compile for sm_" + std::to_string(architecture) + ":\n" + compiled.log);
    compiled.binary = known ? text(program.program, call_.cubin_size, call_.cubin) : text(program.program, call_.ptx_size, call_.ptx);
    return compiled;
  }

 private:
  struct Handle {
    const Nvrtc& owner;
    Program program = nullptr;
    ~Handle() {
      if (program) owner.call_.destroy(&program);
    }
  };

  /// Machine code for a card that this NVRTC knows; else code of the newest architecture before it, which the driver translates.
  std::string target(int architecture, bool known) const {
    if (known) return "-arch=sm_" + std::to_string(architecture);
    int best = 0;
    for (const int a : architectures_)
      if (a <= architecture) best = std::max(best, a);
    if (best == 0)
      throw InputError("UNSUPPORTED", "device",
                       "NVRTC " + std::to_string(major_) + "." + std::to_string(minor_) + " compiles for sm_" +
                           std::to_string(architectures_.front()) + " and newer, this card is sm_" + std::to_string(architecture) +
                           (architecture >= 70 ? "; install an older one: pip install nvidia-cuda-nvrtc-cu12" : "; use native:cpu:f64"));
    return "-arch=compute_" + std::to_string(best);
  }

  template <class Size, class Get> std::string text(Program program, Size size, Get get) const {
    size_t bytes = 0;
    check(size(program, &bytes), "size");
    std::string out(bytes, '\0');
    check(get(program, out.data()), "text");
    return out;
  }

  void check(int result, const char* what) const {
    if (result != 0) throw std::runtime_error(std::string("NVRTC, ") + what + ": " + call_.error(result));
  }

  Library library_;
  Functions call_;
  int major_ = 0, minor_ = 0;
  std::vector<int> architectures_;
};

}  // namespace

std::unique_ptr<Compiler> open_nvrtc(const std::vector<std::string>& paths, int driver_version) {
  constexpr const char* install = "pip install nvidia-cuda-nvrtc-cu12 into the Python environment in use, or set PAINNLESS_NVRTC to the path of a libnvrtc.so";
  std::string reasons;
  std::unique_ptr<Nvrtc> found;
  const auto fits = [&](Library library) {
    auto nvrtc = std::make_unique<Nvrtc>(std::move(library));
    if (driver_version == 0 || nvrtc->major() <= driver_version / 1000) {
      found = std::move(nvrtc);
      return true;
    }
    reasons += "; " + nvrtc->identity() + " needs a driver of CUDA " + std::to_string(nvrtc->major()) + ", this one is of CUDA " +
               std::to_string(driver_version / 1000) + "." + std::to_string(driver_version % 1000 / 10) + ": update the driver, or " + install;
    return false;
  };
  if (auto library = Library::loaded("libnvrtc.so"); library && fits(std::move(*library))) return found;
  for (const std::string& path : paths) {
    try {
      if (fits(Library::open(path))) return found;
    } catch (const std::runtime_error& error) {
      reasons += std::string("; ") + error.what();
    }
  }
  const bool named = paths.size() == 1;  // by PAINNLESS_NVRTC, and then there is no other
  throw InputError("MISSING", "device", std::string("no NVRTC, which compiles the kernels: ") + (named ? "PAINNLESS_NVRTC names one that does not serve; unset it, or name a libnvrtc.so" : install) + reasons);
}

}  // namespace painnless::cuda
