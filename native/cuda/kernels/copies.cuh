#pragma once
// Copies from global memory into shared memory that go on while their thread does something else (cards from sm_80 on): they hold no registers.
#include "prelude.cuh"

namespace painnless::cuda {

/// Sixteen bytes.
__device__ void copy_ahead(real* to, const real* from) {
#if defined(__CUDACC__)
  asm volatile("cp.async.ca.shared.global [%0], [%1], 16;" ::"r"(static_cast<unsigned>(__cvta_generic_to_shared(to))), "l"(__cvta_generic_to_global(from)) : "memory");
#else
  std::memcpy(to, from, 16);
#endif
}
/// This thread's copies since the last call are a group.
__device__ void end_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.commit_group;" ::: "memory");
#endif
}
/// Until there are no more than this thread's last GROUPS groups under way.
template <int GROUPS> __device__ void wait_for_copies() {
#if defined(__CUDACC__)
  asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS) : "memory");
#endif
}

}  // namespace painnless::cuda
