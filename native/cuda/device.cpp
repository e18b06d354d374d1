#include "device.h"

#include <cstdio>

namespace painnless::cuda {
namespace {

std::string gigabytes(size_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f GB", static_cast<double>(bytes) * 1e-9);
  return text;
}

}  // namespace

OutOfMemory::OutOfMemory(size_t needed_, size_t free_)
    : InputError("MISSING", "numbers",
                 "the GPU has too little memory: this needs " + gigabytes(needed_) + ", free are " + gigabytes(free_) +
                     "; evaluate fewer atoms at a time, or use native:cpu"),
      needed(needed_),
      free(free_) {}

}  // namespace painnless::cuda
