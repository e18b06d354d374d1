#pragma once
// How kernels that work on tiles of atoms share out atoms and features among their threads.
#include "prelude.cuh"

namespace painnless::cuda {

/// A block takes `tile` atoms, a thread `atoms` of them and two features; `split` groups of threads share out the inputs of every product, so that few
/// atoms still keep many loads under way. `vector_atoms`: those a thread takes at once where each has three rows.
template <int TILE, int ATOMS, int SPLIT, int THREADS> struct Cut {
  static_assert(SPLIT == 1 || SPLIT == 4);
  static constexpr int tile = TILE, atoms = ATOMS, split = SPLIT, threads = THREADS, lanes = THREADS / SPLIT, vector_atoms = TENSOR ? 2 : ATOMS;
};

/// The cuts for few atoms and for many.
using Small = Cut<SMALL_TILE, SMALL_ATOMS, SMALL_SPLIT, SMALL_THREADS>;
using Large = Cut<LARGE_TILE, LARGE_ATOMS, LARGE_SPLIT, LARGE_THREADS>;

/// A block's atoms that exist, and shared memory for the sums that its groups pass on.
template <class Cut> struct Tile {
  int first, count;
  real* exchange;
  /// `next` is where free shared memory begins, after it.
  __device__ Tile(int atoms, real*& next) : first(blockIdx.x * Cut::tile), count(max(0, min(Cut::tile, atoms - first))), exchange(next) {
    next += update_exchange(Cut::atoms, Cut::split, Cut::threads, TENSOR);
  }
  /// Where an atom of the tile begins in (atoms, rows, F).
  __device__ long long at(int atom, int rows = 1) const { return static_cast<long long>(first + atom) * rows * FEATURES; }
};

/// A thread's part of a tile: some atoms, two features from `feature` on. The same comes to the same thread each time, so that what it wrote as its
/// owner it may read without a barrier.
template <class Cut> struct Part {
  int first, feature, group;  // atom of the tile with which it begins
  bool here;                  // threads beyond the last part have none
  __device__ bool owned() const { return here && group == Cut::split - 1; }
#if TENSOR
  /// A warp has tiles of eight atoms and sixteen features; of each, lane 4 g + t holds atoms 2t and 2t + 1, features 2g and 2g + 1 (tensor.cuh).
  __device__ int atom(int i) const { return first + i / 2 * 8 + lane_index() % 4 * 2 + i % 2; }
#else
  __device__ int atom(int i) const { return first + i; }
#endif
};

/// Calls work(part) for this thread's parts of WIDTH features and ATOMS atoms; every thread of the block is called equally often.
template <class Cut, int WIDTH, int ATOMS = Cut::atoms, class Work> __device__ void each_part(Work work) {
#if TENSOR
  constexpr int columns = WIDTH / 16, atoms = 4 * Cut::atoms, step = Cut::lanes / 32;
  const int group = warp_index() / step, own = warp_index() % step, feature = lane_index() / 4 * 2;
#else
  constexpr int columns = WIDTH / 2, atoms = Cut::atoms, step = Cut::lanes;
  const int group = threadIdx.x / step, own = threadIdx.x % step, feature = 0;
#endif
  constexpr int parts = Cut::tile / atoms * columns;
#pragma unroll 1
  for (int base = 0; base < parts; base += step) {
    const bool here = base + own < parts;
    const int p = here ? base + own : 0;
#pragma unroll 1
    for (int n = 0; n < Cut::atoms; n += ATOMS) work(Part<Cut>{p / columns * atoms + n * (atoms / Cut::atoms), p % columns * (WIDTH / columns) + feature, group, here});
  }
}

}  // namespace painnless::cuda
