#pragma once
// What may be an edge: all pairs of a small structure, else the atoms in the bins around the receiver's.
#include "search/bins.cuh"
#include "search/scan.cuh"

namespace painnless::cuda {

constexpr double coincident_square = 1e-6 * 1e-6;  // Å^2

/// r of native/neighbors/placing.h: it changes its sign exactly when the atoms change places.
struct Separation {
  double r[3], square;
  __device__ Separation(const double* receiver, const double* sender, const Structure& s, int x, int y, int z) {
    for (int c = 0; c < 3; c++) {
      const double offset = plus(plus(times(x, s.lattice[c]), times(y, s.lattice[3 + c])), times(z, s.lattice[6 + c]));
      r[c] = plus(plus(sender[c], -receiver[c]), offset);
    }
    square = dot3(r, r);
  }
};

/// Steps along the axes that can matter, numbered in their order; the reverse of number k is translations - 1 - k.
__device__ int translations_of(const Structure& s) { return (2 * s.images[0] + 1) * (2 * s.images[1] + 1) * (2 * s.images[2] + 1); }
__device__ int translation_index(const Structure& s, int x, int y, int z) {
  return ((x + s.images[0]) * (2 * s.images[1] + 1) + y + s.images[1]) * (2 * s.images[2] + 1) + z + s.images[2];
}
__device__ void translation_steps(const Structure& s, int index, int* steps) {
  steps[2] = index % (2 * s.images[2] + 1) - s.images[2];
  index /= 2 * s.images[2] + 1;
  steps[1] = index % (2 * s.images[1] + 1) - s.images[1];
  steps[0] = index / (2 * s.images[1] + 1) - s.images[0];
}

/// Calls take(is an edge, sender, translation) for every candidate of one receiver; all lanes of its warp take part each time. Of a structure of few
/// atoms only for one of so many parts of the candidates, which are in order.
template <class Take> __device__ void visit(const SearchArguments<real>& a, int i, Take take, int part = 0, int parts = 1) {
  const Placed& p = a.placed[i];
  const Structure& s = structures_of(a)[p.structure];
  const int lane = lane_index();
  const double nearest = request_of(a).nearest;
  bool coincident = false, near = false;
  const auto offer = [&](bool candidate, int j, const double* position, int x, int y, int z) {
    bool edge = false;
    if (candidate && !(j == i && x == 0 && y == 0 && z == 0)) {
      const Separation between(p.position, position, s, x, y, z);
      coincident |= between.square < coincident_square;
      near |= between.square <= nearest;
      edge = between.square <= a.largest;
    }
    take(edge, j, edge ? translation_index(s, x, y, z) : 0);
  };

  if (s.few) {
    const int translations = translations_of(s), total = s.atoms * translations;
    const int rounds = (total + 31) / 32, end = min(total, rounds * (part + 1) / parts * 32);
    for (int base = rounds * part / parts * 32; base < end; base += 32) {
      const int c = base + lane, j = s.first + min(c, total - 1) / translations;
      int steps[3];
      translation_steps(s, min(c, total - 1) % translations, steps);
      offer(c < total, j, a.placed[j].position, steps[0], steps[1], steps[2]);
    }
  } else {
    int low[3], size[3];
    for (int k = 0; k < 3; k++) {
      const double from = p.fraction[k] - s.reach[k], to = p.fraction[k] + s.reach[k];
      low[k] = s.bins[k] > 0 ? static_cast<int>(floor(from * s.bins[k])) : open_bin(from, s.reach[k]);
      size[k] = (s.bins[k] > 0 ? static_cast<int>(floor(to * s.bins[k])) : open_bin(to, s.reach[k])) - low[k] + 1;
    }
    const int bins = size[0] * size[1] * size[2];
    for (int base = 0; base < bins; base += 32) {
      // Each lane opens one bin; then all lanes go through the atoms of these 32 bins, 32 atoms at a time.
      const int b = base + lane;
      int bin[3] = {low[0] + b / (size[1] * size[2]), low[1] + b / size[2] % size[1], low[2] + b % size[2]}, steps[3] = {};
      int begin = 0, count = 0;
      if (b < bins) {
        for (int k = 0; k < 3; k++)
          if (s.bins[k] > 0) {
            steps[k] = bin[k] >= 0 ? bin[k] / s.bins[k] : -((s.bins[k] - 1 - bin[k]) / s.bins[k]);
            bin[k] -= steps[k] * s.bins[k];
          }
        const int slot = slot_of(a, p.structure, bin[0], bin[1], bin[2]);
        begin = a.slot_begin[slot];
        count = a.slot_begin[slot + 1] - begin;
      }
      const int upto = sum_up_to_lane(count);
      const int total = __shfl_sync(all_lanes, upto, 31);
      for (int c0 = 0; c0 < total; c0 += 32) {
        const int c = c0 + lane;
        int owner = 0;  // the first lane with upto > c
        for (int half = 16; half > 0; half /= 2)
          if (__shfl_sync(all_lanes, upto, owner + half - 1) <= c) owner += half;
        const int start = __shfl_sync(all_lanes, begin, owner), before = __shfl_sync(all_lanes, upto - count, owner);
        int at[3], by[3];
        for (int k = 0; k < 3; k++) {
          at[k] = __shfl_sync(all_lanes, bin[k], owner);
          by[k] = __shfl_sync(all_lanes, steps[k], owner);
        }
        const InSlot& other = a.in_slots[c < total ? start + c - before : 0];
        const bool here = c < total && other.structure == p.structure && other.bin[0] == at[0] && other.bin[1] == at[1] && other.bin[2] == at[2];
        offer(here, here ? other.atom : 0, other.position, by[0], by[1], by[2]);
      }
    }
  }
  if (coincident) atomicOr(&a.sizes->status, coincident_atoms);
  if (near) atomicOr(&a.sizes->status, atoms_too_near);
}

}  // namespace painnless::cuda
