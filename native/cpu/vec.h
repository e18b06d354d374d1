#pragma once
// One vector type for every instruction set: kernels.cpp is compiled once per set with PAINNLESS_ISA naming it, and everything in
// native/cpu that it includes lives in a namespace of that name, so three builds share one binary without meeting.
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__AVX2__) || defined(__AVX512F__)
#include <immintrin.h>
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

#define PAINNLESS_INLINE static inline __attribute__((always_inline))

namespace painnless::PAINNLESS_ISA {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
constexpr int max_tile_rows = 14;  // 14 x 2 accumulators + 2 weights + 1 input fill the 32 registers
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
constexpr int max_tile_rows = 6;  // 6 x 2 accumulators + 2 weights + 1 input of 16 registers
#else
constexpr int vector_bytes = 16;
constexpr int max_tile_rows = 6;
#endif

typedef float VecF __attribute__((vector_size(vector_bytes)));
typedef double VecD __attribute__((vector_size(vector_bytes)));
typedef int32_t VecI __attribute__((vector_size(vector_bytes)));
typedef int64_t VecL __attribute__((vector_size(vector_bytes)));

template <class Real> struct VectorOf;
template <> struct VectorOf<float> { using type = VecF; };
template <> struct VectorOf<double> { using type = VecD; };
template <class Real> using Vec = typename VectorOf<Real>::type;
template <class Real> constexpr int width = vector_bytes / static_cast<int>(sizeof(Real));

template <class Real> PAINNLESS_INLINE Vec<Real> load(const Real* p) { return *reinterpret_cast<const Vec<Real>*>(p); }
template <class Real> PAINNLESS_INLINE void store(Real* p, Vec<Real> v) { *reinterpret_cast<Vec<Real>*>(p) = v; }

#if defined(__AVX512F__)
PAINNLESS_INLINE VecF splat(float x) { return (VecF)_mm512_set1_ps(x); }
PAINNLESS_INLINE VecD splat(double x) { return (VecD)_mm512_set1_pd(x); }
PAINNLESS_INLINE VecF fma(VecF a, VecF b, VecF c) { return (VecF)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }
PAINNLESS_INLINE VecD fma(VecD a, VecD b, VecD c) { return (VecD)_mm512_fmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
PAINNLESS_INLINE VecF fnma(VecF a, VecF b, VecF c) { return (VecF)_mm512_fnmadd_ps((__m512)a, (__m512)b, (__m512)c); }
PAINNLESS_INLINE VecD fnma(VecD a, VecD b, VecD c) { return (VecD)_mm512_fnmadd_pd((__m512d)a, (__m512d)b, (__m512d)c); }
PAINNLESS_INLINE VecF sqrt(VecF a) { return (VecF)_mm512_sqrt_ps((__m512)a); }
PAINNLESS_INLINE VecD sqrt(VecD a) { return (VecD)_mm512_sqrt_pd((__m512d)a); }
#elif defined(__AVX2__)
PAINNLESS_INLINE VecF splat(float x) { return (VecF)_mm256_set1_ps(x); }
PAINNLESS_INLINE VecD splat(double x) { return (VecD)_mm256_set1_pd(x); }
PAINNLESS_INLINE VecF fma(VecF a, VecF b, VecF c) { return (VecF)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }
PAINNLESS_INLINE VecD fma(VecD a, VecD b, VecD c) { return (VecD)_mm256_fmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
PAINNLESS_INLINE VecF fnma(VecF a, VecF b, VecF c) { return (VecF)_mm256_fnmadd_ps((__m256)a, (__m256)b, (__m256)c); }
PAINNLESS_INLINE VecD fnma(VecD a, VecD b, VecD c) { return (VecD)_mm256_fnmadd_pd((__m256d)a, (__m256d)b, (__m256d)c); }
PAINNLESS_INLINE VecF sqrt(VecF a) { return (VecF)_mm256_sqrt_ps((__m256)a); }
PAINNLESS_INLINE VecD sqrt(VecD a) { return (VecD)_mm256_sqrt_pd((__m256d)a); }
#else
PAINNLESS_INLINE VecF splat(float x) { return VecF{} + x; }
PAINNLESS_INLINE VecD splat(double x) { return VecD{} + x; }
#if defined(__ARM_NEON)
PAINNLESS_INLINE VecF fma(VecF a, VecF b, VecF c) { return (VecF)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
PAINNLESS_INLINE VecD fma(VecD a, VecD b, VecD c) { return (VecD)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
PAINNLESS_INLINE VecF fnma(VecF a, VecF b, VecF c) { return (VecF)vfmsq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b); }
PAINNLESS_INLINE VecD fnma(VecD a, VecD b, VecD c) { return (VecD)vfmsq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b); }
#else
PAINNLESS_INLINE VecF fma(VecF a, VecF b, VecF c) { return a * b + c; }
PAINNLESS_INLINE VecD fma(VecD a, VecD b, VecD c) { return a * b + c; }
PAINNLESS_INLINE VecF fnma(VecF a, VecF b, VecF c) { return c - a * b; }
PAINNLESS_INLINE VecD fnma(VecD a, VecD b, VecD c) { return c - a * b; }
#endif
template <class V> PAINNLESS_INLINE V sqrt_each(V a) {
  for (unsigned i = 0; i < sizeof(V) / sizeof(a[0]); ++i) a[i] = std::sqrt(a[i]);
  return a;
}
PAINNLESS_INLINE VecF sqrt(VecF a) { return sqrt_each(a); }
PAINNLESS_INLINE VecD sqrt(VecD a) { return sqrt_each(a); }
#endif

template <class V> PAINNLESS_INLINE V clamp(V x, V low, V high) {
  x = x > low ? x : low;
  return x < high ? x : high;
}

/// e^x, relative error below 2 ulp. The clamp keeps 2^n representable; without its upper side silu(z < -88) would be garbage.
PAINNLESS_INLINE VecF exp(VecF x) {
  x = clamp(x, splat(-87.3f), splat(88.0f));
  const VecF round = splat(12582912.0f);  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
  const VecF t = fma(x, splat(1.44269504088896341f), round), n = t - round;
  const VecF r = fnma(n, splat(-2.12194440e-4f), fnma(n, splat(0.693359375f), x));  // x - n ln 2 in two parts
  VecF p = splat(1.9875691500e-4f);
  p = fma(p, r, splat(1.3981999507e-3f));
  p = fma(p, r, splat(8.3334519073e-3f));
  p = fma(p, r, splat(4.1665795894e-2f));
  p = fma(p, r, splat(1.6666665459e-1f));
  p = fma(p, r, splat(5.0000001201e-1f));
  p = fma(p, r * r, r) + splat(1.0f);
  return p * (VecF)(((VecI)t << 23) + (127 << 23));
}
PAINNLESS_INLINE VecD exp(VecD x) {
  x = clamp(x, splat(-708.0), splat(709.0));
  const VecD round = splat(6755399441055744.0);  // 1.5 * 2^52
  const VecD t = fma(x, splat(1.4426950408889634), round), n = t - round;
  const VecD r = fnma(n, splat(1.90821492927058770002e-10), fnma(n, splat(6.93147180369123816490e-01), x));
  constexpr double inverse_factorial[14] = {1.0,
                                            1.0,
                                            1.0 / 2,
                                            1.0 / 6,
                                            1.0 / 24,
                                            1.0 / 120,
                                            1.0 / 720,
                                            1.0 / 5040,
                                            1.0 / 40320,
                                            1.0 / 362880,
                                            1.0 / 3628800,
                                            1.0 / 39916800,
                                            1.0 / 479001600,
                                            1.0 / 6227020800};
  VecD p = splat(inverse_factorial[13]);
#pragma GCC unroll 16
  for (int i = 12; i >= 0; --i) p = fma(p, r, splat(inverse_factorial[i]));
  return p * (VecD)(((VecL)t << 52) + (int64_t{1023} << 52));
}

/// silu(z) = z / (1 + e^-z) and its derivative (docs/theory.md, T1).
template <class Real> PAINNLESS_INLINE void silu(Vec<Real> z, Vec<Real>& value, Vec<Real>& slope) {
  const Vec<Real> one = splat(Real(1));
  const Vec<Real> sigma = one / (one + exp(-z));
  value = z * sigma;
  slope = sigma * fma(z, one - sigma, one);
}

/// Sums of the lanes of four vectors, each in the same fixed order.
template <class Real> PAINNLESS_INLINE void sum_lanes_4(const Vec<Real>* v, Real* sums) {
  constexpr int w = width<Real>;
  for (int k = 0; k < 4; ++k) {
    Real lane[w];
    std::memcpy(lane, &v[k], sizeof lane);
    for (int half = w / 2; half > 0; half /= 2)
      for (int i = 0; i < half; ++i) lane[i] += lane[i + half];
    sums[k] = lane[0];
  }
}
#if defined(__AVX2__)
/// The same sums by a 4 x 4 transpose instead of through memory.
template <> inline __attribute__((always_inline)) void sum_lanes_4<float>(const VecF* v, float* sums) {
  __m128 r[4];
  for (int k = 0; k < 4; ++k) {
#if defined(__AVX512F__)
    const __m512 a = (__m512)v[k];
    const __m256 b = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
#else
    const __m256 b = (__m256)v[k];
#endif
    r[k] = _mm_add_ps(_mm256_castps256_ps128(b), _mm256_extractf128_ps(b, 1));
  }
  _MM_TRANSPOSE4_PS(r[0], r[1], r[2], r[3]);
  _mm_storeu_ps(sums, _mm_add_ps(_mm_add_ps(r[0], r[1]), _mm_add_ps(r[2], r[3])));
}
#endif

}  // namespace painnless::PAINNLESS_ISA
