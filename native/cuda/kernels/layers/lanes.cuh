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

/// The same over lanes r, r + 8, r + 16 and r + 24; lane 8 q + r receives sum q.
__device__ real sum_of_quarters(real s0, real s1, real s2, real s3) {
  const bool upper = lane_index() & 16, odd = lane_index() & 8;
  const real even_sum = (upper ? s2 : s0) + __shfl_xor_sync(all_lanes, upper ? s0 : s2, 16);
  const real odd_sum = (upper ? s3 : s1) + __shfl_xor_sync(all_lanes, upper ? s1 : s3, 16);
  return (odd ? odd_sum : even_sum) + __shfl_xor_sync(all_lanes, odd ? even_sum : odd_sum, 8);
}

/// Eight numbers over lanes 8 q to 8 q + 7; lane 8 q + r receives sum r.
__device__ real sum_of_eight_lanes(const real (&low)[4], const real (&high)[4]) {
  const bool upper = lane_index() & 4, second = lane_index() & 2, odd = lane_index() & 1;
  real four[4], two[2];
#pragma unroll
  for (int k = 0; k < 4; k++) four[k] = (upper ? high[k] : low[k]) + __shfl_xor_sync(all_lanes, upper ? low[k] : high[k], 4);
#pragma unroll
  for (int k = 0; k < 2; k++) two[k] = (second ? four[2 + k] : four[k]) + __shfl_xor_sync(all_lanes, second ? four[k] : four[2 + k], 2);
  return (odd ? two[1] : two[0]) + __shfl_xor_sync(all_lanes, odd ? two[0] : two[1], 1);
}

}  // namespace painnless::cuda
