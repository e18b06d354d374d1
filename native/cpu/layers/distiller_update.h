#pragma once
// The student's update (docs/theory.md, section 13). M mixes the axes x, y, z: this is why the model is not rotation equivariant.
#include "update.h"

namespace painnless::PAINNLESS_ISA {

/// What the forward pass leaves for the adjoint, per atom; v after the message is kept beside it.
template <class Real> struct DistillerUpdateSaved {
  Real *inverse_norm, *slope, *y;  // (rows, F) 1/n or 0, (rows, F) silu'(z), (rows, 3F)

  void lay_out(Arena& arena, size_t rows, int features) {
    inverse_norm = arena.take<Real>(rows * features);
    slope = arena.take<Real>(rows * features);
    y = arena.take<Real>(rows * 3 * features);
  }
  DistillerUpdateSaved at(size_t row, int features) const {
    return {inverse_norm + row * features, slope + row * features, y + row * 3 * features};
  }
};

template <class Real> struct DistillerUpdate {
  using V = Vec<Real>;
  int features;  // padded
  bool last;     // nobody reads v after the last update
  Real m[3][3];
  Packed<Real> first, second, first_adjoint, second_adjoint;
  AlignedArray<Real> bias1, bias2;

  DistillerUpdate(const DistillerLayer& layer, int f, bool last_)
      : features(padded(f)),
        last(last_),
        first(pack_forward<Real>(layer.update1, {1, f}, {2, f})),
        second(pack_forward<Real>(layer.update2, {3, f}, {1, f})),
        first_adjoint(pack_adjoint<Real>(layer.update1, {1, f}, {2, f})),
        second_adjoint(pack_adjoint<Real>(layer.update2, {3, f}, {1, f})),
        bias1(pack_vector<Real>(layer.update1.bias, {1, f})),
        bias2(pack_vector<Real>(layer.update2.bias, {3, f})) {
    for (int k = 0; k < 9; ++k) m[k / 3][k % 3] = layer.mixing.empty() ? Real(0) : static_cast<Real>(layer.mixing[k]);
  }

  /// T43, T44 for a block of rows: sn (rows, 2F) holds s and receives n; s += and v_next (rows, 3, F) is set, unless it is null.
  void forward(const Share& share, int rows, Real* sn, const Real* v, Real* h, const DistillerUpdateSaved<Real>& saved, Real* v_next) const {
    const size_t f = features, v_row = row_stride<Real>(features), sn_row = row_stride<Real>(2 * features);
    const Columns one = share.columns<Real>(1, features);
    for (size_t i = 0; i < static_cast<size_t>(rows); ++i)
      for (int c = one.begin; c < one.end; c += width<Real>) {
        V norm2{};
        for (size_t k = 0; k < 3; ++k) norm2 = fma(load(v + (3 * i + k) * v_row + c), load(v + (3 * i + k) * v_row + c), norm2);
        const V norm = sqrt(norm2);
        store(sn + i * sn_row + f + c, norm);
        store(saved.inverse_norm + i * f + c, norm > 0 ? splat(Real(1)) / norm : V{});  // no epsilon: the gradient at 0 is taken as 0
      }
    share.meet_columns();
    multiply(first, sn, row_stride<Real>(2 * features), 0, rows, one, BiasSilu<Real>{h, saved.slope, features, bias1.get()});
    share.meet_columns();
    multiply(second, h, features, 0, rows, share.columns<Real>(last ? 1 : 3, features), AddBias<Real>{saved.y, 3 * features, bias2.get()});
    for (size_t i = 0; i < static_cast<size_t>(rows); ++i)
      for (int c = one.begin; c < one.end; c += width<Real>) {
        const Real* y = saved.y + i * 3 * f + c;
        Real* s = sn + i * sn_row + c;
        store(s, load(s) + load(y));
        if (!v_next) continue;
        for (int k = 0; k < 3; ++k)
          store(v_next + (3 * i + k) * v_row + c, fma(load(y + f), load(v + (3 * i + k) * v_row + c), load(y + 2 * f) * mixed(m[k], v + 3 * i * v_row + c)));
      }
  }

  /// T45, T46: s_bar (rows, F) and v_bar (rows, 3, F) turn from bars of the results into bars of the inputs; v_bar is set in the last layer.
  void adjoint(const Share& share, int rows, const Real* v, const DistillerUpdateSaved<Real>& saved, const UpdateScratch<Real>& scratch, Real* s_bar,
               Real* v_bar) const {
    const size_t f = features, v_row = row_stride<Real>(features);
    const Columns one = share.columns<Real>(1, features);
    for (size_t i = 0; i < static_cast<size_t>(rows); ++i)
      for (int c = one.begin; c < one.end; c += width<Real>) {
        Real* y_bar = scratch.y_bar + i * 3 * f + c;
        store(y_bar, load(s_bar + i * v_row + c));
        V gate1{}, gate2{};
        if (!last)
          for (int k = 0; k < 3; ++k) {
            const V bar = load(v_bar + (3 * i + k) * v_row + c);
            gate1 = fma(bar, load(v + (3 * i + k) * v_row + c), gate1);
            gate2 = fma(bar, mixed(m[k], v + 3 * i * v_row + c), gate2);
          }
        store(y_bar + f, gate1);
        store(y_bar + 2 * f, gate2);
      }
    share.meet_columns();
    multiply(second_adjoint, scratch.y_bar, 3 * features, 0, rows, one, Scale<Real>{scratch.z_bar, saved.slope, features});
    share.meet_columns();
    multiply(first_adjoint, scratch.z_bar, features, 0, rows, share.columns<Real>(2, features), Store<Real>{scratch.c_bar, 2 * features});
    for (size_t i = 0; i < static_cast<size_t>(rows); ++i)
      for (int c = one.begin; c < one.end; c += width<Real>) {
        const Real *y = saved.y + i * 3 * f + c, *c_bar = scratch.c_bar + i * 2 * f + c;
        Real* bar = v_bar + 3 * i * v_row + c;
        const V norm_part = load(c_bar + f) * load(saved.inverse_norm + i * f + c);
        store(s_bar + i * v_row + c, load(s_bar + i * v_row + c) + load(c_bar));
        V mixed_bar[3] = {};
        if (!last)
          for (int l = 0; l < 3; ++l) {
            const Real column[3] = {m[0][l], m[1][l], m[2][l]};
            mixed_bar[l] = fma(load(y + f), load(bar + l * v_row), load(y + 2 * f) * mixed(column, bar));
          }
        for (int l = 0; l < 3; ++l) store(bar + l * v_row, fma(norm_part, load(v + (3 * i + l) * v_row + c), mixed_bar[l]));
      }
    share.meet_columns();
  }

 private:
  /// sum_l row_l v_l of one atom
  V mixed(const Real* row, const Real* v) const {
    return fma(splat(row[2]), load(v + 2 * row_stride<Real>(features)), fma(splat(row[1]), load(v + row_stride<Real>(features)), splat(row[0]) * load(v)));
  }
};

}  // namespace painnless::PAINNLESS_ISA
