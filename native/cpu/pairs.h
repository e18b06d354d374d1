#pragma once
// What the layers see of geometry: every neighbouring pair once, in the order of its first atom's place in the unit.
#include "../neighbors.h"
#include "arena.h"
#include "faults.h"

namespace painnless::PAINNLESS_ISA {

/// Pairs (first <= second, places in the unit) of one unit of work. Images of an atom itself come before its other neighbours.
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

  /// Adds one structure's pairs; its places begin at `place0` of the unit, atom_at and place_of count from there.
  void add(const NeighborList& list, std::span<const int32_t> atom_at, std::span<const int32_t> place_of, int place0, double direction_eps) {
    for (int place = 0; place < static_cast<int>(atom_at.size()); ++place) {
      const int atom = atom_at[place], begin = list.first[atom], end = list.first[atom + 1];
      for (int e = begin; e < end; ++e)
        if (list.senders[e] == atom && list.reverse[e] > e) add(list, e, place0 + place, place0 + place, direction_eps);
      for (int e = begin; e < end; ++e)  // the reverse edge stands for both
        if (const int other = place_of[list.senders[e]]; other > place) add(list, e, place0 + place, place0 + other, direction_eps);
    }
  }

 private:
  /// Eq. T3.
  void add(const NeighborList& list, int edge, int place, int other, double direction_eps) {
    const double* r = &list.vectors[3 * static_cast<size_t>(edge)];
    const double d = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    first[count] = place;
    second[count] = other;
    distance[count] = d;
    for (int k = 0; k < 3; ++k) {
      vector[3 * static_cast<size_t>(count) + k] = r[k];
      direction[4 * static_cast<size_t>(count) + k] = static_cast<Real>(r[PAINNLESS_FAULT("vector components swapped", k ^ (k < 2), k)] / (d + direction_eps));
    }
    direction[4 * static_cast<size_t>(count) + 3] = 0;
    ++count;
  }
};

/// Pairs of a list: half its edges.
inline int pair_count(const NeighborList& list) { return static_cast<int>(list.senders.size() / 2); }

}  // namespace painnless::PAINNLESS_ISA
