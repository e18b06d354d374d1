#pragma once
// Work of an engine: one request after the other.
#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "task.h"

namespace painnless {

class Job;

/// How large an evaluation may be to be done before anybody could notice, as far as those before it tell; and not too many in a row: who awaits
/// one after the other gives the event loop no turn, so that no signal and no timer would come through.
class Pace {
 public:
  using Clock = std::chrono::steady_clock;
  using Time = Clock::duration;
  static constexpr Time longest_short = std::chrono::milliseconds(1);

  bool is_short(size_t atoms) const { return atoms <= short_atoms_; }
  bool allows_at_once(size_t atoms) const { return is_short(atoms) && at_once_ < longest_at_once; }
  void did_at_once(Time taken) { at_once_ += taken; }
  /// The event loop has turned.
  void turn() { at_once_ = {}; }
  void learn(size_t atoms, Time taken) {
    short_atoms_ = taken < longest_short ? std::max(short_atoms_, atoms) : std::min(short_atoms_, atoms - 1);
  }

 private:
  static constexpr Time longest_at_once = std::chrono::milliseconds(20);
  size_t short_atoms_ = 0;
  Time at_once_{};  // since the last turn that is known of
};

/// Shared by the JavaScript objects and their jobs. The queue belongs to the event loop, as does what the pace counts of its turns; `engine`, what the pace learns, and who
/// is `next` to whichever job runs, which may take the first of the queue.
struct Desk {
  std::unique_ptr<Engine> engine;
  Pace pace;
  std::mutex taking;
  std::deque<Job*> waiting;
  Job* next = nullptr;  // has been taken: the engine may be at it
  bool running = false, closed = false;

  void require_open(Napi::Env env) const {
    if (closed) throw error_to(env, {"CANCELLED", "", "the engine is closed"});
  }
  bool is_idle() const { return !running && waiting.empty(); }
  /// What waits is refused; what runs, or is next, may finish, and the engine goes with it.
  void close();
  void add(Job* job);
  void start_next();
  /// Of the job that runs, while the engine is at it: takes the first that waits, if it has a first half, and nobody is next.
  void begin_next();
  std::deque<Job*> take_all();

 private:
  Job* take_first();
};

/// A task that waits for its turn at the engine.
class Job : public Task {
 public:
  using Work = std::function<Answer(Engine&)>;
  /// What may be done of it while the engine is at another, which tells whether the rest is short; what it throws is lost, so the work must come upon it again.
  using FirstHalf = std::function<bool(Engine&)>;

  /// As Task::start; `work` is given the engine. Throws JavaScript's CANCELLED once the desk is closed.
  static Napi::Promise start(Napi::Env env, const std::shared_ptr<Desk>& desk, Work work, FirstHalf first_half = {});
  /// As start, on the event loop: for work at an idle desk that is shorter than the way to another thread and back is worth.
  static Napi::Promise at_once(Napi::Env env, Desk& desk, const Work& work);
  void refuse();
  bool has_first_half() const { return first_half_ != nullptr; }
  void begin();

 protected:
  void Execute() override;
  void OnOK() override;

 private:
  Job(Napi::Env env, const std::shared_ptr<Desk>& desk, Work work, FirstHalf first_half)
      : Task(env, [desk, work = std::move(work)] { return work(*desk->engine); }), desk_(desk), first_half_(std::move(first_half)) {}

  std::shared_ptr<Desk> desk_;
  const FirstHalf first_half_;
  bool is_short_ = false;
  std::vector<Job*> along_;  // short ones that have been done behind it
};

}  // namespace painnless
