#include "context.h"

#include <map>
#include <mutex>

namespace painnless::cuda {

DriverContext* context_of(const Driver& call, DriverDevice device) {
  static std::mutex guard;
  static std::map<DriverDevice, DriverContext*> contexts;
  const std::lock_guard lock(guard);
  DriverContext*& context = contexts[device];
  if (!context) call.check(call.retain_context(&context, device), "cuDevicePrimaryCtxRetain");
  return context;
}

}  // namespace painnless::cuda
