#pragma once
// The student's message: neighbours -> atoms (docs/theory.md, section 12). Dealt to threads and ordered like PaiNN's (message.h).
// The model knows no cells, so that an atom never meets an image of itself.
#include "message.h"

namespace painnless::PAINNLESS_ISA {

/// One layer, one granule of features. `First` is layer 0, where v = 0.
template <class Real, bool First> struct DistillerMessage {
  using V = Vec<Real>;
  const EdgeContext<Real>& edges;
  int layer, g;

  /// T37, T38: sn (atoms, stride 2F) += and v_mid (atoms, 3, F) = v +, from s (atoms, F) and v (atoms, 3, F), which is not read in layer 0.
  void forward(const Real* s, const Real* v, Real* sn, Real* v_mid) const {
    const size_t v_row = row_stride<Real>(edges.features), sn_row = row_stride<Real>(2 * edges.features);
    const int feature0 = g * granule;
    const auto& pairs = edges.pairs;
    for (size_t row = 0; row < 3 * static_cast<size_t>(edges.atoms); ++row)
      for (int c = feature0; c < feature0 + granule; c += width<Real>) store(v_mid + row * v_row + c, First ? V{} : load(v + row * v_row + c));

    for (int a = 0; a < pairs.count; a += pair_block) {
      const int b = std::min(pairs.count, a + pair_block);
      const Real* filters = edges.forward_filters(layer, g, a, b);
      for (int p = a; p < b; ++p) {
        const size_t i = pairs.first[p], j = pairs.second[p];
        const Real* u = pairs.direction + 4 * static_cast<size_t>(p);
        const V u0 = splat(u[0]), u1 = splat(u[1]), u2 = splat(u[2]);
        for (int c = 0; c < granule; c += width<Real>) {
          const int at = feature0 + c;
          const Real* w = filters + static_cast<size_t>(p - a) * filter_row + c;
          const V ws = load(w), w2 = load(w + 2 * granule);
          Real *si = sn + i * sn_row + at, *sj = sn + j * sn_row + at, *mi = v_mid + i * 3 * v_row + at, *mj = v_mid + j * 3 * v_row + at;
          store(si, fma(ws, load(s + j * v_row + at), load(si)));
          store(sj, fma(ws, load(s + i * v_row + at), load(sj)));
          V i0 = fma(u0, w2, load(mi)), i1 = fma(u1, w2, load(mi + v_row)), i2 = fma(u2, w2, load(mi + 2 * v_row));
          V j0 = fnma(u0, w2, load(mj)), j1 = fnma(u1, w2, load(mj + v_row)), j2 = fnma(u2, w2, load(mj + 2 * v_row));
          if constexpr (!First) {
            const V w1 = load(w + granule);
            const Real *vi = v + i * 3 * v_row + at, *vj = v + j * 3 * v_row + at;
            i0 = fma(w1, load(vj), i0), i1 = fma(w1, load(vj + v_row), i1), i2 = fma(w1, load(vj + 2 * v_row), i2);
            j0 = fma(w1, load(vi), j0), j1 = fma(w1, load(vi + v_row), j1), j2 = fma(w1, load(vi + 2 * v_row), j2);
          }
          store(mi, i0), store(mi + v_row, i1), store(mi + 2 * v_row, i2);
          store(mj, j0), store(mj + v_row, j1), store(mj + 2 * v_row, j2);
        }
      }
    }
  }

  /// T40, T41: s_bar (atoms, F) and v_bar (atoms, 3, F) turn from bars of the results into bars of the inputs, except in layer 0;
  /// gathered (atoms, 4, F) is scratch. `g_sums` as in PaiNN's message.
  void adjoint(const Real* s, const Real* v, bool last, Real* s_bar, Real* v_bar, Real* gathered, Real* g_sums) const {
    const size_t f = edges.features, v_row = row_stride<Real>(edges.features), gathered_row = row_stride<Real>(4 * edges.features);
    const int feature0 = g * granule;
    const auto& pairs = edges.pairs;
    if constexpr (!First)
      for (size_t i = 0; i < static_cast<size_t>(edges.atoms); ++i)
        for (int k = 0; k < 4; ++k)
          for (int c = feature0; c < feature0 + granule; c += width<Real>) store(gathered + i * gathered_row + k * f + c, V{});

    for (int a = 0; a < pairs.count; a += pair_block) {
      const int b = std::min(pairs.count, a + pair_block);
      const Real* filters = edges.adjoint_filters(layer, g, a, b);
      for (int p = a; p < b; ++p) {
        const size_t i = pairs.first[p], j = pairs.second[p], row = static_cast<size_t>(p - a) * filter_row;
        const Real* u = pairs.direction + 4 * static_cast<size_t>(p);
        const V u0 = splat(u[0]), u1 = splat(u[1]), u2 = splat(u[2]);
        V sum{}, t0{}, t1{}, t2{};
        for (int c = 0; c < granule; c += width<Real>) {
          const int at = feature0 + c;
          const Real *w = filters + row + c, *slope = edges.scratch.slope + row + c;
          const Real *bi = v_bar + i * 3 * v_row + at, *bj = v_bar + j * 3 * v_row + at;
          const V sbi = load(s_bar + i * v_row + at), sbj = load(s_bar + j * v_row + at), si = load(s + i * v_row + at), sj = load(s + j * v_row + at);
          const V bi0 = load(bi), bi1 = load(bi + v_row), bi2 = load(bi + 2 * v_row), bj0 = load(bj), bj1 = load(bj + v_row), bj2 = load(bj + 2 * v_row);
          const V d0 = bi0 - bj0, d1 = bi1 - bj1, d2 = bi2 - bj2, w2 = load(w + 2 * granule);
          sum = fma(fma(sbi, sj, sbj * si), load(slope), sum);
          sum = fma(fma(u2, d2, fma(u1, d1, u0 * d0)), load(slope + 2 * granule), sum);
          t0 = fma(w2, d0, t0), t1 = fma(w2, d1, t1), t2 = fma(w2, d2, t2);
          if constexpr (!First) {
            const Real *vi = v + i * 3 * v_row + at, *vj = v + j * 3 * v_row + at;
            const V ij = fma(bi2, load(vj + 2 * v_row), fma(bi1, load(vj + v_row), bi0 * load(vj)));
            const V ji = fma(bj2, load(vi + 2 * v_row), fma(bj1, load(vi + v_row), bj0 * load(vi)));
            sum = fma(ij + ji, load(slope + granule), sum);
            const V ws = load(w), w1 = load(w + granule);
            Real *gi = gathered + i * gathered_row + at, *gj = gathered + j * gathered_row + at;
            store(gi, fma(ws, sbj, load(gi)));
            store(gj, fma(ws, sbi, load(gj)));
            store(gi + f, fma(w1, bj0, load(gi + f))), store(gi + 2 * f, fma(w1, bj1, load(gi + 2 * f))), store(gi + 3 * f, fma(w1, bj2, load(gi + 3 * f)));
            store(gj + f, fma(w1, bi0, load(gj + f))), store(gj + 2 * f, fma(w1, bi1, load(gj + 2 * f))), store(gj + 3 * f, fma(w1, bi2, load(gj + 3 * f)));
          }
        }
        V* sums = edges.scratch.sums + static_cast<size_t>(p - a) * 4;
        sums[0] = sum, sums[1] = t0, sums[2] = t1, sums[3] = t2;
      }
      add_pair_sums<Real>(edges.scratch.sums, a, b, last, g_sums);
    }

    if constexpr (!First)
      for (size_t i = 0; i < static_cast<size_t>(edges.atoms); ++i)
        for (int c = feature0; c < feature0 + granule; c += width<Real>) {
          const Real* from = gathered + i * gathered_row + c;
          store(s_bar + i * v_row + c, load(s_bar + i * v_row + c) + load(from));
          for (size_t k = 0; k < 3; ++k) store(v_bar + (3 * i + k) * v_row + c, load(v_bar + (3 * i + k) * v_row + c) + load(from + (k + 1) * f));
        }
  }
};

}  // namespace painnless::PAINNLESS_ISA
