#pragma once
// Copies from global memory into shared memory that go on while their thread does something else (cards from sm_80 on): they hold no registers.
#include "prelude.cuh"

#if !defined(__CUDACC__)
#include "../emulator/copies.h"
#endif

namespace painnless::cuda {

/// The same number, which is kept in a register: what a lane's place gives is else worked out again wherever it is used, tile by tile.
__device__ int held(int x) {
#if defined(__CUDACC__)
  asm("" : "+r"(x));
#endif
  return x;
}
__device__ const real* held(const real* x) {
#if defined(__CUDACC__)
  asm("" : "+l"(x));
#endif
  return x;
}

/// Sixteen bytes; TO and FROM: numbers behind `to` and `from`.
template <int TO = 0, int FROM = 0> __device__ void copy_ahead(real* to, const real* from) {
#if defined(__CUDACC__)
  constexpr int bytes = sizeof(real);
  asm volatile("cp.async.ca.shared.global [%0 + %2], [%1 + %3], 16;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(to))), "l"(__cvta_generic_to_global(from)),
               "n"(TO * bytes), "n"(FROM * bytes)
               : "memory");
#else
  emulator::copies_of_thread().ask(to + TO, from + FROM);
#endif
}
/// This thread's copies since the last call are a group.
__device__ void end_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  emulator::copies_of_thread().end();
#endif
}
/// Until there are no more than this thread's last GROUPS groups under way.
template <int GROUPS> __device__ void wait_for_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS) : "memory");
#else
  emulator::copies_of_thread().wait(GROUPS);
#endif
}

}  // namespace painnless::cuda
