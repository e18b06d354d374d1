#include "job.h"

#include <utility>

namespace painnless {

void Desk::close() {
  closed = true;
  for (Job* job : std::exchange(waiting, {})) job->refuse();
  if (!running) engine.reset();
}

Napi::Promise Job::submit() {
  const auto promise = promise_.Promise();
  desk_->waiting.push_back(this);
  start_next(*desk_);
  return promise;
}

void Job::refuse() {
  promise_.Reject(error_to(Env(), {"CANCELLED", "", "the engine was closed before this evaluation began"}).Value());
  Destroy();
}

void Job::Execute() {
  failure_ = attempt([&] { answer_ = work_(*desk_->engine); });
}

void Job::OnOK() {
  const auto desk = desk_;
  desk->running = false;
  if (desk->closed) desk->engine.reset();
  try {
    settle();
    start_next(*desk);
  } catch (const Napi::Error&) {
    // Node is tearing this environment down: nobody is left to answer, and no JavaScript may run. What waits goes with it.
    for (Job* job : std::exchange(desk->waiting, {})) job->Destroy();
  }
}

void Job::settle() {
  if (failure_) {
    promise_.Reject(error_to(Env(), *failure_).Value());
    return;
  }
  Napi::Value answer;
  try {
    answer = answer_(Env());
  } catch (const Napi::Error& error) {  // no memory for the arrays of the answer
    promise_.Reject(error.Value());
    return;
  }
  promise_.Resolve(answer);
}

void Job::start_next(Desk& desk) {
  if (desk.running || desk.waiting.empty()) return;
  Job* next = desk.waiting.front();
  desk.waiting.pop_front();
  desk.running = true;
  next->Queue();
}

}  // namespace painnless
