#pragma once
// Kernel text -> machine code for one architecture.
#include <memory>
#include <string>
#include <vector>

#include "texts.h"

namespace painnless::cuda {

/// What came of a compilation; the log names registers, shared memory and spills of each kernel.
struct Compiled {
  std::string binary, log;
};

class Compiler {
 public:
  virtual ~Compiler() = default;
  /// Name and version: part of what a cached binary is known by.
  virtual std::string identity() const = 0;
  /// `main` is one of the texts, which include each other by name. May be called from several threads.
  /// Throws std::runtime_error with the compiler's own words.
  virtual Compiled compile(const std::string& main, const std::vector<Text>& texts, const std::vector<std::string>& options, int architecture) const = 0;
};

/// NVRTC: one loaded already, or the first of `paths` that opens. Throws InputError MISSING with the remedy.
/// @param driver_version as cuDriverGetVersion says it (13000 is 13.0): a newer NVRTC makes code that the driver refuses. 0: any will do.
std::unique_ptr<Compiler> open_nvrtc(const std::vector<std::string>& paths, int driver_version);

}  // namespace painnless::cuda
