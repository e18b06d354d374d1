#pragma once
// Float's products on tensor cores: each number is a large part and a small one, both fp16, which together hold 22 bits of it, and of the four products of parts
// the three largest are made. Where precision is mixed there is one part, and one product. What both schedules share, so that both give the same bits: one sum
// of C = A B over some units of eight inputs (T2), which begins at zero and is the same for an element of C wherever its row and column stand.
#include "tensor.cuh"

namespace painnless::cuda {

constexpr int parts_of_number = TENSOR;

/// Small parts lie so much higher than what they stand for: they are as far from the lower end of fp16's range as the large ones, whose last bit is worth as much.
constexpr float small_scale = 2048;

/// Two numbers of a row (of A) or of a column (of B): pairs of their parts. What is beyond 65,504 makes every product with it NaN, so that it can never pass
/// for a number: of two parts the large one is infinite, and the small one likewise, with the other sign.
struct Split {
  unsigned part[parts_of_number];
};
__device__ Split split_of(float x0, float x1) {
  const unsigned large = rounded(x0, x1);
  const float rest0 = x0 - half_of<0>(large), rest1 = x1 - half_of<1>(large);
  Split out;
  out.part[0] = parts_of_number == mixed_parts ? rounded(x0 + 0 * rest0, x1 + 0 * rest1) : large;
  if constexpr (parts_of_number == float_parts) out.part[parts_of_number - 1] = rounded(small_scale * rest0, small_scale * rest1);
  return out;
}
/// A lane's share of eight inputs of A: inputs 2t and 2t + 1 of rows g and g + 8.
struct Rows {
  Split low, high;
};

/// c = sum over the units of A B. Products with small parts have a sum of their own: where they are cut off then matters as little as it should, and their scale
/// is taken back once.
template <int UNITS> __device__ void sum_of_units(const Rows (&a)[UNITS], const Split (&b)[UNITS], float (&c)[4]) {
  float small[4] = {};
#pragma unroll
  for (int n = 0; n < 4; n++) c[n] = 0;
  const auto add_two = [&](float(&sum)[4], int u, int i, int j) {
    multiply_add(sum, a[u].low.part[i], a[u].high.part[i], a[u + 1].low.part[i], a[u + 1].high.part[i], b[u].part[j], b[FAULT(33, u, u + 1)].part[j]);
  };
#pragma unroll
  for (int u = 0; u + 1 < UNITS; u += 2) {
    add_two(c, u, 0, 0);
    if constexpr (parts_of_number == float_parts) {
      add_two(small, u, 0, 1);
      add_two(small, u, FAULT(14, 0, 1), 0);
    }
  }
  if constexpr (UNITS % 2 == 1) {
    const Rows& x = a[UNITS - 1];
    const Split& y = b[UNITS - 1];
    multiply_add(c, x.low.part[0], x.high.part[0], y.part[0]);
    // Both products with a small part go as one over twice the inputs.
    if constexpr (parts_of_number == float_parts) multiply_add(small, x.low.part[0], x.high.part[0], x.low.part[1], x.high.part[1], y.part[1], y.part[0]);
  }
  if constexpr (parts_of_number == float_parts) {
#pragma unroll
    for (int n = 0; n < 4; n++) c[n] += FAULT(13, 0, 1 / small_scale) * small[n];
  }
}

}  // namespace painnless::cuda
