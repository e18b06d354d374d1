#pragma once
// What a warp finds for its receiver, in shared memory while there is room, and its order.
#include "search/candidates.cuh"

namespace painnless::cuda {

/// Puts the finds of a receiver in order, to `to`, as they are or as `widen` makes them; a group of them is read at once, and whole groups are there, the last one
/// filled up with what comes last. No key has its highest bit set, so that of a difference says which is less. Returns how many come before `own`.
template <int Group, class Key, class Widen>
__device__ int put_in_order(const Pack<Group, Key>* finds, int count, Key own, unsigned long long* to, Widen widen) {
  constexpr int together = 2;
  const Key* keys = finds[0].v;
  int earlier = 0;
  for (int base = 0; base < count; base += 32 * together) {
    Key mine[together];
    int rank[together] = {};
    for (int n = 0; n < together; n++) mine[n] = keys[min(base + 32 * n + lane_index(), count - 1)];
#pragma unroll 2
    for (int other = 0; other < count; other += Group) {
      const Pack<Group, Key> others = finds[other / Group];
      for (int k = 0; k < Group; k++)
        for (int n = 0; n < together; n++) rank[n] += static_cast<Key>(others.v[k] - mine[n]) >> (8 * sizeof(Key) - 1);
    }
    for (int n = 0; n < together; n++) {
      const bool here = base + 32 * n + lane_index() < count;
      if (here) to[rank[n]] = widen(mine[n]);
      earlier += __popc(__ballot_sync(all_lanes, here && mine[n] < own));
    }
  }
  return earlier;
}

constexpr int find_threads = 128, find_warps = find_threads / 32;
/// Finds of a receiver for which there is room in shared memory, twice as many if sender and translation fit 31 bits.
constexpr int most_finds = 192;

/// What a warp has found for its receiver.
struct Finds {
  unsigned* narrow;          // sender of the structure and translation, where both fit 31 bits
  unsigned long long* wide;  // sender and translation; the same place
  int first, bits;           // of the structure's atoms; for a translation
  bool fit;
  int count, most;

  __device__ unsigned long long at(int k) const { return fit ? widened(narrow[k]) : wide[k]; }
  __device__ unsigned long long widened(unsigned key) const {
    return static_cast<unsigned long long>(first + (key >> bits)) << 32 | (key & ((1u << bits) - 1));
  }
  /// Of an atom too far from the origin, whose batch is refused, a translation may be anything; the sender must be one.
  __device__ unsigned narrowed(int j, int translation) const {
    return static_cast<unsigned>(j - first) << bits | (static_cast<unsigned>(translation) & ((1u << bits) - 1));
  }
  /// All lanes.
  __device__ void add(bool edge, int j, int translation) {
    const unsigned edges = __ballot_sync(all_lanes, edge);
    const int k = count + __popc(edges & ((1u << lane_index()) - 1));
    if (edge && k < most) {
      if (fit) narrow[k] = narrowed(j, translation);
      else wide[k] = static_cast<unsigned long long>(j) << 32 | static_cast<unsigned>(translation);
    }
    count += __popc(edges);
  }
};

/// Leaves those of the finds that float64 says are edges.
__device__ void keep_edges(const SearchArguments<real>& a, const Structure& s, int i, Finds& finds) {
  const int found = finds.count;
  Faults faults;
  finds.count = 0;
  for (int base = 0; base < found; base += 32) {
    __syncwarp();
    const unsigned long long key = finds.at(min(base + lane_index(), found - 1));
    __syncwarp();  // what stays is written over what has been read
    const int j = static_cast<int>(key >> 32), translation = static_cast<int>(key & 0xFFFFFFFFu);
    int steps[3];
    translation_steps(s, translation, steps);
    const Separation between(a.senders[i].position, a.senders[j].position, s, steps[0], steps[1], steps[2]);
    faults.note(between.square, request_of(a).nearest);
    finds.add(base + lane_index() < found && between.square <= a.reach.largest, j, translation);
  }
  faults.report(a);
}

}  // namespace painnless::cuda
