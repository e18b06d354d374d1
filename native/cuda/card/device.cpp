#include "device.h"

#include <unistd.h>

#include <cstdio>

namespace painnless::cuda {
namespace {

std::string gigabytes(size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f GB", static_cast<double>(bytes) * 1e-9);
  return text;
}

}  // namespace

OutOfMemory::OutOfMemory(const std::string& found) : InputError("MISSING", "numbers", found + "; evaluate fewer atoms at a time, or use native:cpu:f64") {}

OutOfMemory::OutOfMemory(size_t needed, size_t free)
    : OutOfMemory("the GPU has too little memory: this needs " + gigabytes(needed) + ", free are " + gigabytes(free)) {}

OutOfMemory OutOfMemory::pinned(size_t needed) {
  const auto pages = static_cast<size_t>(sysconf(_SC_AVPHYS_PAGES)), page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  return OutOfMemory("this machine has too little memory for copies to and from the GPU: this needs " + gigabytes(needed) + " that stay in place, free are " +
                     gigabytes(pages * page));
}

OutOfMemory OutOfMemory::within(const std::string& call, size_t free) {
  return OutOfMemory("the GPU has too little memory for " + call + ": what it needs, the driver does not say, free are " + gigabytes(free));
}

std::unique_ptr<Graph> Device::record(const std::function<void()>& launches) {
  begin_recording();
  try {
    launches();
  } catch (...) {
    cancel_recording();
    throw;
  }
  return end_recording();
}

}  // namespace painnless::cuda
