#pragma once
// From kernel text to kernels on a device: compiled once for each (text, options, architecture, compiler), kept on disk, loaded, launched with
// the argument that its kernel takes.
#include <map>
#include <string>
#include <vector>

#include "compiler.h"
#include "device.h"
#include "../kernels/list.h"
#include "../kernels/signatures.h"
#include "../kernels/steps.h"
#include "nvtx.h"

namespace painnless::cuda {

/// The name of a kernel, and with it the type of its argument.
template <template <class> class Arguments> struct KernelName {
  const char* text;
};
namespace kernels {
#define PAINNLESS_NAME(name, Arguments) inline constexpr KernelName<Arguments> name{#name};
PAINNLESS_KERNELS(PAINNLESS_NAME)
#undef PAINNLESS_NAME
}  // namespace kernels

/// One text with its options, and the kernels in it.
struct Source {
  std::string main;
  std::vector<std::string> options;
  std::vector<const char*> kernels;
  bool operator==(const Source&) const = default;
};

/// What tells the code of a source from any other: its options, the architecture, and all texts that it reads; not the compiler.
std::string code_key(const Source& source, int architecture);

/// All of them at once, a thread each. Throws what the first that failed threw.
std::vector<Compiled> compile_all(const Compiler& compiler, const std::vector<Source>& sources, int architecture);

/// A folder of compiled kernels: safe with many processes (an entry appears whole or not at all), and an entry that is damaged or of another
/// text is made again. An empty folder name keeps nothing.
class DiskCache {
 public:
  explicit DiskCache(std::string folder) : folder_(std::move(folder)) {}
  /// Empty where there is no such entry.
  std::string find(const std::string& key) const;
  /// A folder that cannot be written to costs the next process its time, and nothing else.
  void keep(const std::string& key, const std::string& binary) const;

 private:
  std::string path_of(const std::string& key) const;
  std::string folder_;
};

/// Sees every launch of a kernel.
class Watch {
 public:
  virtual ~Watch() = default;
  virtual void before(const char* kernel, Grid grid, int threads, size_t shared_bytes) = 0;
  virtual void after() = 0;
};

/// All kernels of a network on a device; compiles what is not on disk.
class Programs {
 public:
  /// `early`: kernels are on their way while the ones before them end.
  Programs(Device& device, const Compiler& compiler, const DiskCache& cache, const std::vector<Source>& sources, bool early);

  int compilations() const { return compilations_; }

  template <template <class> class Arguments, class Real>
  void launch(KernelName<Arguments> name, Grid grid, int threads, size_t shared_bytes, const Arguments<Real>& argument) {
    const Range range(name.text);
    void* const kernel = handle(name.text, shared_bytes);
    grid.early = early_ && !grid.all_at_once;
    if (watch_) watch_->before(name.text, grid, threads, shared_bytes);
    device_.launch(name.text, kernel, grid, threads, shared_bytes, &argument, sizeof argument);
    if (watch_) watch_->after();
  }
  /// From now on; null: nobody.
  void watch(Watch* watch) { watch_ = watch; }
  /// Clusters of such blocks that the card holds at once; 0 where there are none.
  template <template <class> class Arguments> int resident_clusters(KernelName<Arguments> name, unsigned cluster, int threads, size_t shared_bytes) {
    return device_.resident_clusters(handle(name.text, shared_bytes), cluster, threads, shared_bytes);
  }
  /// Blocks that fill the card at once, at most `blocks`.
  template <template <class> class Arguments> unsigned resident(KernelName<Arguments> name, unsigned blocks, int threads, size_t shared_bytes) {
    return resident_blocks(name.text, blocks, threads, shared_bytes);
  }

 private:
  struct Entry {
    void* handle;
    size_t shared_bytes;  // allowed so far
  };
  void* handle(const char* name, size_t shared_bytes);
  unsigned resident_blocks(const char* name, unsigned blocks, int threads, size_t shared_bytes);

  Device& device_;
  const bool early_;
  Watch* watch_ = nullptr;
  int compilations_ = 0;
  std::vector<std::unique_ptr<Module>> modules_;
  std::map<std::string, Entry> entries_;
};

}  // namespace painnless::cuda
