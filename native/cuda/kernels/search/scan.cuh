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

/// What stands before each of `count` numbers: begin[k] = numbers[0] + .. + numbers[k - 1], and begin[count]. One block; a thread takes eight
/// numbers at a time.
__device__ void scan(const int* numbers, int count, int* begin, int* end) {
  __shared__ int of_warp[33];
  int before = 0;
  for (int base = 0; base < count; base += 8 * blockDim.x) {
    const int first = base + 8 * threadIdx.x;
    int own[8], sum = 0;
    for (int k = 0; k < 8; k++) sum += own[k] = first + k < count ? numbers[first + k] : 0;
    const int inclusive = sum_up_to_lane(sum);
    if (lane_index() == 31) of_warp[warp_index()] = inclusive;
    __syncthreads();
    if (threadIdx.x == 0) {
      int total = 0;
      const int warps = blockDim.x / 32;
      for (int w = 0; w < warps; w++) {
        const int here = of_warp[w];
        of_warp[w] = total;
        total += here;
      }
      of_warp[32] = total;
    }
    __syncthreads();
    int running = before + of_warp[warp_index()] + inclusive - sum;
    for (int k = 0; k < 8; k++)
      if (first + k < count) {
        begin[first + k] = running;
        if (end) end[first + k] = running;
        running += own[k];
      }
    before += of_warp[32];
    __syncthreads();
  }
  if (threadIdx.x == 0) begin[count] = before;
}

}  // namespace painnless::cuda
