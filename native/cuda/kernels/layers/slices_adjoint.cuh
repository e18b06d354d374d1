#pragma once
// PaiNN's message on tensor cores, upside down (docs/theory.md, section 6). An atom's warp walks over its list once, as the one that sent: what its neighbours'
// bars say of its context and vectors (T19), and of each edge to them the half of s and t (T20, T21) that has its own context. The other half is the
// neighbour's, and stands at the reverse edge. So a neighbour's row is four of bars, of ten that both halves at once would take.
#include "layers/slices.cuh"

namespace painnless::cuda {

/// Weights of a block's slice, in shared memory where they fit, once all have met (meet_weights). `memory` is where that is free, after it.
__device__ StoredWeights adjoint_weights(const PainnMessageArguments<real>& a, int slice, real*& memory) {
  StoredWeights weights{a.slices.weights + static_cast<long long>(slice) * slice_words};
#if WEIGHTS_SHARED
  unsigned* copy = reinterpret_cast<unsigned*>(memory);
  for (int p = 4 * threadIdx.x; p < slice_words; p += 4 * blockDim.x) copy_ahead(reinterpret_cast<real*>(copy) + p, reinterpret_cast<const real*>(weights.at) + p);
  end_copies();
  weights.at = copy;
  memory += slice_words;
#endif
  return weights;
}

/// Every thread of the block does, when it has asked for what its warp begins with.
__device__ void meet_weights() {
#if WEIGHTS_SHARED
  wait_for_copies<0>();
  __syncthreads();
#endif
}

/// Filters of an edge, until there are sums to add what they bring to.
struct EdgeFilters {
  Filter q, r, m;
  __device__ void add_scalars(const Values&, const Filter& w) { keep(q, w); }
  __device__ void add_along(const Vectors&, const Pack<4>&, const Filter& w) { keep(r, w); }
  __device__ void add_vectors(const Vectors&, const Filter& w) { keep(m, w); }

 private:
  __device__ static void keep(Filter& to, const Filter& w) {
    for (int v = 0; v < LANE_VALUES; v++) to[v] = w[v];
  }
};

/// A block's slice on the way back.
struct Returning {
  const PainnMessageArguments<real>& a;
  int slice, feature;
  StoredWeights weights;
  real* memory;  // of this warp
  const real *q_bar, *mu_bar;  // where this lane copies from

  /// A sender's bars: q, then the components of mu.
  __device__ void copy_bars(real* to, int sender) const {
    copy_rows<0, 1>(to, rows_of<1>(q_bar, sender));
    copy_rows<1, 3>(to, rows_of<3>(mu_bar, sender));
  }

  /// Lane 4 r + q has number r % 4 of s and t of edge 2 q + r / 4 of a tile.
  __device__ static int number() { return lane_index() / 4 % 4; }
  __device__ static int own_edge() { return lane_index() / 16; }
  __device__ real* place_of(const EdgeTile& tile) const { return a.sums + (static_cast<long long>(slice) * a.edge_capacity + tile.place(own_edge())) * 4 + number(); }
  /// What is there, asked for before the tile's sums are made: a warp that waited for it at their end would do nothing meanwhile.
  __device__ real sum_before(const EdgeTile& tile) const { return tile.there(own_edge()) && !a.set_sums ? *place_of(tile) : 0; }
  /// Adds sums over features of s and t of a lane's two edges, to those of them that shall have it.
  __device__ void put_sums(const EdgeTile& tile, real before, const real (&sums)[2][4], const bool (&wanted)[2]) const {
    const real sum = sum_of_eight_lanes<4>(sums[0], sums[1]), total = sum * (number() == 0 ? a.slices.of_slope : a.slices.of_value);
    if (own_edge() ? wanted[1] : wanted[0]) *place_of(tile) = a.set_sums ? total : before + total;
  }
};

/// What a lane makes of a receiver's x_bar: lanes 4 r of x^q, at their four features; all of x^R and x^m, lane 4 r + q at the q-th of these.
struct ContextBars {
  Values q;
  real r, m;
};

/// T19 to T21 of every layer but the first. x, mu: the layer's inputs; q_bar, mu_bar: bars of its results. s_e and t_e of all edges of an atom are set or added to;
/// the bar of its mu is for keep_mu(place, values), which lanes 4 r + q call for q > 0, that of its x for keep(i, bars).
struct ReturnedMessages : Returning {
  static constexpr int rows = returned_rows(false);

  static constexpr int own_rows = returned_own(false);  // x, mu, and the bar of mu

  __device__ void copy_own(real* to, int i) const {
    if (lane_index() >= 24) return;
    const long long from = (3 * static_cast<long long>(i) + lane_index() / 8) * FEATURES + copied_feature(slice);
    to += lane_index() * LANE_VALUES;
    copy_ahead(to, a.x + from);
    copy_ahead<3 * slice_features>(to, a.mu + from);
    copy_ahead<6 * slice_features>(to, a.mu_bar + from);
  }

  /// Block by block, so that registers hold the filters of one at a time. sums(n): what takes those of edge n.
  template <class Sums> __device__ void add_tile(const EdgeTile& tile, const TileInputs<2>& inputs, const Stage<rows>& stage, const Own& own, const Sums& sums) const {
    const real before = sum_before(tile);
    real st[2][4] = {};
    Filter w[4];  // W of both edges, W' of both
    tile_filters(inputs.sets, weights, 0, w);
    const Values x_q = own.values(0);
#pragma unroll
    for (int n = 0; n < 2; n++) {
      const Values q_bar_j = stage.values(0, n);
      sums(n).add_scalars(q_bar_j, w[n]);
#pragma unroll
      for (int v = 0; v < LANE_VALUES; v++) st[n][0] += q_bar_j.v[v] * x_q.v[v] * w[2 + n][v];
    }
    tile_filters(inputs.sets, weights, 1, w);
    const Values x_r = own.values(1);
#pragma unroll
    for (int n = 0; n < 2; n++) {
      const Vectors mu_bar_j = stage.vectors(1, n);
      const Pack<4> u = stage.direction(n);
      sums(n).add_along(mu_bar_j, u, w[n]);
#pragma unroll
      for (int v = 0; v < LANE_VALUES; v++) {
        st[n][0] += FAULT(4, 1, -1) * along(u, mu_bar_j, v) * x_r.v[v] * w[2 + n][v];
        const real pointing = w[n][v] * x_r.v[v];
#pragma unroll
        for (int k = 0; k < 3; k++) st[n][1 + k] += FAULT(5, 1, -1) * pointing * mu_bar_j.k[k].v[v];
      }
    }
    tile_filters(inputs.sets, weights, 2, w);
    const Vectors passed = product(own.values(2), own.vectors(3));
#pragma unroll
    for (int n = 0; n < 2; n++) {
      const Vectors mu_bar_j = stage.vectors(1, n);
      sums(n).add_vectors(mu_bar_j, w[n]);
#pragma unroll
      for (int v = 0; v < LANE_VALUES; v++)
        st[n][0] += three_products(mu_bar_j.k[0].v[v], passed.k[0].v[v], mu_bar_j.k[1].v[v], passed.k[1].v[v], mu_bar_j.k[2].v[v], passed.k[2].v[v]) * w[2 + n][v];
    }
    put_sums(tile, before, st, {tile.there(0), tile.there(1)});
  }

  /// The same of a warp that shares its receiver: what waits for the other's sums is left for the end.
  template <class Sharing> __device__ void add_tile(const EdgeTile& tile, const TileInputs<2>& inputs, const Stage<rows>& stage, const Own& own, Sharing& relay, Returned& sums) const {
    if constexpr (!Sharing::shares) {
      add_tile(tile, inputs, stage, own, [&](int) -> Returned& { return sums; });
    } else {
      EdgeFilters filters[2];
      add_tile(tile, inputs, stage, own, [&](int n) -> EdgeFilters& { return filters[n]; });
      const Values q_bar[2] = {stage.values(0, 0), stage.values(0, 1)};
      const Vectors mu_bar[2] = {stage.vectors(1, 0), stage.vectors(1, 1)};
      const Pack<4> u[2] = {stage.direction(0), stage.direction(1)};
      relay.take(sums);
#pragma unroll
      for (int n = 0; n < 2; n++) {
        sums.add_scalars(q_bar[n], filters[n].q);
        sums.add_along(mu_bar[n], u[n], filters[n].r);
        sums.add_vectors(mu_bar[n], filters[n].m);
      }
      relay.hand_on(tile, sums);
    }
  }

  template <class Receivers, class Sharing, class KeepMu, class Keep>
  __device__ void pass(const Receivers& receivers, Sharing& relay, const KeepMu& keep_mu, const Keep& keep) const {
    Returned sums;
    for_tiles<rows, own_rows, false, 2>(
        a, receivers, memory, [&](real* to, int sender) { copy_bars(to, sender); }, [&](real* to, int i) { copy_own(to, i); },
        [&] {
          meet_weights();
          relay.begin();
        },
        [](const TileInputs<2>& inputs) { return inputs; },
        [&](const EdgeTile& tile, const TileInputs<2>& inputs, const Stage<rows>& stage, const Own& own) { add_tile(tile, inputs, stage, own, relay, sums); },
        [&](int i, const Own& own) {
          const int q = lane_index() % 4;
          const long long row = 3 * static_cast<long long>(i) * FEATURES + feature;  // made behind the sums, painn_slices_adjoint takes 3 % longer
          const Values total = scaled(sums_of_edges(sums.q, sums.m), a.slices.of_value);  // of m for q > 0
          const real r = sum_of_four_lanes<1>(sums.r[0], sums.r[1], sums.r[2], sums.r[3]);
          Values along_mu{};
          if (q > 0) {
            const Values xm = own.values(2), mu = own.values(2 + q);
            Values out = own.values(5 + q);
            for (int v = 0; v < LANE_VALUES; v++) {
              along_mu.v[v] = mu.v[v] * total.v[v];
              out.v[v] += xm.v[v] * total.v[v];
            }
            keep_mu(row + (q - 1) * FEATURES, out);
          }
          keep(i, ContextBars{total, r * a.slices.of_value, sum_of_four_lanes<1>(along_mu.v[0], along_mu.v[1], along_mu.v[2], along_mu.v[3])});
          sums = {};
        });
  }
  /// Of a warp that has its receivers for itself, to memory.
  template <class Receivers> __device__ void pass(const Receivers& receivers) const {
    NoRelay alone;
    pass(receivers, alone, [&](long long place, const Values& mu_bar) { store(a.mu_bar_out + place, mu_bar); },
         [&](int i, const ContextBars& bars) {
           const int q = lane_index() % 4;
           real* x_bar = a.x_bar + 3 * static_cast<long long>(i) * FEATURES + feature;
           if (q == 0) store(x_bar, bars.q);
           x_bar[FEATURES + q] = bars.r;
           x_bar[2 * FEATURES + q] = bars.m;
         });
  }
};

/// Layer 0 has only s and t, of pairs: nothing below it depends on positions, and x depends on the element alone, so that both halves at once take few rows.
struct ReturnedPairs : Returning {
  static constexpr int rows = returned_rows(true);  // bars, x^q and x^R

  __device__ bool stands(int e, int end) const { return e < end && e < a.edges.reverse[min(e, end - 1)]; }

  __device__ void add_tile(const EdgeTile& tile, const TileFilters<2, 2>& filters, const Stage<rows>& stage, const Scalars& x, const Values& q_bar_i, const Vectors& mu_bar_i) const {
    const bool wanted[2] = {stands(tile.place(0), tile.end), stands(tile.place(1), tile.end)};
    const real before = sum_before(tile);
    const auto &w_q = filters.w[0], &w_r = filters.w[1];
    real sums[2][4];
#pragma unroll
    for (int n = 0; n < 2; n++) {
      real s = 0, t[3] = {};
      add_scalar_pair(x, q_bar_i, mu_bar_i, {stage.values(4, n), stage.values(5, n)}, stage.values(0, n), stage.vectors(1, n), stage.direction(n), w_r[n], w_q[2 + n], w_r[2 + n], s, t);
      sums[n][0] = s;
      for (int k = 0; k < 3; k++) sums[n][1 + k] = t[k];
    }
    put_sums(tile, before, sums, wanted);
  }

  static constexpr int own_rows = returned_own(true);  // the same

  __device__ void copy_own(real* to, int i) const {
    const int row = lane_index() / 8;
    to += lane_index() * LANE_VALUES;
    copy_ahead(to, row == 0 ? rows_of<1>(q_bar, i) : rows_of<3>(mu_bar, i) + (row - 1) * FEATURES);
    if (row < 2) copy_ahead<4 * slice_features>(to, rows_of<3>(a.x + copied_feature(slice), a.numbers[i]) + row * FEATURES);
  }

  /// s_e and t_e of an atom's edges that stand for their pair are set or added to.
  template <class Receivers> __device__ void pass(const Receivers& receivers) const {
    const auto copy = [&](real* to, int sender) {
      copy_bars(to, sender);
      copy_rows<4, 2>(to, rows_of<3>(a.x + copied_feature(slice), a.numbers[sender]));
    };
    for_tiles<rows, own_rows, true, 2>(
        a, receivers, memory, copy, [&](real* to, int i) { copy_own(to, i); }, meet_weights, [&](const TileInputs<2>& inputs) { return TileFilters<2, 2>(inputs.sets, weights); },
        [&](const EdgeTile& tile, const TileFilters<2, 2>& filters, const Stage<rows>& stage, const Own& own) {
          add_tile(tile, filters, stage, {own.values(4), own.values(5)}, own.values(0), own.vectors(1));
        },
        [](int, const Own&) {});
  }
};

/// Every thread of the block calls it. `memory`: of the block, where weights are, and then its warps'. `by`: a relay and who keeps, where bars do not go to memory.
template <class Messages, class Receivers, class... By>
__device__ void return_messages(const PainnMessageArguments<real>& a, const Receivers& receivers, real* memory, By&&... by) {
  const int slice = own_slice(), copied = copied_feature(slice);
  const StoredWeights weights = adjoint_weights(a, slice, memory);
  const Messages messages{{a, slice, slice_feature(slice), weights, memory_of_warp<Messages::rows, Messages::own_rows>(memory), held(a.q_bar + copied), held(a.mu_bar + copied)}};
  messages.pass(receivers, by...);
}

}  // namespace painnless::cuda
