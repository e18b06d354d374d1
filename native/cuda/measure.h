#pragma once
// Times of recorded launches, and of every launch by itself.
#include <functional>

#include "engine.h"
#include "program.h"

namespace painnless::cuda {

/// Seconds of a replay, the mean of `count` one behind the other; `cold`: the caches are flushed before each.
double mean_seconds(Device& device, Graph& graph, int count, bool cold);

/// The parts of an evaluation: recorded, and as launches.
struct Part {
  Graph* recorded;
  std::function<void()> launch;
};

/// Times the launches of both parts in rounds; `search` may be empty. Edges are left to the caller.
CudaProfile take_profile(Device& device, Programs& programs, const Part& search, const Part& network, int rounds);

}  // namespace painnless::cuda
