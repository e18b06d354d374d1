#pragma once
// Work of an engine: one request after the other.
#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>

#include "task.h"

namespace painnless {

class Job;

/// How large an evaluation may be to be done before anybody could notice, as far as those before it tell; and not too many in a row: who awaits
/// one after the other gives the event loop no turn, so that no signal and no timer would come through.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::duration;

  bool allows_at_once(size_t atoms) const { return atoms <= short_atoms_ && at_once_ < longest_at_once; }
  void did_at_once(Time taken) { at_once_ += taken; }
  /// The event loop has turned.
  void turn() { at_once_ = {}; }
  void learn(size_t atoms, Time taken) {
    short_atoms_ = taken < longest ? std::max(short_atoms_, atoms) : std::min(short_atoms_, atoms - 1);
  }

 private:
  static constexpr Time longest = std::chrono::milliseconds(1), longest_at_once = std::chrono::milliseconds(20);
  size_t short_atoms_ = 0;
  Time at_once_{};  // since the last turn that is known of
};

/// Shared by the JavaScript objects and their jobs. The queue belongs to the event loop, as does what the pace counts of its turns; `engine`, and what the pace
/// learns, to whichever job runs.
struct Desk {
  std::unique_ptr<Engine> engine;
  Pace pace;
  std::deque<Job*> waiting;
  bool running = false, closed = false;

  void require_open(Napi::Env env) const {
    if (closed) throw error_to(env, {"CANCELLED", "", "the engine is closed"});
  }
  bool is_idle() const { return !running && waiting.empty(); }
  /// What waits is refused; what runs may finish, and the engine goes with it.
  void close();
  void start_next();
};

/// A task that waits for its turn at the engine.
class Job : public Task {
 public:
  /// As Task::start; `work` is given the engine. Throws JavaScript's CANCELLED once the desk is closed.
  static Napi::Promise start(Napi::Env env, const std::shared_ptr<Desk>& desk, std::function<Answer(Engine&)> work);
  /// As start, on the event loop: for work at an idle desk that is shorter than the way to another thread and back is worth.
  static Napi::Promise at_once(Napi::Env env, Desk& desk, const std::function<Answer(Engine&)>& work);
  void refuse();

 protected:
  void OnOK() override;

 private:
  Job(Napi::Env env, const std::shared_ptr<Desk>& desk, std::function<Answer(Engine&)> work)
      : Task(env, [desk, work = std::move(work)] { return work(*desk->engine); }), desk_(desk) {}

  std::shared_ptr<Desk> desk_;
};

}  // namespace painnless
