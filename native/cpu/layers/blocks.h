#pragma once
// Weights padded to whole granules: a matrix between rows made of blocks of F features, each block padded by zeros on its own.
#include "../../model.h"
#include "../share.h"

namespace painnless::PAINNLESS_ISA {

/// `blocks` blocks of `width` features; position n of the padded row is element index(n), or -1 for padding.
struct Blocks {
  int blocks, width;
  int size() const { return blocks * padded(width); }
  int index(int n) const { return n % padded(width) < width ? n / padded(width) * width + n % padded(width) : -1; }
};

/// y = W x. Eq. T2.
template <class Real> Packed<Real> pack_forward(const Linear& linear, Blocks outputs, Blocks inputs) {
  return Packed<Real>(inputs.size(), outputs.size(), [&](int k, int n) {
    const int row = outputs.index(n), column = inputs.index(k);
    return row < 0 || column < 0 ? 0.0 : linear.weight[static_cast<size_t>(row) * linear.inputs + column];
  });
}

/// x_bar = W^T y_bar. Eq. T2.
template <class Real> Packed<Real> pack_adjoint(const Linear& linear, Blocks outputs, Blocks inputs) {
  return Packed<Real>(outputs.size(), inputs.size(), [&](int k, int n) {
    const int row = outputs.index(k), column = inputs.index(n);
    return row < 0 || column < 0 ? 0.0 : linear.weight[static_cast<size_t>(row) * linear.inputs + column];
  });
}

/// A vector of such a row.
template <class Real> AlignedArray<Real> pack_vector(std::span<const double> vector, Blocks blocks) {
  AlignedArray<Real> out(blocks.size());
  for (int n = 0; n < blocks.size(); ++n) out[n] = blocks.index(n) < 0 ? Real(0) : static_cast<Real>(vector[blocks.index(n)]);
  return out;
}

/// Bytes of packed weights, for the plan.
template <class Real, class... Rest> double packed_bytes(const Rest&... packed) {
  return (0.0 + ... + (static_cast<double>(packed.inputs) * packed.outputs * sizeof(Real)));
}

}  // namespace painnless::PAINNLESS_ISA
