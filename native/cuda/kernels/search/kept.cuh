#pragma once
// Pairs that a run keeps from step to step (docs/theory.md, T54). Twin of native/neighbors/kept.h.
#include "search/candidates.cuh"

namespace painnless::cuda {

/// Cells that an atom has crossed since its pairs were searched for: ten bits along each axis.
constexpr int crossed_bits = 10, most_crossed = 1 << (crossed_bits - 1);
__device__ int crossed_along(int crossed, int axis) { return static_cast<int>(static_cast<unsigned>(crossed) << (32 - crossed_bits * (axis + 1))) >> (32 - crossed_bits); }

constexpr double far_away = 1e300;  // Å, from wherever an atom is

/// Whether pairs still hold as far as atom i goes, which has been placed. No pair can have come within the cutoff while no atom has gone half the skin.
__device__ bool still_holds(const SearchArguments<real>& a, int i) {
  const KeptAtom& then = a.kept.atoms[i];
  const double* given = positions_of(a) + 3 * i;
  double way[3];
  unsigned crossed = 0;
  bool fits = true;
  for (int k = 0; k < 3; k++) {
    way[k] = plus(given[k], -then.position[k]);
    const long long steps = static_cast<long long>(a.placed[i].wrap[k]) - then.wrap[k];
    fits &= steps < most_crossed && steps > -most_crossed;
    crossed |= (static_cast<unsigned>(steps) & (2 * most_crossed - 1)) << (crossed_bits * k);
  }
  a.kept.crossed[i] = FAULT(48, 0, static_cast<int>(crossed));
  return fits && dot3(way, way) < FAULT(49, 9, 1) * a.kept.way;
}

/// Of a receiver's pairs those that are edges now, in their order, with the translations of now; in a step that searched nobody has crossed anything since. All lanes.
__device__ void choose_edges(const SearchArguments<real>& a, int i) {
  __syncwarp();  // what was searched for has been written by other lanes
  const Structure& s = structures_of(a)[a.placed[i].structure];
  const bool fresh = a.sizes->fresh;
  const int begin = a.senders[i].begin, pairs = a.kept.atoms[i].pairs, crossed = fresh ? 0 : a.kept.crossed[i], middle = translations_of(s) / 2;
  int count = 0, earlier = 0;
  Faults faults;
  for (int base = 0; base < pairs; base += 32) {
    const int p = base + lane_index();
    const unsigned long long key = a.kept.pairs[begin + min(p, pairs - 1)];
    const int j = static_cast<int>(key >> 32), theirs = fresh ? 0 : a.kept.crossed[j];
    int steps[3];
    translation_steps(s, static_cast<int>(key & 0xFFFFFFFFu), steps);
    for (int k = 0; k < 3; k++) steps[k] += crossed_along(theirs, k) - crossed_along(crossed, k);
    const Separation between(a.senders[i].position, a.senders[j].position, s, steps[0], steps[1], steps[2]);
    faults.note(between.square, request_of(a).nearest);
    const bool edge = p < pairs && between.square <= a.reach.largest;
    const int translation = translation_index(s, steps[0], steps[1], steps[2]);  // of an edge it is one that there is
    const unsigned edges = __ballot_sync(all_lanes, edge);
    if (edge) a.found[begin + count + __popc(edges & ((1u << lane_index()) - 1))] = static_cast<unsigned long long>(j) << 32 | static_cast<unsigned>(translation);
    count += __popc(edges);
    earlier += __popc(__ballot_sync(all_lanes, edge && (j < i || (j == i && translation < middle))));
  }
  faults.report(a);
  if (lane_index() > 0) return;
  a.senders[i].earlier = earlier;
  a.edges.first[i] = count;
  atomicAdd(a.group_edges + i / scan_items * group_stride, count);
}

/// So many pairs of one receiver are counted at most, so that a group's sum cannot run over.
constexpr int most_counted = (1 << 21) - 1;
static_assert(static_cast<long long>(most_counted) * scan_items <= 0x7FFFFFFF);

/// Edges for which so many pairs are laid out as there are (Search::pairs_for), where there is no room for these; else 0. One thread, of so many groups of receivers.
__device__ int edges_for_pairs(const SearchArguments<real>& a, int groups) {
  if (a.sizes->placed <= a.kept.capacity) return 0;
  double pairs = 0;
  for (int g = 0; g < groups; g++) pairs += a.group_edges[g * group_stride + 2];
  const double share = static_cast<double>(a.reach.longest) / a.kept.reach.longest;
  return static_cast<int>(min(max(pairs, static_cast<double>(a.sizes->placed)) * share * share * share * (1 + 1e-6) + 1, 2147483647.0));
}

}  // namespace painnless::cuda
