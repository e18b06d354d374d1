#pragma once
// The parts of the addon; each adds to the exports what src/engine/native.ts declares of it.
#include <napi.h>

namespace painnless {

/// The classes live as long as the environment does: one per worker thread of Node, no static handle.
struct Classes {
  Napi::FunctionReference engine, session;
};

void define_cuda(Napi::Env env, Napi::Object exports);
void define_engine(Napi::Env env, Napi::Object exports);
void define_functions(Napi::Env env, Napi::Object exports);
void define_session(Napi::Env env, Napi::Object exports);
/// Only in the test build.
void define_tests(Napi::Env env, Napi::Object exports);

}  // namespace painnless
