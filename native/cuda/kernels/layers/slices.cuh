#pragma once
// PaiNN's message on tensor cores (docs/theory.md, section 6). A warp owns a receiver and a slice of 32 features of all that is written for it, and takes its edges
// in tiles of eight: lane 8 q + r has edges 2 q and 2 q + 1 of a tile, and features 4 r to 4 r + 3, so that eight lanes read a line of a sender's. Tensor cores have
// those at lane 4 r + q, from where a filter moves. Sums over an atom's edges are four, by half their place modulo four, until sum_of_quarters; sums over features
// go over a lane's four, then the lanes, then the slices.
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
  __device__ int place(int n) const { return e + 2 * (lane_index() / 8) + n; }
  __device__ int edge(int n) const { return min(place(n), end - 1); }
  __device__ bool there(int n) const { return place(n) < end; }
  __device__ int sender(const Edges<real>& edges, int n) const { return edges.senders[edge(n)]; }
  __device__ Pack<4> direction(const Edges<real>& edges, int n) const { return load<4>(edges.direction + 4 * static_cast<long long>(edge(n))); }
};

/// A block of features of W for this lane's two edges; or of W and then of W', where there are inputs of both.
template <int SETS, class Weights> __device__ void tile_filters(const FilterInputs (&in)[SETS], const Weights& weights, int block, Filter (&w)[2 * SETS]) {
  const int from = lane_index() % 8 * 4 + lane_index() / 8;
#pragma unroll
  for (int half = 0; half < 2; half++) {
#pragma unroll
    for (int set = 0; set < SETS; set++) {
      float c[4];
      filter_of(in[set], weights(2 * block + half), c);
#pragma unroll
      for (int n = 0; n < 4; n++) w[2 * set + n % 2][2 * half + n / 2] = __shfl_sync(all_lanes, c[n], from);
    }
  }
}

/// The first of a lane's four features, of slice `slice`.
__device__ int slice_feature(int slice) { return slice * slice_features + lane_index() % 8 * LANE_VALUES; }

/// Calls for each receiver of this warp, one of so many of its block: with its list, and the atom that follows.
template <class Receive> __device__ void for_receivers(const PainnMessageArguments<real>& a, int index, int of_block, const Receive& receive) {
  const int atoms = a.sizes->atoms, step = gridDim.x * of_block;
  for (int i = blockIdx.x * of_block + index; i < atoms; i += step)
    if (is_for_slices(a, i)) receive(i, a.edges.first[i], a.edges.first[i + 1], min(i + step, atoms));
}
/// Asks for what the filters of an atom's list are made from, as far as the second-level cache; beyond the last atom there is nothing.
__device__ void fetch_inputs(const PainnMessageArguments<real>& a, const unsigned* rows, int i) {
  if (i >= a.sizes->atoms) return;
  const long long end = static_cast<long long>(a.edges.first[i + 1]) * input_words;
  for (long long at = static_cast<long long>(a.edges.first[i]) * input_words + 32 * lane_index(); at < end; at += 32 * 32) fetch(rows + at);
}

/// What a tile's work begins with, asked for while the one before is worked on.
struct Ahead {
  FilterInputs inputs;
  int sender[2];
  __device__ Ahead(const PainnMessageArguments<real>& a, int e, int end) {
    if (e >= end) return;
    const EdgeTile tile{e, end};
    inputs = tile.inputs(a.slices.values);
#pragma unroll
    for (int n = 0; n < 2; n++) sender[n] = tile.sender(a.edges, n);
  }
};

/// Sums over the edges, which lie on four lanes: lanes r get those of `scalar`, the others those of a component.
__device__ Values sums_of_edges(const real (&scalar)[LANE_VALUES], const real (&vector)[3][LANE_VALUES]) {
  Values sums;
#pragma unroll
  for (int v = 0; v < LANE_VALUES; v++) sums.v[v] = sum_of_quarters(scalar[v], vector[0][v], vector[1][v], vector[2][v]);
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

/// So many slices of a receiver go to one block, whose warps then read its edges once.
constexpr int together = slices_together(FEATURES);

/// T16, T17: q and mid of the receivers.
template <bool FIRST> __device__ void receive_messages(const PainnMessageArguments<real>& a) {
  constexpr int blocks = message_blocks<FIRST>;
  const int slice = blockIdx.y * together + warp_index() % together, feature = slice_feature(slice), q = lane_index() / 8;
  const HeldWeights<blocks> weights(a.slices.weights + static_cast<long long>(slice) * slice_words);
  for_receivers(a, warp_index() / together, message_threads / 32 / together, [&](int i, int begin, int end, int next_atom) {
    if (warp_index() % together == 0) fetch_inputs(a, a.slices.values, next_atom);
    Received<FIRST> sums;
    Ahead next(a, begin, end);
#pragma unroll 1
    for (int e = begin; e < end; e += tile_edges) {
      const EdgeTile tile{e, end};
      const Ahead now = next;
      next = Ahead(a, e + tile_edges, end);
      const FilterInputs inputs[1] = {now.inputs};
      Filter w[blocks][2];
#pragma unroll
      for (int block = 0; block < blocks; block++) tile_filters(inputs, weights, block, w[block]);
#pragma unroll
      for (int n = 0; n < 2; n++) sums.add(a, now.sender[n], feature, tile.direction(a.edges, n), w[0][n], w[1][n], w[blocks - 1][n]);
    }
    const Values total = scaled(sums_of_edges(sums.q, sums.m), a.slices.of_value);
    const long long row = static_cast<long long>(i) * FEATURES + feature, rows = 3 * static_cast<long long>(i) * FEATURES + feature;
    if (q == 0) {
      store(a.q + row, sum_of(values_at(FIRST ? a.embedding + static_cast<long long>(a.numbers[i]) * FEATURES + feature : a.q + row), total));
    } else {
      const long long at = rows + (q - 1) * FEATURES;
      store(a.mid + at, sum_of(FIRST ? Values{} : values_at(a.mu + at), total));
    }
  });
}

}  // namespace painnless::cuda
