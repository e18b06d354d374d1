#pragma once
// What message kernels share: a warp owns a receiver and walks over its edges; each lane owns LANE_VALUES neighbouring features of a chunk of 32
// times as many (blockIdx.y counts the chunks).
#include "layers/lanes.cuh"

namespace painnless::cuda {

constexpr int chunk = 32 * LANE_VALUES;

__device__ int own_feature() { return blockIdx.y * chunk + lane_index() * LANE_VALUES; }

/// A row of this lane's features.
using Values = Pack<LANE_VALUES>;
__device__ Values values_at(const real* row) { return load<LANE_VALUES>(row); }

/// Adds s_e and t_e of one edge, this chunk's share, into sums (chunks, edges, 4), if the edge stands for its pair; `set` is the layer that
/// comes first.
__device__ void add_pair_sums(real* sums, int edge_capacity, int e, bool stands, bool set, real s, real t0, real t1, real t2) {
  const real total = sum_of_lanes(s, t0, t1, t2);
  if (!stands || lane_index() % 8 != 0) return;
  real& at = sums[(static_cast<long long>(blockIdx.y) * edge_capacity + e) * 4 + lane_index() / 8];
  at = set ? total : at + total;
}

enum class Way { forward, adjoint };

/// One way of a message for the receivers of this warp: every `warps of the grid`-th one.
template <class Message, Way WAY, class Arguments> __device__ void pass_messages(const Arguments& a) {
  DYNAMIC_SHARED(real, memory);
  const Message message(a, memory);
  const int warps = blockDim.x / 32;
  for (int i = blockIdx.x * warps + warp_index(); i < a.sizes->atoms; i += gridDim.x * warps) {
    if constexpr (WAY == Way::forward) message.forward(i);
    else message.adjoint(i);
  }
}

}  // namespace painnless::cuda
