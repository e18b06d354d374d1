#pragma once
// What may be an edge of a structure of few atoms: all pairs.
#include "search/bins.cuh"

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
  const unsigned of_row = 2 * s.images[2] + 1, of_plane = 2 * s.images[1] + 1, row = static_cast<unsigned>(index) / of_row, plane = row / of_plane;
  steps[2] = static_cast<int>(static_cast<unsigned>(index) - row * of_row) - s.images[2];
  steps[1] = static_cast<int>(row - plane * of_plane) - s.images[1];
  steps[0] = static_cast<int>(plane) - s.images[0];
}

/// What is wrong with a pair, whether or not it is an edge.
struct Faults {
  bool coincident = false, near = false;
  __device__ void note(double square, double nearest) {
    coincident |= square < coincident_square;
    near |= square <= nearest;
  }
  __device__ void report(const SearchArguments<real>& a) const {
    if (coincident) atomicOr(&a.sizes->status, coincident_atoms);
    if (near) atomicOr(&a.sizes->status, atoms_too_near);
  }
};

/// Calls take(is within reach, sender, translation) for every candidate of one receiver of a structure of few atoms, in their order, or for one of so many
/// parts of them; all lanes of its warp take part each time.
template <class Take> __device__ void visit(const SearchArguments<real>& a, const Reach& reach, int i, Take take, int part = 0, int parts = 1) {
  const Placed& p = a.placed[i];
  const Structure& s = structures_of(a)[p.structure];
  const double nearest = request_of(a).nearest;
  Faults faults;
  const int translations = translations_of(s), total = s.atoms * translations;
  const int rounds = (total + 31) / 32, end = min(total, rounds * (part + 1) / parts * 32);
  for (int base = rounds * part / parts * 32; base < end; base += 32) {
    const int c = base + lane_index(), j = s.first + min(c, total - 1) / translations, translation = min(c, total - 1) % translations;
    int steps[3];
    translation_steps(s, translation, steps);
    bool edge = false;
    if (c < total && !(j == i && steps[0] == 0 && steps[1] == 0 && steps[2] == 0)) {
      const Separation between(p.position, a.placed[j].position, s, steps[0], steps[1], steps[2]);
      faults.note(between.square, nearest);
      edge = between.square <= reach.largest;
    }
    take(edge, j, translation);
  }
  faults.report(a);
}

}  // namespace painnless::cuda
