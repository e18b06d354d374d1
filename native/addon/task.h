#pragma once
// Work off the event loop that belongs to no engine yet.
#include <functional>
#include <optional>

#include "failure.h"

namespace painnless {

class Task : public Napi::AsyncWorker {
 public:
  using Answer = std::function<Napi::Value(Napi::Env)>;

  /// `work` runs on a worker thread, touches no JavaScript, and returns what makes its JavaScript answer.
  static Napi::Promise start(Napi::Env env, std::function<Answer()> work) {
    auto* task = new Task(env, std::move(work));
    const auto promise = task->promise_.Promise();
    task->Queue();
    return promise;
  }

 protected:
  void Execute() override {
    failure_ = attempt([&] { answer_ = work_(); });
  }
  void OnOK() override {
    if (failure_)
      promise_.Reject(error_to(Env(), *failure_).Value());
    else
      promise_.Resolve(answer_(Env()));
  }

 private:
  Task(Napi::Env env, std::function<Answer()> work) : Napi::AsyncWorker(env), work_(std::move(work)), promise_(Napi::Promise::Deferred::New(env)) {}

  std::function<Answer()> work_;
  Napi::Promise::Deferred promise_;
  Answer answer_;
  std::optional<Failure> failure_;
};

}  // namespace painnless
