#pragma once
// Running sums of counts.
#include "prelude.cuh"

namespace painnless::cuda {

/// Sum of x over this lane and all before it.
__device__ int sum_up_to_lane(int x) {
  for (int by = 1; by < 32; by *= 2) {
    const int below = __shfl_up_sync(all_lanes, x, by);
    if (lane_index() >= by) x += below;
  }
  return x;
}

/// Sum of x over the threads of a block before this one, and over all of them.
struct BlockSum {
  int before, total;
  __device__ explicit BlockSum(int x) {
    __shared__ int of_warp[scan_threads / 32];
    const int inclusive = sum_up_to_lane(x);
    if (lane_index() == 31) of_warp[warp_index()] = inclusive;
    __syncthreads();
    before = inclusive - x;
    total = 0;
    for (int w = 0; w < scan_threads / 32; w++) {
      if (w < warp_index()) before += of_warp[w];
      total += of_warp[w];
    }
    __syncthreads();  // before the next sum
  }
};

/// Four numbers that begin at a multiple of four; 0 in place of those from `end` on.
struct Four {
  int v[4];
  __device__ Four(const int* numbers, int first, int end) {
    if (first + 4 <= end) {
      const Pack<4, int> all = *reinterpret_cast<const Pack<4, int>*>(numbers + first);
      for (int k = 0; k < 4; k++) v[k] = all.v[k];
    } else {
      for (int k = 0; k < 4; k++) v[k] = first + k < end ? numbers[first + k] : 0;
    }
  }
  __device__ int sum() const { return v[0] + v[1] + v[2] + v[3]; }
};

}  // namespace painnless::cuda
