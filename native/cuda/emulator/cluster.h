#pragma once
// kernels/cluster.cuh for a host compiler. What is sent to a block arrives as late as it may, when somebody there asks whether it has, so that who reads before that
// finds nothing, and who ends before that is found out; or, if runtime->early_rows is set, at once, so that it comes over what is still to be read.

namespace painnless::cuda {

struct alignas(8) Arrivals {
  int missing;  // bytes announced and not yet here; below zero where they were not announced
  signed char expected, due;
  bool phase;
};

struct alignas(16) Letter {
  real v[3];
  unsigned turn;
};

inline void arrive_at_cluster() {}
inline void arrive_at_cluster_unseen() {}
inline void wait_for_cluster() { emulator::runtime->meet_cluster(); }
inline void meet_first(int threads) { emulator::runtime->meet_first(threads); }

inline void settle(Arrivals& arrivals) {
  if (arrivals.due > 0 || arrivals.missing != 0) return;
  arrivals.due = arrivals.expected;
  arrivals.phase = !arrivals.phase;
}
inline void clear(Arrivals& arrivals, unsigned expected) { arrivals = {0, static_cast<signed char>(expected), static_cast<signed char>(expected), false}; }
inline void publish_arrivals() {}
inline void arrive(Arrivals& arrivals) {
  arrivals.due--;
  settle(arrivals);
}
inline void announce(Arrivals& arrivals, unsigned bytes) {
  arrivals.missing += static_cast<int>(bytes);
  arrive(arrivals);
}
inline bool complete(Arrivals& arrivals, unsigned parity) {
  arrivals.missing -= emulator::runtime->receive(&arrivals);
  settle(arrivals);
  return arrivals.phase != static_cast<bool>(parity);
}

template <class Value> Value* place_in(Value* at, unsigned block) {
  emulator::Runtime& now = *emulator::runtime;
  const unsigned rank = now.block.x % now.cluster;
  if (!now.has_begun(now.block.x - rank + block)) now.early++;
  if (now.has_ended(now.block.x - rank + block)) now.lost++;
  const long long blocks = static_cast<long long>(block) - static_cast<long long>(rank);
  return reinterpret_cast<Value*>(reinterpret_cast<unsigned char*>(at) + blocks * now.shared_stride);
}
template <int N> void send(real* to, unsigned block, const Pack<N>& value, Arrivals& arrivals) {
  Arrivals& there = *place_in(&arrivals, block);
  if (!emulator::runtime->early_rows) return emulator::runtime->send(&there, place_in(to, block), &value, sizeof value);
  memcpy(place_in(to, block), &value, sizeof value);
  there.missing -= static_cast<int>(sizeof value);
  settle(there);
}
inline void bring(real* to, const real* from, unsigned bytes, Arrivals& arrivals) {
  memcpy(to, from, bytes);
  arrivals.missing -= static_cast<int>(bytes);
  settle(arrivals);
}

inline void post(Letter* to, real a, real b, real c, unsigned turn) { *to = {{a, b, c}, turn}; }
inline Letter look(const Letter* at) { return *at; }

/// In vain for ever is the scheduler's to find out.
template <class Ready> bool wait_until(Ready ready, int*) {
  while (!ready()) emulator::runtime->let_others_run();
  return true;
}
inline void await(Arrivals& arrivals, unsigned parity) {
  wait_until([&] { return complete(arrivals, parity); }, nullptr);
}

}  // namespace painnless::cuda
