#include "nvtx.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "library.h"

namespace painnless::cuda {
namespace {

// The binary interface of NVTX 3 (nvtx3/nvtxDetail/nvtxTypes.h), of which ranges of a thread are called. A tool's library has one function, which asks
// for the tables of all modules and writes its own functions where they point to.
using Function = void (*)();
enum Ids { core = 1, push_range = 9, pop_range = 11, modules = 7, most = 16 };
constexpr unsigned counts[modules] = {0, 16, 9, 15, 7, 16, 7};
Function functions[modules][most];
Function* places[modules][most + 1];  // the first and the last are null

int table_of(int module, Function*** table, unsigned* count) {
  if (module < core || module >= modules) return 0;
  if (table) *table = places[module];
  if (count) *count = counts[module];
  return 1;
}

constexpr struct {
  size_t bytes;
  int (*table_of)(int, Function***, unsigned*);
} callbacks{sizeof callbacks, table_of};

constexpr struct {
  size_t bytes;
  uint32_t version, reserved;
  void (*is_told)(uint32_t);
} version{sizeof version, 3, 0, [](uint32_t) {}};

const void* exported(uint32_t id) {
  if (id == 1) return &callbacks;
  return id == 3 ? &version : nullptr;
}

/// Does a tool listen? One that cannot is not missed.
bool attach() {
  const char* const path = std::getenv("NVTX_INJECTION64_PATH");
  if (!path || !*path) return false;
  for (int m = core; m < modules; m++)
    for (unsigned k = 1; k < counts[m]; k++) places[m][k] = &functions[m][k];
  try {
    const Library tool = Library::open(path);
    int (*initialize)(const void* (*)(uint32_t)) = nullptr;
    tool.find_if_any(initialize, "InitializeInjectionNvtx2");
    return initialize && initialize(exported) != 0 && functions[core][push_range] && functions[core][pop_range];
  } catch (const std::runtime_error&) {
    return false;
  }
}

bool begin(const char* name) {
  static const bool listens = attach();
  if (listens) reinterpret_cast<int (*)(const char*)>(functions[core][push_range])((std::string("painnless ") + name).c_str());
  return listens;
}

}  // namespace

Range::Range(const char* name) : begun_(begin(name)) {}

Range::~Range() {
  if (begun_) reinterpret_cast<int (*)()>(functions[core][pop_range])();
}

}  // namespace painnless::cuda
