#pragma once
// The functions of the NVIDIA driver that we call, opened at run time: neither building nor installing needs CUDA. Types and numbers are those of
// its header.
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>

#include "library.h"

namespace painnless::cuda {

constexpr int error_out_of_memory = 2, error_not_ready = 600;

using DriverDevice = int;
using DriverPointer = uint64_t;
struct DriverContext;
struct DriverModule;
struct DriverFunction;
struct DriverStream;
struct DriverGraph;
struct DriverGraphExec;
struct DriverEvent;

struct DriverLaunchAttribute {
  int id;
  union alignas(8) {
    unsigned numbers[16];
    int cooperative, early;
  } value;
};
struct DriverLaunch {
  unsigned grid_x, grid_y, grid_z, block_x, block_y, block_z, shared_bytes;
  DriverStream* stream;
  DriverLaunchAttribute* attributes;
  unsigned attribute_count;
};

struct Driver {
  Library library;
  int version = 0;  // 13000 is CUDA 13.0

  int (*init)(unsigned flags);
  int (*driver_version)(int* version);
  int (*error_name)(int error, const char** text);
  int (*error_string)(int error, const char** text);
  int (*device_count)(int* count);
  int (*device)(DriverDevice* device, int ordinal);
  int (*device_name)(char* text, int length, DriverDevice device);
  int (*device_attribute)(int* value, int attribute, DriverDevice device);
  int (*device_memory)(size_t* bytes, DriverDevice device);
  int (*retain_context)(DriverContext** context, DriverDevice device);
  int (*push_context)(DriverContext* context);
  int (*pop_context)(DriverContext** context);
  int (*free_memory)(size_t* free, size_t* total);
  int (*allocate)(DriverPointer* address, size_t bytes);
  int (*release)(DriverPointer address);
  int (*allocate_host)(void** memory, size_t bytes, unsigned flags);
  int (*host_address)(DriverPointer* address, void* memory, unsigned flags);
  int (*release_host)(void* memory);
  int (*upload)(DriverPointer to, const void* from, size_t bytes, DriverStream* stream);
  int (*download)(void* to, DriverPointer from, size_t bytes, DriverStream* stream);
  int (*copy)(DriverPointer to, DriverPointer from, size_t bytes, DriverStream* stream);
  int (*fill)(DriverPointer at, unsigned char byte, size_t bytes, DriverStream* stream);
  int (*load_module)(DriverModule** module, const void* image);
  int (*unload_module)(DriverModule* module);
  int (*function)(DriverFunction** function, DriverModule* module, const char* name);
  int (*function_attribute)(int* value, int attribute, DriverFunction* function);
  int (*set_function_attribute)(DriverFunction* function, int attribute, int value);
  int (*resident_blocks)(int* blocks, DriverFunction* function, int threads, size_t shared_bytes);
  int (*launch)(DriverFunction* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y, unsigned block_z,
                unsigned shared_bytes, DriverStream* stream, void** arguments, void** extra);
  // Of drivers since CUDA 11.8, else null.
  int (*launch_with)(const DriverLaunch* launch, DriverFunction* function, void** arguments, void** extra);
  int (*resident_clusters)(int* clusters, DriverFunction* function, const DriverLaunch* launch);
  int (*create_stream)(DriverStream** stream, unsigned flags);
  int (*destroy_stream)(DriverStream* stream);
  int (*wait_stream)(DriverStream* stream);
  int (*follow_event)(DriverStream* stream, DriverEvent* event, unsigned flags);
  int (*begin_capture)(DriverStream* stream, int mode);
  int (*end_capture)(DriverStream* stream, DriverGraph** graph);
  int (*instantiate)(DriverGraphExec** exec, DriverGraph* graph, unsigned long long flags);
  int (*destroy_graph)(DriverGraph* graph);
  int (*launch_graph)(DriverGraphExec* exec, DriverStream* stream);
  int (*destroy_exec)(DriverGraphExec* exec);
  int (*create_event)(DriverEvent** event, unsigned flags);
  int (*destroy_event)(DriverEvent* event);
  int (*record_event)(DriverEvent* event, DriverStream* stream);
  int (*wait_event)(DriverEvent* event);
  int (*query_event)(DriverEvent* event);
  int (*elapsed)(float* milliseconds, DriverEvent* begin, DriverEvent* end);

  explicit Driver(Library opened);
  /// "CUDA_ERROR_X: what it means"
  std::string describe(int error) const;
  /// Throws OutOfMemory or, for any other error, std::runtime_error.
  void check(int error, const char* what, const std::source_location& place = std::source_location::current()) const;
};

/// Opened and initialised by the first call. Throws InputError MISSING with the remedy: no driver, no card.
const Driver& driver();

}  // namespace painnless::cuda
