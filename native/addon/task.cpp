#include "task.h"

namespace painnless {

bool Task::settle() {
  try {
    if (failure_) {
      promise_.Reject(error_to(Env(), *failure_).Value());
      return true;
    }
    Napi::Value answer;
    try {
      answer = answer_(Env());
    } catch (const Napi::Error& error) {  // no memory for the arrays of the answer
      promise_.Reject(error.Value());
      return true;
    }
    promise_.Resolve(answer);
    return true;
  } catch (const Napi::Error&) {
    return false;
  }
}

}  // namespace painnless
