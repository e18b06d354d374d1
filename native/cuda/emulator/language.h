#pragma once
// The words of CUDA that our kernels use, for a host compiler (kernels/prelude.cuh includes it there). Slow, exact, and strict: a barrier that
// not every thread reaches is reported, and threads may be made to take their turns in any order.
#include <cmath>
#include <cstring>

#include "runtime.h"

namespace painnless::cuda::emulator {
static Runtime* runtime;
}
extern "C" void painnless_bind(painnless::cuda::emulator::Runtime* given) { painnless::cuda::emulator::runtime = given; }

#define __global__
#define __device__
#define __constant__ static const
#define __forceinline__
#define __shared__ static
#define __launch_bounds__(...)
#define __align__(n) alignas(n)
#define PLANTED (painnless::cuda::emulator::runtime->planted)
#define threadIdx (painnless::cuda::emulator::runtime->thread)
#define blockIdx (painnless::cuda::emulator::runtime->block)
#define blockDim (painnless::cuda::emulator::runtime->threads)
#define gridDim (painnless::cuda::emulator::runtime->blocks)

static inline void __syncthreads() { painnless::cuda::emulator::runtime->meet_block(); }
static inline void __syncwarp(unsigned = ~0u) { painnless::cuda::emulator::runtime->meet_warp(); }

namespace painnless::cuda::emulator {
/// Every lane gives a value and takes that of lane `from`.
template <class T> T exchanged(T value, int from) {
  static_assert(sizeof(T) <= 8);
  auto& slots = *runtime->exchange;
  const unsigned lane = runtime->thread.x % 32;
  std::memcpy(slots[lane], &value, sizeof(T));
  runtime->next_exchange();
  T taken;
  std::memcpy(&taken, slots[from], sizeof(T));
  return taken;
}
inline int own_lane() { return static_cast<int>(runtime->thread.x % 32); }
}  // namespace painnless::cuda::emulator

template <class T> T __shfl_sync(unsigned, T value, int from) { return painnless::cuda::emulator::exchanged(value, from % 32); }
template <class T> T __shfl_xor_sync(unsigned, T value, int mask) {
  return painnless::cuda::emulator::exchanged(value, painnless::cuda::emulator::own_lane() ^ mask);
}
template <class T> T __shfl_up_sync(unsigned, T value, int by) {
  const int lane = painnless::cuda::emulator::own_lane();
  return painnless::cuda::emulator::exchanged(value, lane < by ? lane : lane - by);
}
static inline unsigned __ballot_sync(unsigned, int predicate) {
  unsigned bits = 0;
  auto& slots = *painnless::cuda::emulator::runtime->exchange;
  slots[painnless::cuda::emulator::own_lane()][0] = predicate != 0;
  painnless::cuda::emulator::runtime->next_exchange();
  for (int lane = 0; lane < 32; lane++) bits |= static_cast<unsigned>(slots[lane][0]) << lane;
  return bits;
}
static inline float __uint_as_float(unsigned bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
static inline unsigned __float_as_uint(float x) {
  unsigned bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
static inline int __clz(int x) { return x == 0 ? 32 : __builtin_clz(static_cast<unsigned>(x)); }
static inline int __popc(unsigned x) { return __builtin_popcount(x); }
template <class T> T __ldg(const T* at) { return *at; }
static inline int atomicAdd(int* at, int by) {
  const int old = *at;
  *at += by;
  return old;
}
static inline int atomicExch(int* at, int value) {
  const int old = *at;
  *at = value;
  return old;
}
static inline void __threadfence() {}
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __dadd_rn(double a, double b) { return a + b; }
static inline int atomicOr(int* at, int bits) {
  const int old = *at;
  *at |= bits;
  return old;
}

template <class T> T cospi(T x) { return std::cos(x * static_cast<T>(M_PI)); }
template <class T> T sinpi(T x) { return std::sin(x * static_cast<T>(M_PI)); }
using std::cos;
using std::exp;
using std::floor;
using std::fma;
using std::sin;
using std::sqrt;
template <class T> constexpr T min(T a, T b) { return b < a ? b : a; }
template <class T> constexpr T max(T a, T b) { return a < b ? b : a; }
