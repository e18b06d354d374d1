// The door between Node and C++: what src/engine/native.ts declares, and nothing more. Only addon.cpp and addon/ include napi.h.
#include <napi.h>

#include "addon/door.h"

namespace painnless {
namespace {

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  env.SetInstanceData(new Classes());
  exports["version"] = PAINNLESS_VERSION;
  define_cuda(env, exports);
  define_engine(env, exports);
  define_functions(env, exports);
  define_session(env, exports);
#if defined(PAINNLESS_PLANT_FAULTS)
  define_tests(env, exports);
#endif
  return exports;
}

NODE_API_MODULE(painnless, initialize)

}  // namespace
}  // namespace painnless
