#pragma once
// The context of a card, which every call of the driver works in.
#include "driver.h"

namespace painnless::cuda {

/// The card's context, kept until the process ends: making one takes a tenth of a second.
DriverContext* context_of(const Driver& call, DriverDevice device);

/// Makes the card's context current for as long as it lives. Where that fails, as when the driver has gone at the end of a process, so does
/// the call that needs it, which says so.
class Current {
 public:
  Current(const Driver& call, DriverContext* context) : call_(call), pushed_(call.push_context(context) == 0) {}
  ~Current() {
    DriverContext* popped;
    if (pushed_) call_.pop_context(&popped);
  }
  Current(const Current&) = delete;

 private:
  const Driver& call_;
  bool pushed_;
};

}  // namespace painnless::cuda
