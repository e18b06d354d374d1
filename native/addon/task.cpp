#include "task.h"

namespace painnless {

Napi::Promise Task::at_once(Napi::Env env, const std::function<Answer()>& work) {
  const auto promise = Napi::Promise::Deferred::New(env);
  Outcome(work).settle(env, promise);
  return promise.Promise();
}

bool Task::settle() {
  try {
    outcome_.settle(Env(), promise_);
    return true;
  } catch (const Napi::Error&) {
    return false;
  }
}

void Task::Outcome::settle(Napi::Env env, const Napi::Promise::Deferred& promise) const {
  if (failure) return promise.Reject(error_to(env, *failure).Value());
  Napi::Value value;
  try {
    value = answer(env);
  } catch (const Napi::Error& error) {  // no memory for the arrays of the answer
    return promise.Reject(error.Value());
  }
  promise.Resolve(value);
}

}  // namespace painnless
