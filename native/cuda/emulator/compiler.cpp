#include "compiler.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace painnless::cuda::emulator {
namespace {

/// With the processor's own multiply-add, where it has one: each is a call otherwise, and there are many.
std::string flags() {
#ifdef __x86_64__
  const char* own = __builtin_cpu_supports("fma") ? " -mfma" : "";
#else
  const char* own = "";
#endif
  return std::string(" -std=c++17 -g0 -fPIC -shared -fvisibility=hidden -ffp-contract=off -w") + own;
}

/// Texts that know the shape of a model are many, and take longer to compile well than they run; but for the narrow models that most tests are of, and the
/// texts that serve all models.
std::string level(const std::vector<std::string>& options) {
  bool has_shape = false, is_usual = false;
  for (const std::string& option : options) {
    has_shape |= option.rfind("-DFEATURES=", 0) == 0;
    is_usual |= option == "-DFEATURES=32";
  }
  return has_shape && !is_usual ? " -Og" : " -O2";
}

class HostCompiler final : public Compiler {
 public:
  HostCompiler(std::string command, std::string folder) : command_(std::move(command)), folder_(std::move(folder)) {}
  std::string identity() const override {
    const std::filesystem::path folder = std::filesystem::path(language()) / "../emulator";
    return "host compiler " + command_ + flags() + level({}) + level({"-DFEATURES="}) + level({"-DFEATURES=32"}) + "\n" + read(folder / "language.h") + read(folder / "copies.h") + read(folder / "runtime.h") + read(folder / "tensor.h") + read(folder / "cluster.h");
  }

  Compiled compile(const std::string& main, const std::vector<Text>& texts, const std::vector<std::string>& options, int) const override {
    static std::atomic<int> counter{0};
    namespace fs = std::filesystem;
    const fs::path folder = fs::path(folder_) / (std::to_string(getpid()) + "-" + std::to_string(counter++));
    for (const Text& text : texts) {
      const fs::path path = folder / "kernels" / text.name;
      fs::create_directories(path.parent_path());
      std::ofstream(path) << text.text;
    }
    std::string words;
    for (const std::string& option : options)
      if (option.rfind("-D", 0) == 0) words += " '" + option + "'";
    const fs::path library = folder / "kernels.so", log = folder / "log";
    const std::string line = command_ + flags() + level(options) + " -I'" + (folder / "kernels").string() + "' -I'" + language() +
                             "'" + words + " -x c++ '" + (folder / "kernels" / main).string() + "' -o '" + library.string() + "' 2> '" + log.string() + "'";
    const int status = std::system(line.c_str());
    Compiled compiled{read(library), read(log)};
    fs::remove_all(folder);
    if (status != 0) throw std::runtime_error(main + " does not compile on the host:\n" + compiled.log);
    return compiled;
  }

 private:
  static std::string read(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string language() { return PAINNLESS_EMULATOR_FOLDER; }

  std::string command_, folder_;
};

}  // namespace

std::unique_ptr<Compiler> create_compiler(std::string command, std::string folder) {
  return std::make_unique<HostCompiler>(std::move(command), std::move(folder));
}

}  // namespace painnless::cuda::emulator
