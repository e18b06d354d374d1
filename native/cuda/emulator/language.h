#pragma once
// The words of CUDA that our kernels use, for a host compiler (kernels/prelude.cuh includes it there). Slow, exact, and strict: a barrier that
// not every thread reaches is reported, and threads may be made to take their turns in any order.
#include "list.h"
#include "runtime.h"

// What <cmath> and <cstring> would bring, and take longer to read than many a kernel to compile.
extern "C" {
double cos(double) noexcept;
double exp(double) noexcept;
double fabs(double) noexcept;
double floor(double) noexcept;
double fma(double, double, double) noexcept;
double fmax(double, double) noexcept;
double log(double) noexcept;
double sin(double) noexcept;
double sqrt(double) noexcept;
float cosf(float) noexcept;
float expf(float) noexcept;
float floorf(float) noexcept;
float fmaf(float, float, float) noexcept;
float sinf(float) noexcept;
float sqrtf(float) noexcept;
void* memcpy(void*, const void*, decltype(sizeof 0)) noexcept;
}
// Templates, which <cmath> may come behind (formulas/philox.h); of float alone.
#define OF_FLOAT(name, Parameters, call) \
  template <class T> T name Parameters { \
    static_assert(sizeof(T) == sizeof(float) && T(0.5) != 0); \
    return call; \
  }
OF_FLOAT(cos, (T x), cosf(x))
OF_FLOAT(exp, (T x), expf(x))
OF_FLOAT(floor, (T x), floorf(x))
OF_FLOAT(fma, (T a, T b, T c), fmaf(a, b, c))
OF_FLOAT(sin, (T x), sinf(x))
OF_FLOAT(sqrt, (T x), sqrtf(x))
#undef OF_FLOAT

// All else is hidden, so that what nobody calls is not compiled.
#define EXPORTED extern "C" __attribute__((visibility("default")))
#define DECLARE(name, Arguments) EXPORTED void name##_entry(const void* argument);
namespace painnless::cuda {
PAINNLESS_KERNELS(DECLARE)
}
#undef DECLARE

namespace painnless::cuda::emulator {
static Runtime* runtime;
}
EXPORTED void painnless_bind(painnless::cuda::emulator::Runtime* given) { painnless::cuda::emulator::runtime = given; }

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
  memcpy(slots[lane], &value, sizeof(T));
  runtime->next_exchange();
  T taken;
  memcpy(&taken, slots[from], sizeof(T));
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
  memcpy(&x, &bits, sizeof x);
  return x;
}
static inline unsigned __float_as_uint(float x) {
  unsigned bits;
  memcpy(&bits, &x, sizeof bits);
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

template <class T> T cospi(T x) { return cos(x * static_cast<T>(3.14159265358979323846)); }
template <class T> T sinpi(T x) { return sin(x * static_cast<T>(3.14159265358979323846)); }
template <class T> constexpr T min(T a, T b) { return b < a ? b : a; }
template <class T> constexpr T max(T a, T b) { return a < b ? b : a; }
