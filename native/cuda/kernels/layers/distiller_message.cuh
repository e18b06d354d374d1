#pragma once
// The student's message with filters that are computed, a small network of each distance (docs/theory.md, section 4).
#include "layers/distiller_edges.cuh"
#include "layers/edges.cuh"
#include "layers/silu.cuh"

namespace painnless::cuda {

template <bool FIRST> struct DistillerMessage {
  static constexpr int blocks = filter_blocks<FIRST>;
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

  __device__ void forward(int i) const {
    const int end = a.edges.first[i + 1];
    DistillerForward<FIRST> sums(a, i);
    for (int e = a.edges.first[i]; e < end; e += EDGE_GROUP) {
      const int count = min(EDGE_GROUP, end - e);
      const EdgeGroup group(a.edges, e, count);
      hidden_layer(e, count, false);
      Filters<blocks> w;
      begin_with_bias(w);
      add_filters<blocks, FEATURES>(weight, hidden, w);
      drop_beyond(w, count);
#pragma unroll
      for (int n = 0; n < EDGE_GROUP; n++) sums.add(group.sender[n], group.u[n].v, w[n]);
    }
    sums.finish();
  }

  __device__ void adjoint(int i) const {
    const int end = a.edges.first[i + 1];
    DistillerAdjoint<FIRST> sums(a, i);
    for (int e = a.edges.first[i]; e < end; e += EDGE_GROUP) {
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
        const auto bars_j = sums.bars_of(j);
        sums.gather(bars_j, w[n]);
        if (pairs) sums.add_pair(e + n, pairs >> n & 1, j, group.u[n].v, bars_j, w[n], w_slope[n]);
      }
    }
    sums.finish();
  }
};

}  // namespace painnless::cuda
