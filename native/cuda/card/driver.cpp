#include "driver.h"

#include <stdexcept>

#include "device.h"

namespace painnless::cuda {
namespace {

constexpr int error_no_device = 100;

Library open_driver() {
  constexpr const char* name = "libcuda.so.1";  // the developer's link libcuda.so is not on a user's machine
  if (auto loaded = Library::loaded(name)) return std::move(*loaded);
  std::string reasons;
  for (const char* path : {name, "/usr/lib/wsl/lib/libcuda.so.1", "/usr/local/nvidia/lib64/libcuda.so.1", "/usr/local/nvidia/lib/libcuda.so.1"}) {
    try {
      return Library::open(path);
    } catch (const std::runtime_error& error) {
      if (reasons.empty()) reasons = error.what();
    }
  }
  throw InputError("MISSING", "device", "no NVIDIA driver (" + reasons + "); install it, or use native:cpu:f64");
}

Driver open_and_initialise() {
  Driver driver(open_driver());
  driver.check(driver.driver_version(&driver.version), "cuDriverGetVersion");
  const int error = driver.init(0);
  int count = 0;
  if (error == error_no_device || (error == 0 && driver.device_count(&count) == 0 && count == 0))
    throw InputError("MISSING", "device", "the NVIDIA driver sees no GPU (is CUDA_VISIBLE_DEVICES empty?); use native:cpu:f64");
  if (error != 0)
    throw InputError("MISSING", "device",
                     "the NVIDIA driver does not start: " + driver.describe(error) + "; nvidia-smi may say why, a restart mends a half-installed driver");
  return driver;
}

}  // namespace

Driver::Driver(Library opened) : library(std::move(opened)) {
  library.find(init, "cuInit");
  library.find(driver_version, "cuDriverGetVersion");
  library.find(error_name, "cuGetErrorName");
  library.find(error_string, "cuGetErrorString");
  library.find(device_count, "cuDeviceGetCount");
  library.find(device, "cuDeviceGet");
  library.find(device_name, "cuDeviceGetName");
  library.find(device_attribute, "cuDeviceGetAttribute");
  library.find(device_memory, "cuDeviceTotalMem_v2");
  library.find(retain_context, "cuDevicePrimaryCtxRetain");
  library.find(push_context, "cuCtxPushCurrent_v2");
  library.find(pop_context, "cuCtxPopCurrent_v2");
  library.find(free_memory, "cuMemGetInfo_v2");
  library.find(allocate, "cuMemAlloc_v2");
  library.find(release, "cuMemFree_v2");
  library.find(allocate_host, "cuMemHostAlloc");
  library.find(host_address, "cuMemHostGetDevicePointer_v2");
  library.find(release_host, "cuMemFreeHost");
  library.find(upload, "cuMemcpyHtoDAsync_v2");
  library.find(download, "cuMemcpyDtoHAsync_v2");
  library.find(copy, "cuMemcpyDtoDAsync_v2");
  library.find(fill, "cuMemsetD8Async");
  library.find(load_module, "cuModuleLoadData");
  library.find(unload_module, "cuModuleUnload");
  library.find(function, "cuModuleGetFunction");
  library.find(function_attribute, "cuFuncGetAttribute");
  library.find(set_function_attribute, "cuFuncSetAttribute");
  library.find(resident_blocks, "cuOccupancyMaxActiveBlocksPerMultiprocessor");
  library.find(launch, "cuLaunchKernel");
  library.find_if_any(launch_with, "cuLaunchKernelEx");
  library.find_if_any(resident_clusters, "cuOccupancyMaxActiveClusters");
  library.find(create_stream, "cuStreamCreate");
  library.find(destroy_stream, "cuStreamDestroy_v2");
  library.find(wait_stream, "cuStreamSynchronize");
  library.find(follow_event, "cuStreamWaitEvent");
  library.find(begin_capture, "cuStreamBeginCapture_v2");
  library.find(end_capture, "cuStreamEndCapture");
  library.find(instantiate, "cuGraphInstantiateWithFlags");
  library.find(destroy_graph, "cuGraphDestroy");
  library.find(launch_graph, "cuGraphLaunch");
  library.find(destroy_exec, "cuGraphExecDestroy");
  library.find(create_event, "cuEventCreate");
  library.find(destroy_event, "cuEventDestroy_v2");
  library.find(record_event, "cuEventRecord");
  library.find(wait_event, "cuEventSynchronize");
  library.find(query_event, "cuEventQuery");
  library.find(elapsed, "cuEventElapsedTime");
}

std::string Driver::describe(int error) const {
  const char *name = nullptr, *text = nullptr;
  if (error_name(error, &name) != 0 || !name) return "error " + std::to_string(error);
  return std::string(name) + (error_string(error, &text) == 0 && text ? std::string(": ") + text : "");
}

void Driver::check(int error, const char* what, const std::source_location& place) const {
  if (error == 0) return;
  if (error == error_out_of_memory) {
    size_t free = 0, total = 0;
    free_memory(&free, &total);  // of the current card; without one there is nothing to say
    throw OutOfMemory::within(what, free);
  }
  const std::string file = place.file_name();
  throw std::runtime_error(std::string(what) + " failed, " + describe(error) + " (" + file.substr(file.rfind('/') + 1) + ":" + std::to_string(place.line()) + ")");
}

const Driver& driver() {
  static const Driver opened = open_and_initialise();
  return opened;
}

}  // namespace painnless::cuda
