#pragma once
// PaiNN's message: neighbours -> atoms (docs/theory.md, section 6). One warp owns a receiver, all that is written for it, and its edges in
// their order. Twin of cpu/layers/message.h, but in the form of a gather over an atom's own list: twice the filters, no meeting of writers.
#include "layers/edges.cuh"
#include "layers/sums.cuh"

namespace painnless::cuda {

/// One layer; `FIRST` is layer 0, where mu = 0 and x depends on the element alone.
template <bool FIRST> struct PainnMessage {
  static constexpr int blocks = FIRST ? 2 : 3;  // W^q, W^R, W^m
  const PainnMessageArguments<real>& a;
  const real* weight;   // of this chunk, at this lane's feature
  real *value, *slope;  // radial inputs of this warp

  /// `memory`: the block's dynamic shared memory. Every thread of the block calls it.
  __device__ PainnMessage(const PainnMessageArguments<real>& arguments, real* memory) : a(arguments) {
    weight = chunk_weights<RADIAL + 1>(a.filter, memory) + lane_index() * LANE_VALUES;
    value = memory + warp_index() * painn_message_shared(RADIAL, EDGE_GROUP);
    slope = value + group_inputs;
  }

  __device__ const real* x_of(int atom, int feature) const {
    return a.x + static_cast<long long>(FIRST ? a.numbers[atom] : atom) * 3 * FEATURES + feature;
  }

  /// T16, T17 for receiver i: q and mid of its features.
  __device__ void forward(int i) const {
    const int feature = own_feature(), begin = a.edges.first[i], end = a.edges.first[i + 1];
    real q[LANE_VALUES] = {}, m[3][LANE_VALUES] = {};
    for (int e = begin; e < end; e += EDGE_GROUP) {
      const int count = min(EDGE_GROUP, end - e);
      const EdgeGroup group(a.edges, e, count);
      __syncwarp();
      radial_inputs(a.radial, a.edges, e, count, value, nullptr);
      __syncwarp();
      Filters<blocks> w;
      clear<blocks>(w);
      add_filters<blocks, RADIAL + 1>(weight, value, w);
#pragma unroll
      for (int n = 0; n < EDGE_GROUP; n++) {
        const int j = group.sender[n];
        const Pack<4>& u = group.u[n];
        const real* x = x_of(j, feature);
        const Values xq = values_at(x), xr = values_at(x + FEATURES);
#pragma unroll
        for (int v = 0; v < LANE_VALUES; v++) {
          q[v] += w[n][0][v] * xq.v[v];
          const real along = w[n][1][v] * xr.v[v];
          for (int k = 0; k < 3; k++) m[k][v] += u.v[k] * along;
        }
        if constexpr (!FIRST) {
          const Values xm = values_at(x + 2 * FEATURES);
          const real* mu = a.mu + static_cast<long long>(j) * 3 * FEATURES + feature;
#pragma unroll
          for (int k = 0; k < 3; k++) {
            const Values mu_k = values_at(mu + k * FEATURES);
#pragma unroll
            for (int v = 0; v < LANE_VALUES; v++) m[k][v] += w[n][2][v] * xm.v[v] * mu_k.v[v];
          }
        }
      }
    }
    const long long row = static_cast<long long>(i) * FEATURES + feature, rows = 3 * static_cast<long long>(i) * FEATURES + feature;
    Values own = values_at(FIRST ? a.embedding + static_cast<long long>(a.numbers[i]) * FEATURES + feature : a.q + row);
    for (int v = 0; v < LANE_VALUES; v++) own.v[v] += q[v];
    store(a.q + row, own);
    for (int k = 0; k < 3; k++) {
      Values mid = FIRST ? Values{} : values_at(a.mu + rows + k * FEATURES);
      for (int v = 0; v < LANE_VALUES; v++) mid.v[v] += m[k][v];
      store(a.mid + rows + k * FEATURES, mid);
    }
  }

  /// T19 to T21 for receiver i. x, mu: the layer's inputs; q_bar, mu_bar: bars of its results. x_bar is set and mu_bar_out is the bar of mu,
  /// except in layer 0, where nothing below depends on positions; s_e and t_e are added for the edges that stand for their pair.
  __device__ void adjoint(int i) const {
    const int feature = own_feature(), begin = a.edges.first[i], end = a.edges.first[i + 1];
    const long long rows = 3 * static_cast<long long>(i) * FEATURES + feature;
    const real* own_x = x_of(i, feature);
    const Values q_bar = values_at(a.q_bar + static_cast<long long>(i) * FEATURES + feature);
    const Values xq = values_at(own_x), xr = values_at(own_x + FEATURES), xm = FIRST ? Values{} : values_at(own_x + 2 * FEATURES);
    Values mu_bar[3], mu[3];
    for (int k = 0; k < 3; k++) {
      mu_bar[k] = values_at(a.mu_bar + rows + k * FEATURES);
      mu[k] = FIRST ? Values{} : values_at(a.mu + rows + k * FEATURES);
    }
    real sum_q[LANE_VALUES] = {}, sum_r[LANE_VALUES] = {}, gathered[3][LANE_VALUES] = {};

    for (int e = begin; e < end; e += EDGE_GROUP) {
      const int count = min(EDGE_GROUP, end - e);
      const unsigned pairs = pairs_among(a.edges, e, count);
      if (FIRST && !pairs) continue;
      const EdgeGroup group(a.edges, e, count);
      __syncwarp();
      radial_inputs(a.radial, a.edges, e, count, value, slope);
      __syncwarp();
      Filters<blocks> w, w_slope;
      clear<blocks>(w);
      if (pairs) {
        clear<blocks>(w_slope);
        add_filters<blocks, RADIAL + 1>(weight, value, slope, w, w_slope);
      } else {
        add_filters<blocks, RADIAL + 1>(weight, value, w);
      }
#pragma unroll
      for (int n = 0; n < EDGE_GROUP; n++) {
        const int j = group.sender[n];
        const Pack<4>& u = group.u[n];
        const real* other_bar = a.mu_bar + static_cast<long long>(j) * 3 * FEATURES + feature;
        const Values q_bar_j = values_at(a.q_bar + static_cast<long long>(j) * FEATURES + feature);
        Values mu_bar_j[3];
        for (int k = 0; k < 3; k++) mu_bar_j[k] = values_at(other_bar + k * FEATURES);
        real along_j[LANE_VALUES];
#pragma unroll
        for (int v = 0; v < LANE_VALUES; v++) {
          along_j[v] = three_products(u.v[0], mu_bar_j[0].v[v], u.v[1], mu_bar_j[1].v[v], u.v[2], mu_bar_j[2].v[v]);
          if constexpr (!FIRST) {
            sum_q[v] += FAULT(6, 0, w[n][0][v] * q_bar_j.v[v]);
            sum_r[v] -= w[n][1][v] * FAULT(7, -along_j[v], along_j[v]);
            for (int k = 0; k < 3; k++) gathered[k][v] += w[n][2][v] * mu_bar_j[k].v[v];
          }
        }
        if (!pairs) continue;

        const real* x = x_of(j, feature);
        const Values xq_j = values_at(x), xr_j = values_at(x + FEATURES);
        real s = 0, t[3] = {};
#pragma unroll
        for (int v = 0; v < LANE_VALUES; v++) {
          s += two_products(q_bar.v[v], xq_j.v[v], q_bar_j.v[v], xq.v[v]) * w_slope[n][0][v];
          const real along = three_products(u.v[0], mu_bar[0].v[v], u.v[1], mu_bar[1].v[v], u.v[2], mu_bar[2].v[v]);
          s += two_products(along, xr_j.v[v], FAULT(4, along_j[v], -along_j[v]), xr.v[v]) * w_slope[n][1][v];
          for (int k = 0; k < 3; k++)
            t[k] += w[n][1][v] * two_products(xr_j.v[v], mu_bar[k].v[v], FAULT(5, xr.v[v], -xr.v[v]), mu_bar_j[k].v[v]);
        }
        if constexpr (!FIRST) {
          const Values xm_j = values_at(x + 2 * FEATURES);
          const real* mu_j = a.mu + static_cast<long long>(j) * 3 * FEATURES + feature;
          Values other[3];
          for (int k = 0; k < 3; k++) other[k] = values_at(mu_j + k * FEATURES);
#pragma unroll
          for (int v = 0; v < LANE_VALUES; v++) {
            const real there = three_products(mu_bar[0].v[v], other[0].v[v], mu_bar[1].v[v], other[1].v[v], mu_bar[2].v[v], other[2].v[v]);
            const real back = three_products(mu_bar_j[0].v[v], mu[0].v[v], mu_bar_j[1].v[v], mu[1].v[v], mu_bar_j[2].v[v], mu[2].v[v]);
            s += two_products(there, xm_j.v[v], back, xm.v[v]) * w_slope[n][2][v];
          }
        }
        add_pair_sums(a.sums, a.edge_capacity, e + n, pairs >> n & 1, a.set_sums, s, t[0], t[1], t[2]);
      }
    }
    if constexpr (!FIRST) {
      Values x_bar_q, x_bar_r, x_bar_m, out;
      for (int v = 0; v < LANE_VALUES; v++) {
        x_bar_q.v[v] = sum_q[v];
        x_bar_r.v[v] = sum_r[v];
        x_bar_m.v[v] = three_products(mu[0].v[v], gathered[0][v], mu[1].v[v], gathered[1][v], mu[2].v[v], gathered[2][v]);
      }
      store(a.x_bar + rows, x_bar_q);
      store(a.x_bar + rows + FEATURES, x_bar_r);
      store(a.x_bar + rows + 2 * FEATURES, x_bar_m);
      for (int k = 0; k < 3; k++) {
        for (int v = 0; v < LANE_VALUES; v++) out.v[v] = mu_bar[k].v[v] + xm.v[v] * gathered[k][v];
        store(a.mu_bar_out + rows + k * FEATURES, out);
      }
    }
  }
};

}  // namespace painnless::cuda
