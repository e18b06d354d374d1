#pragma once
// How kernels that work on tiles of atoms share out atoms and features among their threads.
#include "prelude.cuh"
#if defined(SPREAD_THREADS)
#include "cluster.cuh"
#endif

namespace painnless::cuda {

/// A block takes `tile` atoms, a thread `atoms` of them and two features; `split` groups of threads share out the inputs of every product, so that few
/// atoms still keep many loads under way. `vector_atoms`: those a thread takes at once where each has three rows. `members` blocks of a cluster may share a
/// tile: each makes its share of the features of every row, and sends them to all (exchange.cuh).
template <int TILE, int ATOMS, int SPLIT, int THREADS, int MEMBERS = 1> struct Cut {
  static_assert(SPLIT == 1 || SPLIT == 2 || SPLIT == 4);
  static_assert(MEMBERS == 1 || (TENSOR && SPLIT > 1 && TILE == 4 * ATOMS && ATOMS == 2));  // a warp has its features of all atoms
  static constexpr int tile = TILE, atoms = ATOMS, split = SPLIT, threads = THREADS, lanes = THREADS / SPLIT, vector_atoms = TENSOR ? 2 : ATOMS, members = MEMBERS;
  /// Is what is needed after a product asked for before it: of few atoms, registers bear that.
  static constexpr bool asks_first = MEMBERS > 1;
  /// Of weights under way, as registers bear; where groups share out inputs, so many: of few atoms all of a product, asked for while it waits for what it takes.
  static constexpr int steps_before = MEMBERS > 1 ? 6 : 3;
  static constexpr int steps_ahead(int groups) { return ATOMS == 2 ? (groups == 3 ? 6 : 4) : groups == 1 ? 4 : groups; }
};

#if defined(SPREAD_THREADS)
/// The cut for so few atoms that whole tiles would leave most of the card idle.
using Spread = Cut<SMALL_TILE, SMALL_ATOMS, SMALL_SPLIT, SPREAD_THREADS, SPREAD_MEMBERS>;

template <class Cut> __device__ int member() { return blockIdx.x % Cut::members; }
#else
/// The cuts for few atoms and for many.
using Small = Cut<SMALL_TILE, SMALL_ATOMS, SMALL_SPLIT, SMALL_THREADS>;
using Large = Cut<LARGE_TILE, LARGE_ATOMS, LARGE_SPLIT, LARGE_THREADS>;

template <class Cut> __device__ int member() { return 0; }
#endif

/// A block's atoms that exist, and its shared memory for the sums that its groups pass on.
template <class Cut> struct Tile {
  int first, count;
  real* exchange;
#if defined(SPREAD_THREADS)
  Arrivals* arrivals;  // of exchanges, by turns
  real* unread;        // room for a letter
  int turn = 0;        // exchanges so far
#endif
  /// `next` is where free shared memory begins, after it.
  __device__ Tile(int atoms, real*& next) : first(blockIdx.x / Cut::members * Cut::tile), count(max(0, min(Cut::tile, atoms - first))), exchange(next) {
    next += update_exchange(Cut::atoms, Cut::split, Cut::threads, TENSOR);
#if defined(SPREAD_THREADS)
    arrivals = reinterpret_cast<Arrivals*>(next);
    unread = next + 4;
    next += spread_counters;
#endif
  }
  /// Where an atom of the tile begins in (atoms, rows, F).
  __device__ long long at(int atom, int rows = 1) const { return static_cast<long long>(first + atom) * rows * FEATURES; }
};

/// Columns of sixteen features that a block has of so many; who is last may have fewer, or none.
template <class Cut> constexpr int columns_each(int columns) { return (columns + Cut::members - 1) / Cut::members; }

/// A thread's part of a tile: some atoms, two features from `feature` on. The same comes to the same thread each time, so that what it wrote as its
/// owner it may read without a barrier.
template <class Cut> struct Part {
  int first, feature, group;  // atom of the tile with which it begins
  bool here;                  // threads beyond the last part have none
  __device__ bool owned() const { return here && group == Cut::split - 1; }
  /// Where the sixteen features begin of which it is one's: on tensor cores, a warp's.
  __device__ int column() const { return feature / 16 * 16; }
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
  constexpr int columns = WIDTH / 16, atoms = 4 * Cut::atoms, step = Cut::lanes / 32;  // of features; a block's own are neighbours
  const int group = warp_index() / step, own = warp_index() % step, feature = lane_index() / 4 * 2;
#else
  constexpr int columns = WIDTH / 2, atoms = Cut::atoms, step = Cut::lanes;
  const int group = threadIdx.x / step, own = threadIdx.x % step, feature = 0;
#endif
  constexpr int own_columns = columns_each<Cut>(columns), parts = Cut::tile / atoms * own_columns;
  const int first_column = member<Cut>() * own_columns;
#pragma unroll 1
  for (int base = 0; base < parts; base += step) {
    const bool here = base + own < parts && first_column + (base + own) % own_columns < columns;
    const int p = here ? base + own : 0, column = here ? first_column + p % own_columns : 0;
#pragma unroll 1
    for (int n = 0; n < Cut::atoms; n += ATOMS) work(Part<Cut>{p / own_columns * atoms + n * (atoms / Cut::atoms), column * (WIDTH / columns) + feature, group, here});
  }
}

}  // namespace painnless::cuda
