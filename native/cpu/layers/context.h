#pragma once
// PaiNN's context network: what an atom says to its neighbours (docs/theory.md, section 5). Atom by atom.
#include "blocks.h"

namespace painnless::PAINNLESS_ISA {

template <class Real> struct Context {
  int features;  // padded
  Packed<Real> first, second, first_adjoint, second_adjoint;
  AlignedArray<Real> bias1, bias2;

  explicit Context(const PainnLayer& layer)
      : features(padded(layer.context1.inputs)),
        first(pack_forward<Real>(layer.context1, {1, layer.context1.inputs}, {1, layer.context1.inputs})),
        second(pack_forward<Real>(layer.context2, {3, layer.context1.inputs}, {1, layer.context1.inputs})),
        first_adjoint(pack_adjoint<Real>(layer.context1, {1, layer.context1.inputs}, {1, layer.context1.inputs})),
        second_adjoint(pack_adjoint<Real>(layer.context2, {3, layer.context1.inputs}, {1, layer.context1.inputs})),
        bias1(pack_vector<Real>(layer.context1.bias, {1, layer.context1.inputs})),
        bias2(pack_vector<Real>(layer.context2.bias, {3, layer.context1.inputs})) {}

  /// First half of T14: h = silu(z) and slope = silu'(z), both (rows, F), from q (rows, stride).
  void hidden(const Share& share, int rows, const Real* q, int stride, Real* h, Real* slope) const {
    multiply(first, q, stride, 0, rows, share.columns<Real>(1, features), BiasSilu<Real>{h, slope, features, bias1.get()});
  }
  /// T14: x (rows, 3F).
  void forward(const Share& share, int rows, const Real* q, int stride, Real* h, Real* slope, Real* x) const {
    hidden(share, rows, q, stride, h, slope);
    share.meet_columns();
    multiply(second, h, features, 0, rows, share.columns<Real>(3, features), AddBias<Real>{x, row_stride<Real>(3 * features), bias2.get()});
  }
  /// T15: q_bar (rows, F) += from x_bar (rows, 3F); z_bar (rows, F) is scratch.
  void adjoint(const Share& share, int rows, const Real* slope, const Real* x_bar, Real* z_bar, Real* q_bar) const {
    multiply(second_adjoint, x_bar, row_stride<Real>(3 * features), 0, rows, share.columns<Real>(1, features), Scale<Real>{z_bar, slope, features});
    share.meet_columns();
    multiply(first_adjoint, z_bar, features, 0, rows, share.columns<Real>(1, features), Accumulate<Real>{q_bar, row_stride<Real>(features)});
  }
};

}  // namespace painnless::PAINNLESS_ISA
