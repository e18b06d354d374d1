#pragma once
// The student's message (docs/theory.md, section 12), and its filters, a small network of each distance (section 4). Owned and ordered like
// PaiNN's (message.cuh). Twin of cpu/layers/distiller_message.h.
#include "layers/edges.cuh"
#include "layers/silu.cuh"

namespace painnless::cuda {

/// Blocks of a filter in the order in which layers need them: s and 2 always, 1 where there are vectors.
template <bool FIRST> struct DistillerMessage {
  static constexpr int blocks = FIRST ? 2 : 3;
  const DistillerMessageArguments<real>& a;
  const real* weight;                           // A2 of this chunk, at this lane's feature
  real *value, *slope, *hidden, *hidden_slope;  // of this warp: radial inputs, silu(z) and its derivative (F, EDGE_GROUP)

  /// `memory`: the block's dynamic shared memory. Every thread of the block calls it.
  __device__ DistillerMessage(const DistillerMessageArguments<real>& arguments, real* memory) : a(arguments) {
    weight = chunk_weights<FEATURES>(a.weights.filter2, memory) + lane_index() * LANE_VALUES;
    value = memory + warp_index() * distiller_message_shared(RADIAL, FEATURES, EDGE_GROUP);
    slope = value + group_inputs;
    hidden = slope + group_inputs;
    hidden_slope = hidden + FEATURES * EDGE_GROUP;
  }

  __device__ const real* s_of(int atom, int feature) const {
    return FIRST ? a.embedding + static_cast<long long>(a.numbers[atom]) * FEATURES + feature : a.s + static_cast<long long>(atom) * FEATURES + feature;
  }

  /// T10, T11 for a group of edges: hidden = silu(z); if asked, hidden_slope = silu'(z) (A1 x').
  __device__ void hidden_layer(int e, int count, bool with_slope) const {
    __syncwarp();
    radial_inputs(a.radial, a.edges, e, count, value, slope);
    __syncwarp();
#pragma unroll 1
    for (int c = lane_index(); c < FEATURES; c += 32) {
      real z[EDGE_GROUP], z_slope[EDGE_GROUP] = {};
      for (int n = 0; n < EDGE_GROUP; n++) z[n] = a.weights.filter1_bias[c];
      for (int k = 0; k < RADIAL; k++) {
        const real w = a.weights.filter1[k * FEATURES + c];
#pragma unroll
        for (int n = 0; n < EDGE_GROUP; n++) {
          z[n] += value[k * EDGE_GROUP + n] * w;
          z_slope[n] += slope[k * EDGE_GROUP + n] * w;
        }
      }
#pragma unroll
      for (int n = 0; n < EDGE_GROUP; n++) {
        real h, derivative;
        silu(z[n], h, derivative);
        hidden[c * EDGE_GROUP + n] = h;
        if (with_slope) hidden_slope[c * EDGE_GROUP + n] = derivative * z_slope[n];
      }
    }
    __syncwarp();
  }

  __device__ void begin_with_bias(Filters<blocks>& w) const {
#pragma unroll
    for (int b = 0; b < blocks; b++) {
      const Values bias = values_at(a.weights.filter2_bias + (3 * blockIdx.y + b) * chunk + lane_index() * LANE_VALUES);
#pragma unroll
      for (int n = 0; n < EDGE_GROUP; n++)
#pragma unroll
        for (int v = 0; v < LANE_VALUES; v++) w[n][b][v] = bias.v[v];
    }
  }
  /// Edges beyond the last have no filter; the bias gave them one.
  static __device__ void drop_beyond(Filters<blocks>& w, int count) {
#pragma unroll
    for (int n = 1; n < EDGE_GROUP; n++)
#pragma unroll
      for (int b = 0; b < blocks; b++)
#pragma unroll
        for (int v = 0; v < LANE_VALUES; v++) w[n][b][v] = n < count ? w[n][b][v] : 0;
  }

  /// T37, T38 for receiver i: s_out and mid of its features.
  __device__ void forward(int i) const {
    const int feature = own_feature(), begin = a.edges.first[i], end = a.edges.first[i + 1];
    real s[LANE_VALUES] = {}, m[3][LANE_VALUES] = {};
    for (int e = begin; e < end; e += EDGE_GROUP) {
      const int count = min(EDGE_GROUP, end - e);
      const EdgeGroup group(a.edges, e, count);
      hidden_layer(e, count, false);
      Filters<blocks> w;
      begin_with_bias(w);
      add_filters<blocks, FEATURES>(weight, hidden, w);
      drop_beyond(w, count);
#pragma unroll
      for (int n = 0; n < EDGE_GROUP; n++) {
        const int j = group.sender[n];
        const Pack<4>& u = group.u[n];
        const Values s_j = values_at(s_of(j, feature));
#pragma unroll
        for (int v = 0; v < LANE_VALUES; v++) {
          s[v] += w[n][0][v] * s_j.v[v];
          for (int k = 0; k < 3; k++) m[k][v] += u.v[k] * w[n][1][v];
        }
        if constexpr (!FIRST) {
          const real* v_j = a.v + static_cast<long long>(j) * 3 * FEATURES + feature;
#pragma unroll
          for (int k = 0; k < 3; k++) {
            const Values v_k = values_at(v_j + k * FEATURES);
#pragma unroll
            for (int v = 0; v < LANE_VALUES; v++) m[k][v] += w[n][2][v] * v_k.v[v];
          }
        }
      }
    }
    const long long rows = 3 * static_cast<long long>(i) * FEATURES + feature;
    Values own = values_at(s_of(i, feature));
    for (int v = 0; v < LANE_VALUES; v++) own.v[v] += s[v];
    store(a.s_out + static_cast<long long>(i) * FEATURES + feature, own);
    for (int k = 0; k < 3; k++) {
      Values mid = FIRST ? Values{} : values_at(a.v + rows + k * FEATURES);
      for (int v = 0; v < LANE_VALUES; v++) mid.v[v] += m[k][v];
      store(a.mid + rows + k * FEATURES, mid);
    }
  }

  /// T40, T41 for receiver i: bars of the inputs, except in layer 0, and s_e, t_e of the edges that stand for their pair.
  __device__ void adjoint(int i) const {
    const int feature = own_feature(), begin = a.edges.first[i], end = a.edges.first[i + 1];
    const long long row = static_cast<long long>(i) * FEATURES + feature, rows = 3 * static_cast<long long>(i) * FEATURES + feature;
    const Values s = values_at(s_of(i, feature)), s_bar = values_at(a.s_bar + row);
    Values v_own[3], v_bar[3];
    for (int k = 0; k < 3; k++) {
      v_bar[k] = values_at(a.v_bar + rows + k * FEATURES);
      v_own[k] = FIRST ? Values{} : values_at(a.v + rows + k * FEATURES);
    }
    real sum_s[LANE_VALUES] = {}, sum_v[3][LANE_VALUES] = {};

    for (int e = begin; e < end; e += EDGE_GROUP) {
      const int count = min(EDGE_GROUP, end - e);
      const unsigned pairs = pairs_among(a.edges, e, count);
      if (FIRST && !pairs) continue;
      const EdgeGroup group(a.edges, e, count);
      hidden_layer(e, count, pairs);
      Filters<blocks> w, w_slope;
      begin_with_bias(w);
      if (pairs) {
        clear<blocks>(w_slope);
        add_filters<blocks, FEATURES>(weight, hidden, hidden_slope, w, w_slope);
      } else {
        add_filters<blocks, FEATURES>(weight, hidden, w);
      }
      drop_beyond(w, count);
#pragma unroll
      for (int n = 0; n < EDGE_GROUP; n++) {
        const int j = group.sender[n];
        const Pack<4>& u = group.u[n];
        const Values s_bar_j = values_at(a.s_bar + static_cast<long long>(j) * FEATURES + feature);
        Values v_bar_j[3];
        for (int k = 0; k < 3; k++) v_bar_j[k] = values_at(a.v_bar + (3 * static_cast<long long>(j) + k) * FEATURES + feature);
        if constexpr (!FIRST) {
#pragma unroll
          for (int v = 0; v < LANE_VALUES; v++) {
            sum_s[v] += w[n][0][v] * s_bar_j.v[v];
            for (int k = 0; k < 3; k++) sum_v[k][v] += w[n][2][v] * v_bar_j[k].v[v];
          }
        }
        if (!pairs) continue;

        const Values s_j = values_at(s_of(j, feature));
        Values v_j[3];
        if constexpr (!FIRST)
          for (int k = 0; k < 3; k++) v_j[k] = values_at(a.v + (3 * static_cast<long long>(j) + k) * FEATURES + feature);
        real sum = 0, t[3] = {};
#pragma unroll
        for (int v = 0; v < LANE_VALUES; v++) {
          sum += (s_bar.v[v] * s_j.v[v] + s_bar_j.v[v] * s.v[v]) * w_slope[n][0][v];
          real along = 0;
          for (int k = 0; k < 3; k++) {
            const real difference = v_bar[k].v[v] - v_bar_j[k].v[v];
            along += u.v[k] * difference;
            t[k] += w[n][1][v] * difference;
          }
          sum += along * w_slope[n][1][v];
          if constexpr (!FIRST) {
            real both = 0;
            for (int k = 0; k < 3; k++) both += v_bar[k].v[v] * v_j[k].v[v] + v_bar_j[k].v[v] * v_own[k].v[v];
            sum += both * w_slope[n][2][v];
          }
        }
        add_pair_sums(a.sums, a.edge_capacity, e + n, pairs >> n & 1, a.set_sums, sum, t[0], t[1], t[2]);
      }
    }
    if constexpr (!FIRST) {
      Values out;
      for (int v = 0; v < LANE_VALUES; v++) out.v[v] = s_bar.v[v] + sum_s[v];
      store(a.s_bar_out + row, out);
      for (int k = 0; k < 3; k++) {
        for (int v = 0; v < LANE_VALUES; v++) out.v[v] = v_bar[k].v[v] + sum_v[k][v];
        store(a.v_bar_out + rows + k * FEATURES, out);
      }
    }
  }
};

}  // namespace painnless::cuda
