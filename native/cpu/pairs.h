#pragma once
// What the layers see of geometry: every neighbouring pair once, sorted by its first atom, then by its second.
#include "../neighbors.h"
#include "arena.h"
#include "faults.h"

namespace painnless::PAINNLESS_ISA {

/// Pairs (first <= second) of one unit of work. Images of an atom itself come before its other neighbours.
template <class Real> struct Pairs {
  int count = 0;
  int32_t *first = nullptr, *second = nullptr;  // (pairs)
  double *vector = nullptr, *distance = nullptr;  // (pairs, 3) r = R_second - R_first + S cell, and |r|, Å
  Real* direction = nullptr;                    // (pairs, 4) u = r / (d + delta), one unused

  void lay_out(Arena& arena, int pairs) {
    first = arena.take<int32_t>(pairs);
    second = arena.take<int32_t>(pairs);
    vector = arena.take<double>(3 * static_cast<size_t>(pairs));
    distance = arena.take<double>(pairs);
    direction = arena.take<Real>(4 * static_cast<size_t>(pairs));
  }

  /// Adds one structure's pairs; its atoms begin at `atom0` of the unit. Eq. T3.
  void add(const NeighborList& list, int atom0, double direction_eps) {
    for (size_t e = 0; e < list.senders.size(); ++e) {
      const int a = list.receivers[e], b = list.senders[e];
      if (static_cast<size_t>(list.reverse[e]) < e) continue;  // the reverse edge stands for both
      const double* r = &list.vectors[3 * e];
      const double d = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
      first[count] = atom0 + a;
      second[count] = atom0 + b;
      distance[count] = d;
      for (int k = 0; k < 3; ++k) {
        vector[3 * count + k] = r[k];
        direction[4 * count + k] = static_cast<Real>(r[PAINNLESS_FAULT("vector components swapped", k ^ (k < 2), k)] / (d + direction_eps));
      }
      direction[4 * count + 3] = 0;
      ++count;
    }
  }
};

/// Pairs of a list: half its edges.
inline int pair_count(const NeighborList& list) { return static_cast<int>(list.senders.size() / 2); }

}  // namespace painnless::PAINNLESS_ISA
