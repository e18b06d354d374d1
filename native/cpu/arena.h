#pragma once
// One block of memory per workspace: laid out by a dry run, allocated when a larger batch first needs it, never in a step.
#include "dense.h"

namespace painnless::PAINNLESS_ISA {

class Arena {
 public:
  /// The layout function runs twice, first to count; it calls take() for each array, in the same order both times.
  template <class Layout> void arrange(Layout layout) {
    const size_t bytes = count(layout);
    if (bytes > capacity_) {
      memory_ = {};  // the old block goes before the new one comes
      memory_ = AlignedArray<char>(bytes);
      capacity_ = bytes;
    }
    used_ = 0;
    counting_ = false;
    layout(*this);
  }
  template <class Layout> static size_t count(Layout layout) {
    Arena dry;
    dry.counting_ = true;
    layout(dry);
    return dry.used_;
  }
  template <class T> T* take(size_t items) {
    T* place = counting_ ? nullptr : reinterpret_cast<T*>(memory_.get() + used_);
    used_ += (items * sizeof(T) + 127) / 128 * 128;
    return place;
  }

 private:
  AlignedArray<char> memory_;
  size_t capacity_ = 0, used_ = 0;
  bool counting_ = false;
};

}  // namespace painnless::PAINNLESS_ISA
