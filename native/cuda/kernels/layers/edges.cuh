#pragma once
// What message kernels share that make the filters of a group of edges at a time.
#include "layers/radial.cuh"
#include "layers/receivers.cuh"
#include "layers/sums.cuh"

namespace painnless::cuda {

constexpr int group_inputs = (RADIAL + 1) * EDGE_GROUP;  // radial functions times cutoff, and the cutoff, of a group of edges

/// f phi_r and its derivative for the edges from `e` on, (R + 1, EDGE_GROUP) each; input R is f itself. Edges beyond `count` get zeros.
__device__ void radial_inputs(const Radial<real>& radial, const Edges<real>& edges, int e, int count, real* value, real* slope) {
  const int lane = lane_index(), n = lane % EDGE_GROUP;
  real d = 1, rest = 0, f = 0, f_slope = 0;
  if (n < count) {
    d = edges.direction[4 * static_cast<long long>(e + n) + 3];
    rest = edges.rest[e + n];
    envelope(radial, d, rest, f, f_slope);
  }
  for (int r = lane / EDGE_GROUP; r <= RADIAL; r += 32 / EDGE_GROUP) {
    real phi = 1, phi_slope = 0;
    if (r < RADIAL) radial_function(radial, r, d, rest, phi, phi_slope);
    value[r * EDGE_GROUP + n] = f * phi;
    if (slope) slope[r * EDGE_GROUP + n] = two_products(f_slope, phi, f, phi_slope);
  }
}

/// Senders and directions of the edges from `e` on; those beyond `count` repeat the last, and their filters are zero.
struct EdgeGroup {
  int sender[EDGE_GROUP];
  Pack<4> u[EDGE_GROUP];
  __device__ EdgeGroup(const Edges<real>& edges, int e, int count) {
#pragma unroll
    for (int n = 0; n < EDGE_GROUP; n++) {
      const long long at = e + min(n, count - 1);
      sender[n] = edges.senders[at];
      u[n] = load<4>(edges.direction + 4 * at);
    }
  }
};

/// Filters of a group: [edge][block][value].
template <int BLOCKS> using Filters = real[EDGE_GROUP][BLOCKS][LANE_VALUES];

/// w[n][b] += x[n] row for every edge n of a group.
template <int BLOCKS> __device__ void add_row(const Pack<EDGE_GROUP>& x, const Values& row, int b, Filters<BLOCKS>& w) {
#pragma unroll
  for (int n = 0; n < EDGE_GROUP; n++)
#pragma unroll
    for (int v = 0; v < LANE_VALUES; v++) w[n][b][v] += x.v[n] * row.v[v];
}

/// w[n][b] += sum_k inputs[k][n] weight[k][b], k ascending; `weight` (INPUTS, 3, chunk) begins at this lane's feature.
template <int BLOCKS, int INPUTS> __device__ void add_filters(const real* weight, const real* inputs, Filters<BLOCKS>& w) {
#pragma unroll 3
  for (int k = 0; k < INPUTS; k++) {
    const Pack<EDGE_GROUP> x = load<EDGE_GROUP>(inputs + k * EDGE_GROUP);
#pragma unroll
    for (int b = 0; b < BLOCKS; b++) add_row<BLOCKS>(x, values_at(weight + (3 * k + b) * chunk), b, w);
  }
}

/// The same for W and W' together: the weights are read once.
template <int BLOCKS, int INPUTS>
__device__ void add_filters(const real* weight, const real* inputs, const real* input_slopes, Filters<BLOCKS>& w, Filters<BLOCKS>& slope) {
#pragma unroll 2
  for (int k = 0; k < INPUTS; k++) {
    const Pack<EDGE_GROUP> x = load<EDGE_GROUP>(inputs + k * EDGE_GROUP), x_slope = load<EDGE_GROUP>(input_slopes + k * EDGE_GROUP);
#pragma unroll
    for (int b = 0; b < BLOCKS; b++) {
      const Values row = values_at(weight + (3 * k + b) * chunk);
      add_row<BLOCKS>(x, row, b, w);
      add_row<BLOCKS>(x_slope, row, b, slope);
    }
  }
}

template <int BLOCKS> __device__ void clear(Filters<BLOCKS>& w) {
#pragma unroll
  for (int n = 0; n < EDGE_GROUP; n++)
#pragma unroll
    for (int b = 0; b < BLOCKS; b++)
#pragma unroll
      for (int v = 0; v < LANE_VALUES; v++) w[n][b][v] = 0;
}

/// Bit n: edge e + n stands for its pair, as it comes before its reverse.
__device__ unsigned pairs_among(const Edges<real>& edges, int e, int count) {
  unsigned bits = 0;
#pragma unroll
  for (int n = 0; n < EDGE_GROUP; n++) {
    const int at = e + min(n, count - 1);
    bits |= static_cast<unsigned>(n < count && at < edges.reverse[at]) << n;
  }
  return bits;
}

/// Filter weights of this block's chunk: copied to shared memory where they fit (FILTER_SHARED), else read where they are. `next` is where
/// free shared memory begins, after it. Every thread of the block calls it.
template <int INPUTS> __device__ const real* chunk_weights(const real* weights, real*& next) {
  constexpr int size = INPUTS * 3 * chunk;
  const real* own = weights + blockIdx.y * size;
#if FILTER_SHARED
  real* copy = next;
  next += size;
  for (int p = threadIdx.x; p < size / 4; p += blockDim.x) store<4>(copy + 4 * p, load<4>(own + 4 * p));
  __syncthreads();
  return copy;
#else
  return own;
#endif
}

}  // namespace painnless::cuda
