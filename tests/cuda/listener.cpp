// A tool that listens to NVTX as Nsight Systems does, written from NVIDIA's headers (nvtx3/nvtxDetail/nvtxTypes.h) and not from ours: one line a
// range in the file that LISTENER names, indented by depth. REFUSES: it is there, and declines.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace {

using Function = void (*)();
struct Callbacks {
  size_t struct_size;
  int (*get_module_function_table)(int module, Function*** table, unsigned* size);
};
struct VersionInfo {
  size_t struct_size;
  uint32_t version, reserved;
  void (*set_injection_version)(uint32_t);
};
FILE* lines = nullptr;
thread_local int depth = 0;

int push(const char* message) {
  std::fprintf(lines, "%*s%s\n", 2 * depth, "", message);
  std::fflush(lines);
  return depth++;
}
int pop() { return --depth; }

}  // namespace

extern "C" __attribute__((visibility("default"))) int InitializeInjectionNvtx2(const void* (*get_export_table)(uint32_t)) {
  const auto* callbacks = static_cast<const Callbacks*>(get_export_table(1));
  const auto* info = static_cast<const VersionInfo*>(get_export_table(3));
  if (std::getenv("REFUSES") || !callbacks || callbacks->struct_size < sizeof(Callbacks) || !info || info->version != 3 || get_export_table(2)) return 0;
  info->set_injection_version(3);
  lines = std::fopen(std::getenv("LISTENER"), "a");
  Function** table = nullptr;
  unsigned size = 0;
  for (int module = 1; module <= 6; module++)  // a tool fills in what it knows of every module
    if (!callbacks->get_module_function_table(module, &table, &size) || !table || table[0] || table[size]) return 0;
  if (callbacks->get_module_function_table(7, &table, &size) || !callbacks->get_module_function_table(1, &table, &size) || size < 16) return 0;
  *table[9] = reinterpret_cast<Function>(push);
  *table[11] = reinterpret_cast<Function>(pop);
  return lines != nullptr;
}
