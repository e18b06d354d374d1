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

/// Tiles of eight edges from e on, of a list that ends at `end`; beyond it the last is repeated, and its filters are zero.
template <int TILES> struct Tiles {
  int e, end;
  __device__ FilterInputs inputs(const unsigned* rows, int tile) const {
    const int column = e + tile_edges * tile + lane_index() / 4;
    return {rows, min(column, end - 1), column < end};
  }
  /// This lane's edge n of 2 TILES.
  __device__ int place(int n) const { return e + tile_edges * (n / 2) + 2 * (lane_index() / 8) + n % 2; }
  __device__ int edge(int n) const { return min(place(n), end - 1); }
  __device__ bool there(int n) const { return place(n) < end; }
  __device__ int sender(const Edges<real>& edges, int n) const { return edges.senders[edge(n)]; }
  __device__ Pack<4> direction(const Edges<real>& edges, int n) const { return load<4>(edges.direction + 4 * static_cast<long long>(edge(n))); }
};

/// W of a block of features for this lane's edges.
template <int TILES, class Weights> __device__ void tile_filters(const FilterInputs (&in)[TILES], const Weights& weights, int block, Filter (&w)[2 * TILES]) {
  const int from = lane_index() % 8 * 4 + lane_index() / 8;
#pragma unroll
  for (int half = 0; half < 2; half++) {
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) {
      float c[4];
      filter_of(in[tile], weights(2 * block + half), c);
#pragma unroll
      for (int n = 0; n < 4; n++) w[2 * tile + n % 2][2 * half + n / 2] = __shfl_sync(all_lanes, c[n], from);
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
    const Tiles<1> tile{e, end};
    inputs = tile.inputs(a.slices.values, 0);
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
      const Tiles<1> tile{e, end};
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

/// T19 to T21. x, mu: the layer's inputs; q_bar, mu_bar: bars of its results.
template <bool FIRST> struct ReturnedMessages {
  const PainnMessageArguments<real>& a;
  int feature = slice_feature(blockIdx.y);
  StoredWeights weights;

  /// `memory`: the block's dynamic shared memory. Every thread of the block calls it.
  __device__ ReturnedMessages(const PainnMessageArguments<real>& arguments, real* memory)
      : a(arguments), weights{arguments.slices.weights + static_cast<long long>(blockIdx.y) * slice_words} {
#if WEIGHTS_SHARED
    unsigned* copy = reinterpret_cast<unsigned*>(memory);
    for (int p = 4 * threadIdx.x; p < slice_words; p += 4 * blockDim.x)
      *reinterpret_cast<Pack<4, unsigned>*>(copy + p) = *reinterpret_cast<const Pack<4, unsigned>*>(weights.at + p);
    __syncthreads();
    weights.at = copy;
#endif
  }

  __device__ Values q_bar_of(int atom) const { return values_at(a.q_bar + static_cast<long long>(atom) * FEATURES + feature); }
  __device__ Vectors mu_bar_of(int atom) const { return Vectors(vectors_of(a.mu_bar, atom, feature)); }

  template <int TILES> __device__ void add_tiles(const Tiles<TILES>& tiles, Returned& sums) const {
    FilterInputs inputs[TILES];
    int sender[2 * TILES];
#pragma unroll
    for (int n = 0; n < 2 * TILES; n++) sender[n] = tiles.sender(a.edges, n);
#pragma unroll
    for (int tile = 0; tile < TILES; tile++) inputs[tile] = tiles.inputs(a.slices.values, tile);
    Filter w[2 * TILES], w_m[2 * TILES];
    tile_filters(inputs, weights, 0, w);
#pragma unroll
    for (int n = 0; n < 2 * TILES; n++) sums.add_scalars(q_bar_of(sender[n]), w[n]);
    tile_filters(inputs, weights, 1, w);
    tile_filters(inputs, weights, 2, w_m);
#pragma unroll
    for (int n = 0; n < 2 * TILES; n++) {
      const Vectors mu_bar_j = mu_bar_of(sender[n]);
      sums.add_along(mu_bar_j, tiles.direction(a.edges, n), w[n]);
      sums.add_vectors(mu_bar_j, w_m[n]);
    }
  }

  /// x_bar of an atom is set, and mu_bar_out becomes the bar of its mu.
  __device__ void receive(int i, int begin, int end) const {
    Returned sums;
    int e = begin;
#pragma unroll 1
    for (; e + tile_edges < end; e += 2 * tile_edges) add_tiles<2>({e, end}, sums);
#pragma unroll 1
    for (; e < end; e += tile_edges) add_tiles<1>({e, end}, sums);
    const int q = lane_index() / 8;
    const long long rows = 3 * static_cast<long long>(i) * FEATURES + feature;
    const Values total = scaled(sums_of_edges(sums.q, sums.m), a.slices.of_value);  // of m for q > 0
    const real r = sum_of_quarters(sums.r[0], sums.r[1], sums.r[2], sums.r[3]);
    Values along_mu{};
    if (q == 0) {
      store(a.x_bar + rows, total);
    } else {
      const long long at = rows + (q - 1) * FEATURES;
      const Values mu = values_at(a.mu + at), xm = values_at(a.x + rows + 2 * FEATURES);
      Values out = values_at(a.mu_bar + at);
      for (int v = 0; v < LANE_VALUES; v++) {
        along_mu.v[v] = mu.v[v] * total.v[v];
        out.v[v] += xm.v[v] * total.v[v];
      }
      store(a.mu_bar_out + at, out);
    }
    a.x_bar[rows + FEATURES + q] = r * a.slices.of_value;
    a.x_bar[rows + 2 * FEATURES + q] = sum_of_quarters(along_mu.v[0], along_mu.v[1], along_mu.v[2], along_mu.v[3]);
  }

  /// Of an atom that receives.
  struct Own {
    Scalars x;
    Values q_bar;
    Vectors mu_bar;
  };

  __device__ void add_pairs_of(const Tiles<1>& tile, const Own& own, int i) const {
    const bool stands[2] = {tile.there(0) && tile.edge(0) < a.edges.reverse[tile.edge(0)], tile.there(1) && tile.edge(1) < a.edges.reverse[tile.edge(1)]};
    if (__ballot_sync(all_lanes, stands[0] || stands[1]) == 0) return;
    const int sender[2] = {tile.sender(a.edges, 0), tile.sender(a.edges, 1)};
    const FilterInputs values[1] = {tile.inputs(a.slices.values, 0)}, slopes[1] = {tile.inputs(a.slices.slopes, 0)};
    Filter q_slope[2], w_r[2], r_slope[2], m_slope[2];
    tile_filters(slopes, weights, 0, q_slope);
    tile_filters(values, weights, 1, w_r);
    tile_filters(slopes, weights, 1, r_slope);
    if constexpr (!FIRST) tile_filters(slopes, weights, 2, m_slope);
    real sums[2][4];  // s and t
#pragma unroll
    for (int n = 0; n < 2; n++) {
      const int j = sender[n];
      const real* other = x_of<FIRST>(a, j, feature);
      const Vectors mu_bar_j = mu_bar_of(j);
      real s = 0, t[3] = {};
      add_scalar_pair(own.x, own.q_bar, own.mu_bar, Scalars(other), q_bar_of(j), mu_bar_j, tile.direction(a.edges, n), w_r[n], q_slope[n], r_slope[n], s, t);
      if constexpr (!FIRST)
        add_vector_pair(values_at(x_of<FIRST>(a, i, feature) + 2 * FEATURES), Vectors(vectors_of(a.mu, i, feature)), own.mu_bar, values_at(other + 2 * FEATURES),
                        Vectors(vectors_of(a.mu, j, feature)), mu_bar_j, m_slope[n], s);
      sums[n][0] = s;
      for (int k = 0; k < 3; k++) sums[n][1 + k] = t[k];
    }
    // Lane 8 q + r gets number r % 4 of edge 2 q + r / 4.
    const real sum = sum_of_eight_lanes(sums[0], sums[1]);
    const int n = lane_index() / 4 % 2, number = lane_index() % 4;
    if (n ? stands[1] : stands[0]) {
      real& at = a.sums[(static_cast<long long>(blockIdx.y) * a.edge_capacity + tile.place(n)) * 4 + number];
      const real total = sum * (number == 0 ? a.slices.of_slope : a.slices.of_value);
      at = a.set_sums ? total : at + total;
    }
  }

  /// The first edge that stands for its pair: senders are in order, so most of those that do not come before it.
  __device__ int first_pair(int begin, int end) const {
    for (int e = begin; e < end; e += 32) {
      const unsigned stand = __ballot_sync(all_lanes, e + lane_index() < end && e + lane_index() < a.edges.reverse[min(e + lane_index(), end - 1)]);
      if (stand) return e + __popc((stand & -stand) - 1);
    }
    return end;
  }

  /// s_e and t_e of an atom's edges that stand for their pair are set or added to.
  __device__ void add_pairs(int i, int begin, int end) const {
    const Own own{Scalars(x_of<FIRST>(a, i, feature)), q_bar_of(i), mu_bar_of(i)};
#pragma unroll 1
    for (int e = first_pair(begin, end); e < end; e += tile_edges) add_pairs_of({e, end}, own, i);
  }
};

/// Layer 0 has only its pairs: nothing below it depends on positions.
template <bool FIRST> __device__ void return_messages(const PainnMessageArguments<real>& a, real* memory) {
  const ReturnedMessages<FIRST> message(a, memory);
  for_receivers(a, warp_index(), message_threads / 32, [&](int i, int begin, int end, int next_atom) {
    fetch_inputs(a, a.slices.values, next_atom);
    fetch_inputs(a, a.slices.slopes, next_atom);
    if constexpr (!FIRST) message.receive(i, begin, end);
    message.add_pairs(i, begin, end);
  });
}

}  // namespace painnless::cuda
