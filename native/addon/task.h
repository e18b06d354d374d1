#pragma once
// Work whose answer is a promise: off the event loop, or on it where it is short.
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

  /// The same on the event loop, which stands still meanwhile.
  static Napi::Promise at_once(Napi::Env env, const std::function<Answer()>& work);

 protected:
  Task(Napi::Env env, std::function<Answer()> work)
      : Napi::AsyncWorker(env), promise_(Napi::Promise::Deferred::New(env)), work_(std::move(work)) {}

  void Execute() override {
    outcome_ = Outcome(work_);
  }
  void OnOK() override { settle(); }

  /// False where Node is tearing this environment down: nobody is left to answer, and no JavaScript may run.
  bool settle();

  const Napi::Promise::Deferred promise_;

 private:
  /// What work gave, or threw.
  struct Outcome {
    Answer answer;
    std::optional<Failure> failure;

    Outcome() = default;
    explicit Outcome(const std::function<Answer()>& work) {
      failure = attempt([&] { answer = work(); });
    }
    void settle(Napi::Env env, const Napi::Promise::Deferred& promise) const;
  };

  std::function<Answer()> work_;
  Outcome outcome_;
};

}  // namespace painnless
