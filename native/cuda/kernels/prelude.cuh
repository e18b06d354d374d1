#pragma once
// Read first by every kernel file, by NVRTC and by a host compiler (tests without a card; emulator/language.h). `real` is float or double
// (-Dreal=...).
#if !defined(__CUDACC__)
#include "../emulator/language.h"
#define DYNAMIC_SHARED(Type, name) Type* name = reinterpret_cast<Type*>(painnless::cuda::emulator::runtime->shared)
#define EXPORT_KERNEL(name, Arguments) \
  extern "C" void name##_entry(const void* argument) { name(*static_cast<const Arguments<real>*>(argument)); }
#else
#define DYNAMIC_SHARED(Type, name)                            \
  extern __shared__ __align__(16) unsigned char painnless_shared[]; \
  Type* name = reinterpret_cast<Type*>(painnless_shared)
#define EXPORT_KERNEL(name, Arguments)
#endif
#include "list.h"
#include "shapes.h"
#include "signatures.h"
#include "steps.h"

/// A kernel with its one argument, which must be that of list.h.
#define KERNEL(threads, blocks, name, Arguments)                                           \
  __device__ void name##_body(const Arguments<real>& a);                                   \
  EXPORT_KERNEL(name, Arguments)                                                            \
  extern "C" __global__ void __launch_bounds__(threads, blocks) name(const Arguments<real> a) { \
    begin_kernel();                                                                         \
    name##_body(a);                                                                         \
  }                                                                                         \
  __device__ __forceinline__ void name##_body(const Arguments<real>& a)

namespace painnless::cuda {

#define DECLARE(name, Arguments) extern "C" __global__ void name(const Arguments<real> a);
PAINNLESS_KERNELS(DECLARE)
#undef DECLARE

constexpr unsigned all_lanes = ~0u;

__device__ int lane_index() { return threadIdx.x % 32; }
__device__ int warp_index() { return threadIdx.x / 32; }

/// So many numbers, loaded and stored as wide as their alignment allows.
template <int N, class Value = real> struct alignas(N * sizeof(Value) % 16 == 0 ? 16 : N * sizeof(Value) % 8 == 0 ? 8 : sizeof(Value)) Pack {
  Value v[N];
};
template <int N> __device__ Pack<N> load(const real* at) { return *reinterpret_cast<const Pack<N>*>(at); }
template <int N> __device__ void store(real* at, const Pack<N>& values) { *reinterpret_cast<Pack<N>*>(at) = values; }

/// Asks for what lies there, as far as the second-level cache.
__device__ void fetch(const void* at) {
#if defined(__CUDACC__)
  asm volatile("prefetch.global.L2 [%0];" ::"l"(at));
#endif
}

/// Waits until the kernel before has ended and what it wrote can be seen; but for an early launch that has been so before there were blocks. No kernel lets the
/// next one's blocks come before its own end: they would lie where there is room beside these, several on a multiprocessor while others are idle.
__device__ void begin_kernel() {
#if defined(__CUDACC__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// A planted fault takes the wrong value (-DPLANTED=number, tests only; tests/cuda/faults.test.ts says which number is which up to 14, resident.test.ts has 15,
/// dynamics.test.ts 21, 48 and 49, memory.test.ts 22, answer.test.ts 46 and 47, slices.test.ts 31, 32, 35 and 39, mixed.test.ts 33, spread.test.ts 34, 40 and 41, layer.test.ts 43 to 45 and 50, table.test.ts 38).
#if !defined(PLANTED)
#define PLANTED 0
#endif
#define FAULT(number, wrong, right) (PLANTED == (number) ? (wrong) : (right))

}  // namespace painnless::cuda
