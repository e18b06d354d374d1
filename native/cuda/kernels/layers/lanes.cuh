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

/// The same over lanes 4 n to 4 n + 3; lane 4 n + k receives sum k.
__device__ real sum_of_four_lanes(real s0, real s1, real s2, real s3) {
  const bool upper = lane_index() & 2, odd = lane_index() & 1;
  const real even_sum = (upper ? s2 : s0) + __shfl_xor_sync(all_lanes, upper ? s0 : s2, 2);
  const real odd_sum = (upper ? s3 : s1) + __shfl_xor_sync(all_lanes, upper ? s1 : s3, 2);
  return (odd ? odd_sum : even_sum) + __shfl_xor_sync(all_lanes, odd ? even_sum : odd_sum, 1);
}

}  // namespace painnless::cuda
