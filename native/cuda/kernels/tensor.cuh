#pragma once
// Products on tensor cores (cards from sm_80 on). Lane 4 g + t of a warp holds of A (16 rows x inputs), B (inputs x 8 columns) and C: rows g and g + 8, column
// g, and of C columns 2t and 2t + 1. Products are exact; their sum with C is cut off, not rounded, at some 24 bits of the largest of them. So whoever wants
// float's accuracy keeps sums short, begins each at zero, adds them up by himself, and puts what is large and what is small into different ones.
#include "prelude.cuh"

#if !defined(__CUDACC__)
#include "../emulator/tensor.h"
#endif

namespace painnless::cuda {

/// Two floats as fp16 numbers (11 bits, up to 65,504), rounded, in one word: x0, of the lower index, in the lower half.
__device__ unsigned rounded(float x0, float x1) {
#if defined(__CUDACC__)
  unsigned pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(x1), "f"(x0));
  return pair;
#else
  return emulator::rounded_pair(x0, x1);
#endif
}

/// The number in the lower half of a word (UPPER = 0) or in the upper one.
template <int UPPER> __device__ float half_of(unsigned pair) {
#if defined(__CUDACC__)
  float x;
  if constexpr (UPPER) asm("{\n.reg .b16 low, high;\nmov.b32 {low, high}, %1;\ncvt.f32.f16 %0, high;\n}" : "=f"(x) : "r"(pair));
  else asm("{\n.reg .b16 low, high;\nmov.b32 {low, high}, %1;\ncvt.f32.f16 %0, low;\n}" : "=f"(x) : "r"(pair));
  return x;
#else
  return emulator::value_of(pair >> 16 * UPPER & 0xFFFF);
#endif
}

/// C += A B over 16 inputs. a[0] and b[0] hold inputs 2t and 2t + 1 of row g and column g, a[1] those of row g + 8; a[2], a[3] and b[1] the same of the upper
/// eight inputs. c: row g, columns 2t and 2t + 1, then row g + 8.
__device__ void multiply_add(float (&c)[4], unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
#if defined(__CUDACC__)
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
#else
  emulator::tensor_product<16>(c, {a0, a1, a2, a3}, {b0, b1});
#endif
}

/// The same over 8 inputs.
__device__ void multiply_add(float (&c)[4], unsigned a0, unsigned a1, unsigned b0) {
#if defined(__CUDACC__)
  asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a0), "r"(a1), "r"(b0));
#else
  emulator::tensor_product<8>(c, {a0, a1, 0, 0}, {b0, 0});
#endif
}

}  // namespace painnless::cuda
