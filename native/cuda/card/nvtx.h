#pragma once
// What the host does, as ranges on the timeline of a tool that listens (NVTX): Nsight Systems names its library in NVTX_INJECTION64_PATH. Without one
// a range is a look at a flag.

namespace painnless::cuda {

/// From here to the end of the block, on this thread, under the name "painnless NAME"; ranges lie within each other.
class Range {
 public:
  explicit Range(const char* name);
  ~Range();
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;

 private:
  const bool begun_;
};

}  // namespace painnless::cuda
