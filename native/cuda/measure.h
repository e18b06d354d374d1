#pragma once
// Times of recorded launches, and of every launch by itself.
#include <chrono>
#include <functional>

#include "engine.h"
#include "card/program.h"

namespace painnless::cuda {

/// Seconds of a replay, the mean of `count` one behind the other; `cold`: the caches are flushed before each.
double mean_seconds(Device& device, Graph& graph, int count, bool cold);

/// Search or network of an evaluation: recorded, and as launches.
struct Stage {
  Graph* recorded;
  std::function<void()> launch;
};

/// Times the launches of both stages in rounds; `search` may be empty. Edges and portions are left to the caller.
CudaProfile take_profile(Device& device, Programs& programs, const Stage& search, const Stage& network, int rounds);

/// Notes when portions of a set are copied and computed, and when the host works on them: seconds since it began, on one clock.
class Trace {
 public:
  enum Moment { sending, sent, working, worked, fetching, fetched, moments };

  Trace(Device& device, size_t portions);
  /// Behind what is queued now.
  void note(size_t portion, Moment moment, Queue queue) { device_.mark(*marks_[moments * portion + moment], queue); }
  /// Of the host.
  double now() const { return std::chrono::duration<double>(Clock::now() - began_).count(); }
  CudaProfile::Portion& operator[](size_t portion) { return portions_[portion]; }
  /// When all has been waited for.
  std::vector<CudaProfile::Portion> portions();

 private:
  using Clock = std::chrono::steady_clock;
  Device& device_;
  std::unique_ptr<Mark> origin_;
  Clock::time_point began_;
  std::vector<std::unique_ptr<Mark>> marks_;  // (portions, moments)
  std::vector<CudaProfile::Portion> portions_;
};

}  // namespace painnless::cuda
