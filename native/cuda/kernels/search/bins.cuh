#pragma once
// Atoms into their cell and its bins, as wide as the cutoff; bins into the slots of a hash table. Twin of native/neighbors/placing.h.
#include "request.cuh"

namespace painnless::cuda {

constexpr double far_bin = 1 << 30;  // along an open axis; what lies beyond shares a bin

// Rounded one by one, whatever the options: two machines, and two kernels, must agree on which pairs are edges.
__device__ double times(double a, double b) { return __dmul_rn(a, b); }
__device__ double plus(double a, double b) { return __dadd_rn(a, b); }
__device__ double dot3(const double* a, const double* b) { return plus(plus(times(a[0], b[0]), times(a[1], b[1])), times(a[2], b[2])); }

/// Bin along an open axis.
__device__ int open_bin(double fraction, double reach) {
  const double bin = floor(fraction / reach);
  return static_cast<int>(bin < -far_bin ? -far_bin : bin > far_bin ? far_bin : bin);
}

/// Slot of a bin in the hash table; bins may share one, but for those of a block of 4 x 4 x 4: no two that one atom looks into, of one image, do.
__device__ int slot_of(const SearchArguments<real>& a, int structure, int x, int y, int z) {
  unsigned long long key = static_cast<unsigned>(structure);
  key = (key ^ static_cast<unsigned>(x >> 2)) * 0x9E3779B97F4A7C15ull;
  key = (key ^ (key >> 29) ^ static_cast<unsigned>(y >> 2)) * 0xBF58476D1CE4E5B9ull;
  key = (key ^ (key >> 32) ^ static_cast<unsigned>(z >> 2)) * 0x94D049BB133111EBull;
  const int block = static_cast<int>((key >> 33) & static_cast<unsigned>(a.slots / 64 - 1));
  return 64 * block + 16 * (x & 3) + 4 * (y & 3) + (z & 3);
}

/// The structure that an atom of the batch belongs to.
__device__ int structure_of(const SearchArguments<real>& a, int atom) {
  const Structure* s = structures_of(a);
  int low = 0, high = request_of(a).structures - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (s[middle].first <= atom) low = middle;
    else high = middle - 1;
  }
  return low;
}

/// Where atom i of the batch is: its structure, the place in the cell and the bin.
__device__ void place(const SearchArguments<real>& a, int i) {
  Placed& p = a.placed[i];
  p.structure = structure_of(a, i);
  const Structure& s = structures_of(a)[p.structure];
  const double* given = positions_of(a) + 3 * i;
  double position[3] = {given[0], given[1], given[2]};
  for (int k = 0; k < 3; k++) {
    double fraction = dot3(s.inverse + 3 * k, given);
    p.wrap[k] = 0;
    if (s.bins[k] > 0) {
      const double cells = floor(fraction);
      if (!(cells < 1e9 && cells > -1e9)) {
        atomicOr(&a.sizes->status, far_from_origin);
      } else {
        fraction -= cells;
        p.wrap[k] = static_cast<int>(cells);
        for (int c = 0; c < 3; c++) position[c] = plus(position[c], -times(cells, s.lattice[3 * k + c]));
      }
      p.bin[k] = min(static_cast<int>(fraction * s.bins[k]), s.bins[k] - 1);
    } else {
      p.bin[k] = open_bin(fraction, s.reach[k]);
    }
    p.fraction[k] = fraction;
  }
  for (int c = 0; c < 3; c++) p.position[c] = position[c];
}

}  // namespace painnless::cuda
