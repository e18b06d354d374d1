#pragma once
// Float's products on tensor cores: each number is a sum of three of bf16, and of the nine products of parts the six largest are made. Where precision is mixed
// there is one product of TF32: weights come rounded (factor_of, pack.h), other numbers are cut off. What both schedules share, so that both give the same bits:
// one sum of C = A B over some units of eight inputs (T2), which begins at zero and is the same for an element of C wherever its row and column stand.
#include "tensor.cuh"

namespace painnless::cuda {

constexpr int pair_words = TENSOR;
constexpr bool is_mixed = pair_words == mixed_words;

/// Two numbers of a row (of A) or of a column (of B): pairs of their parts, or one after the other.
struct Split {
  unsigned part[pair_words];
};
__device__ Split split_of(float x0, float x1) {
  Split out;
  if constexpr (is_mixed) out = {{__float_as_uint(x0), __float_as_uint(x1)}};
  else split<Format::bf16>(x0, x1, out.part);
  return out;
}
/// A lane's share of eight inputs of A: inputs 2t and 2t + 1 of rows g and g + 8.
struct Rows {
  Split low, high;
};

/// c = sum over the units of A B. Products of parts of one size have a sum of their own: where the smaller ones are cut off then matters as little as it should,
/// and no sum waits for another.
template <int UNITS> __device__ void sum_of_units(const Rows (&a)[UNITS], const Split (&b)[UNITS], float (&c)[4]) {
#pragma unroll
  for (int n = 0; n < 4; n++) c[n] = 0;
  if constexpr (is_mixed) {
#pragma unroll
    for (int u = 0; u < UNITS; u++) multiply_add_tf32(c, a[u].low.part, a[u].high.part, b[FAULT(33, UNITS - 1, u)].part);
  } else {
    float middle[4] = {}, small[4] = {};
#pragma unroll
    for (int u = 0; u + 1 < UNITS; u += 2) {
      const auto add = [&](float(&sum)[4], int i, int j) {
        multiply_add<Format::bf16>(sum, a[u].low.part[i], a[u].high.part[i], a[u + 1].low.part[i], a[u + 1].high.part[i], b[u].part[j], b[u + 1].part[j]);
      };
      add(c, 0, 0);
      add(middle, 0, 1);
      add(small, 0, 2);
      add(middle, 1, 0);
      add(small, 1, 1);
      add(small, 2, 0);
    }
    if constexpr (UNITS % 2 == 1) {
      const Rows& x = a[UNITS - 1];
      const Split& y = b[UNITS - 1];
      const auto add = [&](float(&sum)[4], int i, int j) { multiply_add<Format::bf16>(sum, x.low.part[i], x.high.part[i], y.part[j]); };
      // Two products of parts, A_i B_j and A_j B_i, go as one over twice the inputs.
      const auto add_both = [&](float(&sum)[4], int i, int j) {
        multiply_add<Format::bf16>(sum, x.low.part[i], x.high.part[i], x.low.part[j], x.high.part[j], y.part[j], y.part[i]);
      };
      add(c, 0, 0);
      add_both(middle, 0, 1);
      add_both(small, 0, 2);
      add(small, 1, 1);
    }
#pragma unroll
    for (int n = 0; n < 4; n++) c[n] += FAULT(13, 0, middle[n]) + FAULT(14, 0, small[n]);
  }
}

}  // namespace painnless::cuda
