#pragma once
// PaiNN's message on tensor cores, upside down (docs/theory.md, section 6). An atom's warp walks over its list once, as the one that sent: what its neighbours'
// bars say of its context and vectors (T21), and of each edge to them the half of s and t (T19, T20) that has its own context. The other half is the
// neighbour's, and stands at the reverse edge. So a neighbour's row is four of bars, of ten that both halves at once would take.
#include "layers/slices.cuh"

namespace painnless::cuda {

/// Bars of a neighbour's results, at a lane's features.
struct Bars {
  Values q;
  Vectors mu;
  __device__ Bars(const PainnMessageArguments<real>& a, int atom, int feature)
      : q(values_at(a.q_bar + static_cast<long long>(atom) * FEATURES + feature)), mu(vectors_of(a.mu_bar, atom, feature)) {}
};

/// Weights of this block's slice, in shared memory where they fit. Every thread of the block calls it.
__device__ StoredWeights adjoint_weights(const PainnMessageArguments<real>& a, real* memory) {
  StoredWeights weights{a.slices.weights + static_cast<long long>(blockIdx.y) * slice_words};
#if WEIGHTS_SHARED
  unsigned* copy = reinterpret_cast<unsigned*>(memory);
  for (int p = 4 * threadIdx.x; p < slice_words; p += 4 * blockDim.x) *reinterpret_cast<Pack<4, unsigned>*>(copy + p) = *reinterpret_cast<const Pack<4, unsigned>*>(weights.at + p);
  __syncthreads();
  weights.at = copy;
#endif
  return weights;
}

/// Sums over features of s and t of a lane's two edges, to those of them that shall have it.
__device__ void put_sums(const PainnMessageArguments<real>& a, const EdgeTile& tile, const real (&sums)[2][4], const bool (&wanted)[2]) {
  // Lane 8 q + r gets number r % 4 of edge 2 q + r / 4.
  const real sum = sum_of_eight_lanes(sums[0], sums[1]);
  const int n = lane_index() / 4 % 2, number = lane_index() % 4;
  if (!(n ? wanted[1] : wanted[0])) return;
  real& at = a.sums[(static_cast<long long>(blockIdx.y) * a.edge_capacity + tile.place(n)) * 4 + number];
  const real total = sum * (number == 0 ? a.slices.of_slope : a.slices.of_value);
  at = a.set_sums ? total : at + total;
}

/// T19 to T21 of every layer but the first. x, mu: the layer's inputs; q_bar, mu_bar: bars of its results. x_bar of an atom is set, mu_bar_out becomes the bar of
/// its mu, and s_e and t_e of all its edges are set or added to.
struct ReturnedMessages {
  const PainnMessageArguments<real>& a;
  int feature = slice_feature(blockIdx.y);
  StoredWeights weights;

  /// What an atom says to all: x^q, x^R, and x^m mu.
  struct Own {
    Scalars x;
    real m[3][LANE_VALUES];
    __device__ Own(const PainnMessageArguments<real>& a, int i, int feature) : x(x_of<false>(a, i, feature)) {
      const Values xm = values_at(x_of<false>(a, i, feature) + 2 * FEATURES);
      const Vectors mu(vectors_of(a.mu, i, feature));
      for (int k = 0; k < 3; k++)
        for (int v = 0; v < LANE_VALUES; v++) m[k][v] = xm.v[v] * mu.k[k].v[v];
    }
  };

  /// What a tile's work begins with, asked for while the one before is worked on.
  struct Ahead {
    FilterInputs inputs[2];
    int sender[2];
    __device__ Ahead(const PainnMessageArguments<real>& a, int e, int end) {
      if (e >= end) return;
      const EdgeTile tile{e, end};
      inputs[0] = tile.inputs(a.slices.values), inputs[1] = tile.inputs(a.slices.slopes);
      for (int n = 0; n < 2; n++) sender[n] = tile.sender(a.edges, n);
    }
  };

  __device__ void add_tile(const EdgeTile& tile, const Ahead& now, const Own& own, Returned& sums) const {
    const FilterInputs(&inputs)[2] = now.inputs;
    const Bars bars[2] = {{a, now.sender[0], feature}, {a, now.sender[1], feature}};
    real st[2][4] = {};
    Filter w[4];  // W of both edges, W' of both
    tile_filters(inputs, weights, 0, w);
#pragma unroll
    for (int n = 0; n < 2; n++) {
      sums.add_scalars(bars[n].q, w[n]);
#pragma unroll
      for (int v = 0; v < LANE_VALUES; v++) st[n][0] += bars[n].q.v[v] * own.x.q.v[v] * w[2 + n][v];
    }
    tile_filters(inputs, weights, 1, w);
#pragma unroll
    for (int n = 0; n < 2; n++) {
      const Pack<4> u = tile.direction(a.edges, n);
      sums.add_along(bars[n].mu, u, w[n]);
#pragma unroll
      for (int v = 0; v < LANE_VALUES; v++) {
        st[n][0] -= along(u, bars[n].mu, v) * own.x.r.v[v] * w[2 + n][v];
        const real said = w[n][v] * own.x.r.v[v];
#pragma unroll
        for (int k = 0; k < 3; k++) st[n][1 + k] -= said * bars[n].mu.k[k].v[v];
      }
    }
    tile_filters(inputs, weights, 2, w);
#pragma unroll
    for (int n = 0; n < 2; n++) {
      sums.add_vectors(bars[n].mu, w[n]);
#pragma unroll
      for (int v = 0; v < LANE_VALUES; v++)
        st[n][0] += three_products(bars[n].mu.k[0].v[v], own.m[0][v], bars[n].mu.k[1].v[v], own.m[1][v], bars[n].mu.k[2].v[v], own.m[2][v]) * w[2 + n][v];
    }
    put_sums(a, tile, st, {tile.there(0), tile.there(1)});
  }

  __device__ void receive(int i, int begin, int end) const {
    Returned sums;
    const Own own(a, i, feature);
#pragma unroll 1
    constexpr bool adjoint_ahead = 0;
    if constexpr (adjoint_ahead) {
      Ahead next(a, begin, end);
#pragma unroll 1
      for (int e = begin; e < end; e += tile_edges) {
        const Ahead now = next;
        next = Ahead(a, e + tile_edges, end);
        add_tile({e, end}, now, own, sums);
      }
    } else {
#pragma unroll 1
      for (int e = begin; e < end; e += tile_edges) add_tile({e, end}, Ahead(a, e, end), own, sums);
    }
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
};

/// Layer 0 has only s and t, of pairs: nothing below it depends on positions, and x depends on the element alone, so that both halves at once take few rows.
struct ReturnedPairs {
  const PainnMessageArguments<real>& a;
  int feature = slice_feature(blockIdx.y);
  StoredWeights weights;

  __device__ void add_tile(const EdgeTile& tile, const Scalars& x, const Bars& own) const {
    const bool stands[2] = {tile.there(0) && tile.edge(0) < a.edges.reverse[tile.edge(0)], tile.there(1) && tile.edge(1) < a.edges.reverse[tile.edge(1)]};
    if (__ballot_sync(all_lanes, stands[0] || stands[1]) == 0) return;
    const int sender[2] = {tile.sender(a.edges, 0), tile.sender(a.edges, 1)};
    const FilterInputs values[1] = {tile.inputs(a.slices.values)}, slopes[1] = {tile.inputs(a.slices.slopes)};
    Filter q_slope[2], w_r[2], r_slope[2];
    tile_filters(slopes, weights, 0, q_slope);
    tile_filters(values, weights, 1, w_r);
    tile_filters(slopes, weights, 1, r_slope);
    real sums[2][4];
#pragma unroll
    for (int n = 0; n < 2; n++) {
      const Bars other(a, sender[n], feature);
      real s = 0, t[3] = {};
      add_scalar_pair(x, own.q, own.mu, Scalars(x_of<true>(a, sender[n], feature)), other.q, other.mu, tile.direction(a.edges, n), w_r[n], q_slope[n], r_slope[n], s, t);
      sums[n][0] = s;
      for (int k = 0; k < 3; k++) sums[n][1 + k] = t[k];
    }
    put_sums(a, tile, sums, stands);
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
  __device__ void receive(int i, int begin, int end) const {
    const Scalars x(x_of<true>(a, i, feature));
    const Bars own(a, i, feature);
#pragma unroll 1
    for (int e = first_pair(begin, end); e < end; e += tile_edges) add_tile({e, end}, x, own);
  }
};

template <class Messages> __device__ void return_messages(const PainnMessageArguments<real>& a, real* memory) {
  const Messages messages{a, slice_feature(blockIdx.y), adjoint_weights(a, memory)};
  for_receivers(a, warp_index(), message_threads / 32, [&](int i, int begin, int end, int next_atom) {
    fetch_inputs(a, a.slices.values, next_atom);
    fetch_inputs(a, a.slices.slopes, next_atom);
    messages.receive(i, begin, end);
  });
}

}  // namespace painnless::cuda
