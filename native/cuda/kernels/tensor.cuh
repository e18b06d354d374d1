#pragma once
// Products on tensor cores (cards from sm_80 on). Lane 4 g + t of a warp holds of A (16 rows x inputs), B (inputs x 8 columns) and C: rows g and g + 8, column
// g, and of C columns 2t and 2t + 1. Products are exact; their sum with C is cut off, not rounded, at some 24 bits of the largest of them. So whoever wants
// float's accuracy keeps sums short, begins each at zero, adds them up by himself, and puts what is large and what is small into different ones.
#include "prelude.cuh"

#if !defined(__CUDACC__)
#include "../emulator/tensor.h"
#endif

namespace painnless::cuda {

/// Numbers of 16 bits: bf16 has float's range and 8 bits, fp16 has 11 bits and ends at 65,504.
enum class Format { bf16, fp16 };

/// Two floats, rounded, in one word: x0, of the lower index, in the lower half.
template <Format FORMAT> __device__ unsigned rounded(float x0, float x1) {
#if defined(__CUDACC__)
  unsigned pair;
  if constexpr (FORMAT == Format::bf16) asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(x1), "f"(x0));
  else asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(x1), "f"(x0));
  return pair;
#else
  return emulator::rounded_pair(FORMAT == Format::bf16, x0, x1);
#endif
}

/// The number in the lower half of a word (UPPER = 0) or in the upper one.
template <Format FORMAT, int UPPER> __device__ float half_of(unsigned pair) {
  if constexpr (FORMAT == Format::bf16) {
    return __uint_as_float(UPPER ? pair & 0xFFFF0000u : pair << 16);
  } else {
#if defined(__CUDACC__)
    float x;
    if constexpr (UPPER) asm("{\n.reg .b16 low, high;\nmov.b32 {low, high}, %1;\ncvt.f32.f16 %0, high;\n}" : "=f"(x) : "r"(pair));
    else asm("{\n.reg .b16 low, high;\nmov.b32 {low, high}, %1;\ncvt.f32.f16 %0, low;\n}" : "=f"(x) : "r"(pair));
    return x;
#else
    return emulator::value_of<false>(pair >> 16 * UPPER & 0xFFFF);
#endif
  }
}

/// Two floats as sums of PARTS numbers of 16 bits, the largest first. Kernels make three of bf16, which hold all of a float's 24 bits and its range; the fp16
/// numbers of filters are split in another way (layers/filters.cuh).
template <Format FORMAT, int PARTS> __device__ void split(float x0, float x1, unsigned (&part)[PARTS]) {
#pragma unroll
  for (int p = 0; p < PARTS; p++) {
    part[p] = rounded<FORMAT>(x0, x1);
    x0 -= half_of<FORMAT, 0>(part[p]);
    x1 -= half_of<FORMAT, 1>(part[p]);
  }
}

/// C += A B over 16 inputs. a[0] and b[0] hold inputs 2t and 2t + 1 of row g and column g, a[1] those of row g + 8; a[2], a[3] and b[1] the same of the upper
/// eight inputs. c: row g, columns 2t and 2t + 1, then row g + 8.
template <Format FORMAT>
__device__ void multiply_add(float (&c)[4], unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0, unsigned b1) {
#if defined(__CUDACC__)
  if constexpr (FORMAT == Format::bf16)
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
  else
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
#else
  emulator::tensor_product<FORMAT == Format::bf16, 16>(c, {a0, a1, a2, a3}, {b0, b1});
#endif
}

/// The same over 8 inputs.
template <Format FORMAT> __device__ void multiply_add(float (&c)[4], unsigned a0, unsigned a1, unsigned b0) {
#if defined(__CUDACC__)
  if constexpr (FORMAT == Format::bf16)
    asm("mma.sync.aligned.m16n8k8.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(b0));
  else
    asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a0), "r"(a1), "r"(b0));
#else
  emulator::tensor_product<FORMAT == Format::bf16, 8>(c, {a0, a1, 0, 0}, {b0, 0});
#endif
}

/// The same over 8 inputs of TF32, float's range and 11 bits: inputs 2t and 2t + 1 of row g, of row g + 8, and of column g. To the instruction they are inputs t
/// and t + 4, which is the same to a sum. It takes floats as they are, and does not look at their lower 13 bits: they are cut off, not rounded.
__device__ void multiply_add_tf32(float (&c)[4], const unsigned (&low)[2], const unsigned (&high)[2], const unsigned (&b)[2]) {
#if defined(__CUDACC__)
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(low[0]), "r"(high[0]), "r"(low[1]), "r"(high[1]), "r"(b[0]), "r"(b[1]));
#else
  emulator::tf32_product(c, {low[0], high[0], low[1], high[1]}, {b[0], b[1]});
#endif
}

}  // namespace painnless::cuda
