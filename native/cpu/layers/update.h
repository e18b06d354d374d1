#pragma once
// PaiNN's update, "mixing" in SchNetPack: scalars and vectors of one atom meet (docs/theory.md, section 7).
#include "../faults.h"
#include "../arena.h"
#include "blocks.h"

namespace painnless::PAINNLESS_ISA {

/// What the forward pass leaves for the adjoint, per atom.
template <class Real> struct UpdateSaved {
  Real *vy, *inverse_norm, *dot, *slope, *y;  // (rows, 3, 2F) V and Y, (rows, F) 1/n, (rows, F) p, (rows, F) silu'(z), (rows, 3F)

  void lay_out(Arena& arena, size_t rows, int features) {
    vy = arena.take<Real>(rows * 6 * features);
    inverse_norm = arena.take<Real>(rows * features);
    dot = arena.take<Real>(rows * features);
    slope = arena.take<Real>(rows * features);
    y = arena.take<Real>(rows * 3 * features);
  }
  UpdateSaved at(size_t row, int features) const {
    return {vy + row * 6 * features, inverse_norm + row * features, dot + row * features, slope + row * features, y + row * 3 * features};
  }
};

/// Scratch of the adjoint for a block of rows.
template <class Real> struct UpdateScratch {
  Real *h, *y_bar, *z_bar, *c_bar, *vy_bar;  // (rows, F), (rows, 3F), (rows, F), (rows, 2F), (rows, 3, 2F)

  void lay_out(Arena& arena, size_t rows, int features) {
    h = arena.take<Real>(rows * features);
    y_bar = arena.take<Real>(rows * 3 * features);
    z_bar = arena.take<Real>(rows * features);
    c_bar = arena.take<Real>(rows * 2 * features);
    vy_bar = arena.take<Real>(rows * 6 * features);
  }
};

/// `last`: nobody reads mu after the last update, so y^m, the new mu and their bars are left out.
template <class Real> struct Update {
  using V = Vec<Real>;
  int features;  // padded
  Real norm_eps;
  bool last;
  Packed<Real> channels, first, second, channels_adjoint, first_adjoint, second_adjoint;
  AlignedArray<Real> bias1, bias2;

  Update(const PainnLayer& layer, int f, double eps, bool last_)
      : features(padded(f)),
        norm_eps(static_cast<Real>(eps)),
        last(last_),
        channels(pack_forward<Real>(layer.channels, {2, f}, {1, f})),
        first(pack_forward<Real>(layer.update1, {1, f}, {2, f})),
        second(pack_forward<Real>(layer.update2, {3, f}, {1, f})),
        channels_adjoint(pack_adjoint<Real>(layer.channels, {2, f}, {1, f})),
        first_adjoint(pack_adjoint<Real>(layer.update1, {1, f}, {2, f})),
        second_adjoint(pack_adjoint<Real>(layer.update2, {3, f}, {1, f})),
        bias1(pack_vector<Real>(layer.update1.bias, {1, f})),
        bias2(pack_vector<Real>(layer.update2.bias, {3, f})) {}

  /// T23-T26 for a block of rows: qn (rows, 2F) holds q and receives n; q += and mu_next (rows, 3, F) = mid +, unless it is null.
  void forward(const Share& share, int rows, Real* qn, const Real* mid, Real* h, const UpdateSaved<Real>& saved, Real* mu_next) const {
    const int f = features, q_row = row_stride<Real>(2 * f), v_row = row_stride<Real>(f);
    const Columns one = share.columns<Real>(1, f);
    multiply(channels, mid, v_row, 0, 3 * rows, share.columns<Real>(2, f), Store<Real>{saved.vy, 2 * f});
    for (int i = 0; i < rows; ++i)
      for (int c = one.begin; c < one.end; c += width<Real>) {
        V norm2 = splat(norm_eps), dot{};
        for (int k = 0; k < 3; ++k) {
          const Real* vy = saved.vy + static_cast<size_t>(3 * i + k) * 2 * f + c;
          norm2 = fma(load(vy), load(vy), norm2);
          dot = fma(load(vy), load(vy + f), dot);
        }
        const V norm = sqrt(norm2);
        store(qn + static_cast<size_t>(i) * q_row + f + c, norm);
        // norm 0, as in padding when epsilon is 0 or underflows, has no gradient: 0, not infinity
        store(saved.inverse_norm + static_cast<size_t>(i) * f + c, norm > 0 ? splat(Real(1)) / norm : V{});
        store(saved.dot + static_cast<size_t>(i) * f + c, dot);
      }
    share.meet_columns();
    multiply(first, qn, q_row, 0, rows, one, BiasSilu<Real>{h, saved.slope, f, bias1.get()});
    share.meet_columns();
    const AddBias<Real> y{saved.y, 3 * f, bias2.get()};
    if (last) {
      multiply(second, h, f, 0, rows, one, y);
      multiply(second, h, f, 0, rows, Columns{1, f, 2 * f + one.begin, 2 * f + one.end}, y);
    } else {
      multiply(second, h, f, 0, rows, share.columns<Real>(3, f), y);
    }
    for (int i = 0; i < rows; ++i)
      for (int c = one.begin; c < one.end; c += width<Real>) {
        Real* q = qn + static_cast<size_t>(i) * q_row + c;
        const Real* yi = saved.y + static_cast<size_t>(i) * 3 * f + c;
        store(q, load(q) + fma(load(yi + 2 * f), load(saved.dot + static_cast<size_t>(i) * f + c), load(yi)));
        if (!mu_next) continue;
        for (int k = 0; k < 3; ++k) {
          const size_t row = static_cast<size_t>(3 * i + k) * v_row + c;
          store(mu_next + row, fma(load(yi + f), load(saved.vy + static_cast<size_t>(3 * i + k) * 2 * f + f + c), load(mid + row)));
        }
      }
  }

  /// T27-T30: q_bar (rows, F) and mu_bar (rows, 3, F) turn from bars of the results into bars of the inputs; mu_bar is set in the last layer.
  void adjoint(const Share& share, int rows, const UpdateSaved<Real>& saved, const UpdateScratch<Real>& s, Real* q_bar, Real* mu_bar) const {
    const int f = features, v_row = row_stride<Real>(f);
    const Columns one = share.columns<Real>(1, f);
    for (int i = 0; i < rows; ++i)
      for (int c = one.begin; c < one.end; c += width<Real>) {
        const V q = load(q_bar + static_cast<size_t>(i) * v_row + c);
        Real* y_bar = s.y_bar + static_cast<size_t>(i) * 3 * f + c;
        V mu_part{};
        if (!last)
          for (int k = 0; k < 3; ++k)
            mu_part = fma(load(mu_bar + static_cast<size_t>(3 * i + k) * v_row + c), load(saved.vy + static_cast<size_t>(3 * i + k) * 2 * f + f + c), mu_part);
        store(y_bar, q);
        store(y_bar + f, mu_part);
        store(y_bar + 2 * f, q * load(saved.dot + static_cast<size_t>(i) * f + c));
      }
    share.meet_columns();
    multiply(second_adjoint, s.y_bar, 3 * f, 0, rows, one, Scale<Real>{s.z_bar, saved.slope, f});
    share.meet_columns();
    multiply(first_adjoint, s.z_bar, f, 0, rows, share.columns<Real>(2, f), Store<Real>{s.c_bar, 2 * f});
    for (int i = 0; i < rows; ++i)
      for (int c = one.begin; c < one.end; c += width<Real>) {
        Real* q = q_bar + static_cast<size_t>(i) * v_row + c;
        const Real *y = saved.y + static_cast<size_t>(i) * 3 * f + c, *c_bar = s.c_bar + static_cast<size_t>(i) * 2 * f + c;
        const V q_old = load(q), dot_bar = PAINNLESS_FAULT("update dot adjoint dropped", V{}, q_old * load(y + 2 * f));
        const V norm_part = load(c_bar + f) * load(saved.inverse_norm + static_cast<size_t>(i) * f + c);
        store(q, q_old + load(c_bar));
        for (int k = 0; k < 3; ++k) {
          const size_t row = static_cast<size_t>(3 * i + k) * 2 * f + c;
          const V v = load(saved.vy + row), w = load(saved.vy + row + f);
          store(s.vy_bar + row, fma(PAINNLESS_FAULT("norm adjoint sign", -norm_part, norm_part), v, dot_bar * w));
          const V gate = PAINNLESS_FAULT("update gate adjoint dropped", true, last) ? V{} : load(y + f) * load(mu_bar + static_cast<size_t>(3 * i + k) * v_row + c);
          store(s.vy_bar + row + f, fma(dot_bar, v, gate));
        }
      }
    share.meet_columns();
    if (last)
      multiply(channels_adjoint, s.vy_bar, 2 * f, 0, 3 * rows, one, Store<Real>{mu_bar, v_row});
    else
      multiply(channels_adjoint, s.vy_bar, 2 * f, 0, 3 * rows, one, Accumulate<Real>{mu_bar, v_row});
  }
};

}  // namespace painnless::PAINNLESS_ISA
