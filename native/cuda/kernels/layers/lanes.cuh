#pragma once
// Sums over the lanes of a warp.
#include "prelude.cuh"

namespace painnless::cuda {

/// Sums over the lanes of four numbers, each in the same fixed order; lanes 8k .. 8k+7 receive sum k.
__device__ real sum_of_lanes(real s0, real s1, real s2, real s3) {
  const bool upper = lane_index() & 16, odd = lane_index() & 8;
  const real even_sum = (upper ? s2 : s0) + __shfl_xor_sync(all_lanes, upper ? s0 : s2, 16);
  const real odd_sum = (upper ? s3 : s1) + __shfl_xor_sync(all_lanes, upper ? s1 : s3, 16);
  real sum = (odd ? odd_sum : even_sum) + __shfl_xor_sync(all_lanes, odd ? even_sum : odd_sum, 8);
  for (int mask = 4; mask > 0; mask /= 2) sum += __shfl_xor_sync(all_lanes, sum, mask);
  return sum;
}

/// The same over four lanes that are STRIDE apart; of those the q-th receives sum q.
template <int STRIDE> __device__ real sum_of_four_lanes(real s0, real s1, real s2, real s3) {
  const bool upper = lane_index() & 2 * STRIDE, odd = lane_index() & STRIDE;
  const real even_sum = (upper ? s2 : s0) + __shfl_xor_sync(all_lanes, upper ? s0 : s2, 2 * STRIDE);
  const real odd_sum = (upper ? s3 : s1) + __shfl_xor_sync(all_lanes, upper ? s1 : s3, 2 * STRIDE);
  return (odd ? odd_sum : even_sum) + __shfl_xor_sync(all_lanes, odd ? even_sum : odd_sum, STRIDE);
}

/// Eight numbers over eight lanes that are STRIDE apart; of those the r-th receives sum r.
template <int STRIDE> __device__ real sum_of_eight_lanes(const real (&low)[4], const real (&high)[4]) {
  const bool upper = lane_index() & 4 * STRIDE, second = lane_index() & 2 * STRIDE, odd = lane_index() & STRIDE;
  real four[4], two[2];
#pragma unroll
  for (int k = 0; k < 4; k++) four[k] = (upper ? high[k] : low[k]) + __shfl_xor_sync(all_lanes, upper ? low[k] : high[k], 4 * STRIDE);
#pragma unroll
  for (int k = 0; k < 2; k++) two[k] = (second ? four[2 + k] : four[k]) + __shfl_xor_sync(all_lanes, second ? four[k] : four[2 + k], 2 * STRIDE);
  return (odd ? two[1] : two[0]) + __shfl_xor_sync(all_lanes, odd ? two[0] : two[1], STRIDE);
}

}  // namespace painnless::cuda
