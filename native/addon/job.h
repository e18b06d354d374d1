#pragma once
// Work of an engine: one request after the other.
#include <deque>
#include <memory>

#include "task.h"

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
  void start_next();
};

/// A task that waits for its turn at the engine.
class Job : public Task {
 public:
  /// As Task::start; `work` is given the engine. Throws JavaScript's CANCELLED once the desk is closed.
  static Napi::Promise start(Napi::Env env, const std::shared_ptr<Desk>& desk, std::function<Answer(Engine&)> work);
  void refuse();

 protected:
  void OnOK() override;

 private:
  Job(Napi::Env env, const std::shared_ptr<Desk>& desk, std::function<Answer(Engine&)> work)
      : Task(env, [desk, work = std::move(work)] { return work(*desk->engine); }), desk_(desk) {}

  std::shared_ptr<Desk> desk_;
};

}  // namespace painnless
