#pragma once
// What runs off the event loop.
#include <functional>
#include <optional>

#include "failure.h"

namespace painnless {

/// One piece of work and its promise. Node waits for one that runs before it tears its environment down.
class Task : public Napi::AsyncWorker {
 public:
  using Answer = std::function<Napi::Value(Napi::Env)>;

  /// `work` runs on a worker thread, touches no JavaScript, and returns what makes its JavaScript answer back on the event loop.
  static Napi::Promise start(Napi::Env env, std::function<Answer()> work) {
    auto* task = new Task(env, std::move(work));
    const auto promise = task->promise_.Promise();
    task->Queue();
    return promise;
  }

 protected:
  Task(Napi::Env env, std::function<Answer()> work)
      : Napi::AsyncWorker(env), promise_(Napi::Promise::Deferred::New(env)), work_(std::move(work)) {}

  void Execute() override {
    failure_ = attempt([&] { answer_ = work_(); });
  }
  void OnOK() override { settle(); }

  /// False where Node is tearing this environment down: nobody is left to answer, and no JavaScript may run.
  bool settle();

  const Napi::Promise::Deferred promise_;

 private:
  std::function<Answer()> work_;
  Answer answer_;
  std::optional<Failure> failure_;
};

}  // namespace painnless
