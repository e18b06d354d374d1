#pragma once
// What runs off the event loop: one request after the other for each engine.
#include <deque>
#include <functional>
#include <memory>

#include "failure.h"

namespace painnless {

class Job;

/// Shared by the JavaScript objects and their jobs. The queue belongs to the event loop; `engine` to whichever job runs.
struct Desk {
  std::unique_ptr<Engine> engine;
  std::deque<Job*> waiting;
  bool running = false, closed = false;

  void require_open(Napi::Env env) const {
    if (closed) throw error_to(env, {"CANCELLED", "", "the engine is closed"});
  }
  /// What waits is refused; what runs may finish, and the engine goes with it.
  void close();
};

/// One request: runs on a worker thread, touches no JavaScript there; its promise is settled back on the event loop, and the next job
/// started. Node waits for a running one before it tears its environment down.
class Job : public Napi::AsyncWorker {
 public:
  using Answer = std::function<Napi::Value(Napi::Env)>;

  /// `work` runs off the event loop and returns what makes its JavaScript answer.
  Job(Napi::Env env, std::shared_ptr<Desk> desk, std::function<Answer(Engine&)> work)
      : Napi::AsyncWorker(env), desk_(std::move(desk)), work_(std::move(work)), promise_(Napi::Promise::Deferred::New(env)) {}

  Napi::Promise submit();
  void refuse();

 protected:
  void Execute() override;
  void OnOK() override;

 private:
  void settle();
  static void start_next(Desk& desk);

  std::shared_ptr<Desk> desk_;
  std::function<Answer(Engine&)> work_;
  Napi::Promise::Deferred promise_;
  Answer answer_;
  std::optional<Failure> failure_;
};

}  // namespace painnless
