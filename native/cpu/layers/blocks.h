#pragma once
// Weights padded to whole granules (../../model/blocks.h), in the order of the CPU's products.
#include "../../model/blocks.h"
#include "../share.h"

namespace painnless::PAINNLESS_ISA {

/// y = W x. Eq. T2.
template <class Real> Packed<Real> pack_forward(const Linear& linear, Blocks outputs, Blocks inputs) {
  return Packed<Real>(inputs.size(), outputs.size(), [&](int k, int n) { return padded_weight(linear, outputs, n, inputs, k); });
}

/// x_bar = W^T y_bar. Eq. T2.
template <class Real> Packed<Real> pack_adjoint(const Linear& linear, Blocks outputs, Blocks inputs) {
  return Packed<Real>(outputs.size(), inputs.size(), [&](int k, int n) { return padded_weight(linear, outputs, k, inputs, n); });
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
