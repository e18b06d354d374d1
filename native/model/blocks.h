#pragma once
// Weights padded to whole granules: a matrix between rows made of blocks of F features, each block padded by zeros on its own.
#include "../model.h"

namespace painnless {

/// Features come in granules of 32, a warp of the GPU and a share of edge work on the CPU: every width is padded to a multiple (zero weights, so
/// that padding stays zero).
constexpr int granule = 32;
constexpr int padded(int count) { return (count + granule - 1) / granule * granule; }

/// `blocks` blocks of `width` features; position n of the padded row is element index(n), or -1 for padding.
struct Blocks {
  int blocks, width;
  int size() const { return blocks * padded(width); }
  int index(int n) const { return n % padded(width) < width ? n / padded(width) * width + n % padded(width) : -1; }
};

/// Weight from position k of the padded inputs to position n of the padded outputs.
inline double padded_weight(const Linear& linear, Blocks outputs, int n, Blocks inputs, int k) {
  const int row = outputs.index(n), column = inputs.index(k);
  return row < 0 || column < 0 ? 0.0 : linear.weight[static_cast<size_t>(row) * linear.inputs + column];
}

}  // namespace painnless
