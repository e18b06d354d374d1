#pragma once
// PaiNN's message on tensor cores (docs/theory.md, section 6). A warp owns a receiver and a slice of 32 features of all that is written for it, and takes its edges
// in tiles of eight: as tensor cores leave filters, lane 4 r + q has features 4 r to 4 r + 3 of edges 2 q and 2 q + 1 of a tile. Senders' rows come into shared
// memory, eight lanes a line, a tile ahead of where they are read. Sums over an atom's edges are four, by half their place modulo four, until sum_of_four_lanes;
// sums over features go over a lane's four, then the lanes, then the slices.
#include "copies.cuh"
#include "layers/filters.cuh"
#include "layers/message.cuh"

namespace painnless::cuda {

static_assert(LANE_VALUES == 4, "a lane's features in a slice");

/// Weights of a block's slice, (blocks, 2 halves, half_words).
constexpr int slice_words = slice_halves * half_words;

/// Weights where they lie.
struct StoredWeights {
  const unsigned* at;
  __device__ FilterWeights operator()(int half) const { return {at + half * half_words}; }
};

/// Weights in registers where they are few, else where they lie.
template <int BLOCKS, bool HELD = input_groups <= 3> struct HeldWeights : StoredWeights {
  __device__ explicit HeldWeights(const unsigned* from) : StoredWeights{from} {}
};
template <int BLOCKS> struct HeldWeights<BLOCKS, true> {
  HeldFilterWeights halves[2 * BLOCKS];
  __device__ explicit HeldWeights(const unsigned* from) {
#pragma unroll
    for (int half = 0; half < 2 * BLOCKS; half++) halves[half].fetch(StoredWeights{from}(half));
  }
  __device__ const HeldFilterWeights& operator()(int half) const { return halves[half]; }
};

/// Of one edge at a lane's features.
using Filter = real[LANE_VALUES];

/// A tile of eight edges from e on, of a list that ends at `end`; beyond it the last is repeated, and its filters are zero.
struct EdgeTile {
  int e, end;
  __device__ FilterInputs inputs(const unsigned* rows) const {
    const int column = e + lane_index() / 4;
    return {rows, min(column, end - 1), column < end};
  }
  /// This lane's edge n of two.
  __device__ int place(int n) const { return e + 2 * (lane_index() % 4) + n; }
  __device__ bool there(int n) const { return place(n) < end; }
};

/// A block of features of W for this lane's two edges; or of W and then of W', where there are inputs of both.
template <int SETS, class Weights> __device__ void tile_filters(const FilterInputs (&in)[SETS], const Weights& weights, int block, Filter (&w)[2 * SETS]) {
#pragma unroll
  for (int half = 0; half < 2; half++) {
#pragma unroll
    for (int set = 0; set < SETS; set++) {
      float c[4];
      filter_of(in[set], weights(2 * block + half), c);
#pragma unroll
      for (int n = 0; n < 4; n++) w[2 * set + n % 2][2 * half + n / 2] = c[n];
    }
  }
}

/// W of a tile, and W' where SETS is 2.
template <int BLOCKS, int SETS> struct TileFilters {
  Filter w[BLOCKS][2 * SETS];
  template <class Weights> __device__ TileFilters(const FilterInputs (&in)[SETS], const Weights& weights) {
#pragma unroll
    for (int block = 0; block < BLOCKS; block++) tile_filters(in, weights, block, w[block]);
  }
};

constexpr int slices = FEATURES / slice_features;
/// A block's slice. Blocks of a column of the grid have one slice, and lie on one multiprocessor, as cards share them out, where slices divide multiprocessors: so
/// senders' rows are found near.
__device__ int own_slice() { return blockIdx.x % slices; }
/// The first of a lane's four features, of slice `slice`.
__device__ int slice_feature(int slice) { return slice * slice_features + lane_index() / 4 * LANE_VALUES; }

/// Calls for each receiver of this warp: with its list, and the atom that follows. Warps of a column take receivers next to each other, which have neighbours in
/// common, twice where there are many; columns of other slices take the same ones at the same time, and find their edges' inputs in the second-level cache.
template <class Receive> __device__ void for_receivers(const PainnMessageArguments<real>& a, const Receive& receive) {
  constexpr int of_block = message_threads / 32;
  const int columns = gridDim.x / slices, of_column = gridDim.y * of_block, atoms = a.sizes->atoms, run = atoms > 10 * columns * of_column ? 2 : 1;
  const int own = blockIdx.x / slices * run * of_column + blockIdx.y * of_block + warp_index();
  const auto of_round = [&](int n) { return own + n / run * columns * run * of_column + n % run * of_column; };
  for (int n = 0, i = own; i < atoms; n++) {
    const int next = of_round(n + 1);
    if (is_for_slices(a, i)) receive(i, a.edges.first[i], a.edges.first[i + 1], next);
    i = next;
  }
}
/// Asks for what the filters of an atom's list are made from, as far as the second-level cache; beyond the last atom there is nothing.
__device__ void fetch_inputs(const PainnMessageArguments<real>& a, const unsigned* rows, int i) {
  if (i >= a.sizes->atoms) return;
  const long long end = static_cast<long long>(a.edges.first[i + 1]) * input_words;
  for (long long at = static_cast<long long>(a.edges.first[i]) * input_words + 32 * lane_index(); at < end; at += 32 * 32) fetch(rows + at);
}

/// What a warp reads of a tile's edges in one of its two stages: ROWS rows of each sender's slice, and directions. Rows lie such that the lanes that read at once,
/// of four edges and two packs of features, and those that write at once, of one edge, find all banks.
template <int ROWS> struct Stage {
  static constexpr int row_words = tile_edges * slice_features;
  real* memory;
  int own;  // place of this lane's pack of its first edge
  /// Where a row of an edge has a pack.
  __device__ static int place(int edge, int pack) { return edge * slice_features + (pack ^ (edge & 6)) * LANE_VALUES; }
  __device__ static int own_place() { return place(2 * (lane_index() % 4), lane_index() / 4); }
  /// Of this lane's edge n of two.
  __device__ Values values(int row, int n) const { return load<LANE_VALUES>(memory + own + row * row_words + n * slice_features); }
  __device__ Vectors vectors(int row, int n) const { return {values(row, n), values(row + 1, n), values(row + 2, n)}; }
  __device__ Pack<4> direction(int n) const { return load<4>(memory + ROWS * row_words + 4 * (2 * (lane_index() % 4) + n)); }
};

/// Senders of the two edges of a tile whose rows a lane copies: eight lanes a row.
struct Copied {
  int sender[2];
  __device__ Copied(const Edges<real>& edges, int e, int end) {
    for (int n = 0; n < 2; n++) sender[n] = e < end ? edges.senders[min(e + edge(n), end - 1)] : 0;
  }
  __device__ static int edge(int n) { return 4 * n + lane_index() / 8; }
};

/// What an edge's filters are made from, of all SETS: values, and slopes where there are two.
template <int SETS> struct TileInputs {
  FilterInputs sets[SETS];
  __device__ TileInputs(const PainnMessageArguments<real>& a, int e, int end) {
    if (e >= end) return;
    const EdgeTile tile{e, end};
    sets[0] = tile.inputs(a.slices.values);
    if constexpr (SETS > 1) sets[1] = tile.inputs(a.slices.slopes);
  }
};

/// COUNT rows of a sender's slice into a stage's, from row FIRST on, one behind the other in memory. `to`: this lane's pack of row 0.
template <int FIRST, int COUNT> __device__ void copy_rows(real* to, const real* from) {
  constexpr int row = Stage<1>::row_words;
  copy_ahead<FIRST * row, 0>(to, from);
  if constexpr (COUNT > 1) copy_ahead<(FIRST + 1) * row, FEATURES>(to, from);
  if constexpr (COUNT > 2) copy_ahead<(FIRST + 2) * row, 2 * FEATURES>(to, from);
}
/// Where a lane copies from, of what has so many rows an atom.
template <int COUNT> __device__ const real* rows_of(const real* all, int atom) { return all + static_cast<long long>(atom) * COUNT * FEATURES; }
/// The first number of a lane's pack in a row that it copies of a slice.
__device__ int copied_feature(int slice) { return slice * slice_features + lane_index() % 8 * LANE_VALUES; }

/// Takes a list in tiles, in order, while what the next one needs comes: filters_of(inputs) makes what add(tile, filters, stage) adds. `stages`: of this warp;
/// copy(to, sender): copies a sender's rows.
template <int ROWS, int SETS, class Copy, class FiltersOf, class Add>
__device__ void for_tiles(const PainnMessageArguments<real>& a, real* stages, int begin, int end, const Copy& copy, const FiltersOf& filters_of, const Add& add) {
  using OfTile = Stage<ROWS>;
  constexpr int words = slice_stage_words(ROWS);
  const int own = held(OfTile::own_place()), copied_to[2] = {held(OfTile::place(Copied::edge(0), lane_index() % 8)), held(OfTile::place(Copied::edge(1), lane_index() % 8))};
  const auto ask = [&](int turn, int e, const Copied& copied) {
#pragma unroll
    for (int n = 0; n < 2; n++) copy(stages + turn * words + copied_to[n], copied.sender[n]);
    if (lane_index() < tile_edges)
      copy_ahead<ROWS * OfTile::row_words>(stages + turn * words + 4 * lane_index(), a.edges.direction + 4 * static_cast<long long>(min(e + lane_index(), end - 1)));
  };
  if (begin < end) ask(0, begin, Copied(a.edges, begin, end));
  end_copies();
  Copied next(a.edges, begin + tile_edges, end);
  TileInputs<SETS> ahead(a, begin, end);
  int turn = 0;
#pragma unroll 1
  for (int e = begin; e < end; e += tile_edges) {
    if (e + tile_edges < end) ask(turn ^ 1, e + tile_edges, next);
    end_copies();
    next = Copied(a.edges, e + 2 * tile_edges, end);
    const TileInputs<SETS> now = ahead;
    ahead = TileInputs<SETS>(a, e + tile_edges, end);
    const auto filters = filters_of(now.sets);
    if (FAULT(35, false, true)) wait_for_copies<1>();
    __syncwarp();
    add(EdgeTile{e, end}, filters, OfTile{stages + turn * words, own});
    __syncwarp();  // before others' copies come into this stage
    turn ^= 1;
  }
}
/// Of this warp, behind what else is in the block's shared memory.
template <int ROWS> __device__ real* stages_of_warp(real* memory) { return memory + warp_index() * 2 * slice_stage_words(ROWS); }

/// Sums over the edges, which lie on four lanes: lanes 4 r get those of `scalar`, the others those of a component.
__device__ Values sums_of_edges(const real (&scalar)[LANE_VALUES], const real (&vector)[3][LANE_VALUES]) {
  Values sums;
#pragma unroll
  for (int v = 0; v < LANE_VALUES; v++) sums.v[v] = sum_of_four_lanes<1>(scalar[v], vector[0][v], vector[1][v], vector[2][v]);
  return sums;
}
__device__ Values scaled(Values values, real factor) {
  for (int v = 0; v < LANE_VALUES; v++) values.v[v] *= factor;
  return values;
}
__device__ Values sum_of(Values a, const Values& b) {
  for (int v = 0; v < LANE_VALUES; v++) a.v[v] += b.v[v];
  return a;
}

/// T16, T17: q and mid of the receivers. `memory`: the block's dynamic shared memory.
template <bool FIRST> __device__ void receive_messages(const PainnMessageArguments<real>& a, real* memory) {
  constexpr int blocks = message_blocks<FIRST>, rows = received_rows(FIRST);
  const int slice = own_slice(), feature = slice_feature(slice), q = lane_index() % 4;
  const HeldWeights<blocks> weights(a.slices.weights + static_cast<long long>(slice) * slice_words);
  real* const stages = stages_of_warp<rows>(memory);
  const real *const x = held(a.x + copied_feature(slice)), *const mu = FIRST ? nullptr : held(a.mu + copied_feature(slice));
  const auto copy = [&](real* to, int sender) {
    copy_rows<0, FIRST ? 2 : 3>(to, rows_of<3>(x, FIRST ? a.numbers[sender] : sender));
    if constexpr (!FIRST) copy_rows<3, 3>(to, rows_of<3>(mu, sender));
  };
  for_receivers(a, [&](int i, int begin, int end, int next_atom) {
    fetch_inputs(a, a.slices.values, next_atom);
    Received<FIRST> sums;
    const auto filters_of = [&](const FilterInputs(&inputs)[1]) { return TileFilters<blocks, 1>(inputs, weights); };
    for_tiles<rows, 1>(a, stages, begin, end, copy, filters_of, [&](const EdgeTile&, const TileFilters<blocks, 1>& filters, const Stage<rows>& stage) {
#pragma unroll
      for (int n = 0; n < 2; n++) {
        sums.add_scalars(stage.values(0, n), stage.values(1, n), stage.direction(n), filters.w[0][n], filters.w[1][n]);
        if constexpr (!FIRST) sums.add_vectors(stage.values(2, n), stage.vectors(3, n), filters.w[2][n]);
      }
    });
    const Values total = scaled(sums_of_edges(sums.q, sums.m), a.slices.of_value);
    const long long row = static_cast<long long>(i) * FEATURES + feature, at = 3 * static_cast<long long>(i) * FEATURES + (q - 1) * FEATURES + feature;
    if (q == 0) store(a.q + row, sum_of(values_at(FIRST ? a.embedding + static_cast<long long>(a.numbers[i]) * FEATURES + feature : a.q + row), total));
    else store(a.mid + at, sum_of(FIRST ? Values{} : values_at(a.mu + at), total));
  });
}

}  // namespace painnless::cuda
