#pragma once
// PaiNN's message: neighbours -> atoms (docs/theory.md, section 6). A pair is visited once and serves both its atoms; a thread owns
// granules of features, so that nobody else writes where it adds, and pairs come in one fixed order.
#include "filter.h"

namespace painnless::PAINNLESS_ISA {

constexpr int pair_block = 64;  // pairs whose filters are made together: they stay in the nearest cache

/// Per thread: filters of a block of pairs, and their sums over features.
template <class Real> struct EdgeScratch {
  Real *w, *slope, *filter;
  Vec<Real>* sums;  // (pair_block, 4)

  void lay_out(Arena& arena, size_t filter_scratch) {
    w = arena.take<Real>(pair_block * filter_row);
    slope = arena.take<Real>(pair_block * filter_row);
    filter = arena.take<Real>(filter_scratch);
    sums = arena.take<Vec<Real>>(pair_block * 4);
  }
};

/// Filters of all layers, kept from the way there for the way back where that is cheaper than making them again; or null.
template <class Real> struct KeptFilters {
  Real* data = nullptr;  // (layers, granules, pairs, filter_row)
  size_t pairs = 0;
  int granules = 0;
  Real* block(int layer, int g, int pair) const { return data + ((static_cast<size_t>(layer) * granules + g) * pairs + pair) * filter_row; }
};

/// What both message functions of both networks are given.
template <class Real> struct EdgeContext {
  const Filters<Real>& filters;
  FilterInputs<Real> inputs;
  KeptFilters<Real> kept;
  const Pairs<Real>& pairs;
  int atoms, features;  // features padded
  EdgeScratch<Real> scratch;

  /// W of pairs a .. b-1, kept if there is room.
  const Real* forward_filters(int layer, int g, int a, int b) const {
    Real* w = kept.data ? kept.block(layer, g, a) : scratch.w;
    filters.rows(inputs, layer, g, a, b, w, nullptr, scratch.filter);
    return w;
  }
  /// W and W' (in scratch.slope).
  const Real* adjoint_filters(int layer, int g, int a, int b) const {
    filters.rows(inputs, layer, g, a, b, kept.data ? nullptr : scratch.w, scratch.slope, scratch.filter);
    return kept.data ? kept.block(layer, g, a) : scratch.w;
  }
};

/// Adds the four lane sums of each pair a .. b-1 (s_e and t_e of T20, T21) into `g_sums` (pairs, 4); `first` sets them.
template <class Real> void add_pair_sums(const Vec<Real>* sums, int a, int b, bool first, Real* g_sums) {
  for (int p = a; p < b; ++p) {
    Real total[4];
    sum_lanes_4<Real>(sums + static_cast<size_t>(p - a) * 4, total);
    Real* out = g_sums + static_cast<size_t>(p) * 4;
    for (int k = 0; k < 4; ++k) out[k] = first ? total[k] : out[k] + total[k];
  }
}

/// One layer's message, one granule of features. `First` is layer 0, where mu = 0.
template <class Real, bool First> struct Message {
  using V = Vec<Real>;
  const EdgeContext<Real>& edges;
  int layer, g;

  /// Eqs. T16, T17: q (atoms, stride 2F) += and mid = mu +, from x (atoms, 3F) and mu (atoms, 3, F), which is not read in layer 0.
  void forward(const Real* x, const Real* mu, Real* q, Real* mid) const {
    const int f = edges.features, feature0 = g * granule, x_row = row_stride<Real>(3 * f), v_row = row_stride<Real>(f), q_row = row_stride<Real>(2 * f);
    const auto &pairs = edges.pairs;
    for (size_t row = 0; row < 3 * static_cast<size_t>(edges.atoms); ++row)
      for (int c = feature0; c < feature0 + granule; c += width<Real>) store(mid + row * v_row + c, First ? V{} : load(mu + row * v_row + c));

    for (int a = 0; a < pairs.count; a += pair_block) {
      const int b = std::min(pairs.count, a + pair_block);
      const Real* filters = edges.forward_filters(layer, g, a, b);
      for (int group = a; group < b;) {
        const int i = pairs.first[group];
        int end = group, others = group;
        while (end < b && pairs.first[end] == i) ++end;
        while (others < end && pairs.second[others] == i) ++others;
        for (int c = 0; c < granule; c += width<Real>) {
          const int at = feature0 + c;
          const Real* xi = x + static_cast<size_t>(i) * x_row + at;
          const Real* mui = mu + static_cast<size_t>(i) * 3 * v_row + at;
          Real *qi = q + static_cast<size_t>(i) * q_row + at, *midi = mid + static_cast<size_t>(i) * 3 * v_row + at;
          const V xq = load(xi), xr = load(xi + f), xm = First ? V{} : load(xi + 2 * f);
          const V m0 = First ? V{} : load(mui), m1 = First ? V{} : load(mui + v_row), m2 = First ? V{} : load(mui + 2 * v_row);
          V sq = load(qi), s0 = load(midi), s1 = load(midi + v_row), s2 = load(midi + 2 * v_row);

          for (int p = group; p < others; ++p) {  // images of i itself: both directions at once, u cancels
            const Real* w = filters + static_cast<size_t>(p - a) * filter_row + c;
            sq = fma(load(w) + load(w), xq, sq);
            if constexpr (!First) {
              const V weight = (load(w + 2 * granule) + load(w + 2 * granule)) * xm;
              s0 = fma(weight, m0, s0), s1 = fma(weight, m1, s1), s2 = fma(weight, m2, s2);
            }
          }
          for (int p = others; p < end; ++p) {
            const int j = pairs.second[p];
            const Real* w = filters + static_cast<size_t>(p - a) * filter_row + c;
            const Real* u = pairs.direction + 4 * static_cast<size_t>(p);
            const Real *xj = x + static_cast<size_t>(j) * x_row + at, *muj = mu + static_cast<size_t>(j) * 3 * v_row + at;
            Real *qj = q + static_cast<size_t>(j) * q_row + at, *midj = mid + static_cast<size_t>(j) * 3 * v_row + at;
            const V u0 = splat(u[0]), u1 = splat(u[1]), u2 = splat(u[2]), wq = load(w), wr = load(w + granule);
            sq = fma(wq, load(xj), sq);
            store(qj, fma(wq, xq, load(qj)));
            const V to_i = wr * load(xj + f), to_j = wr * xr;
            s0 = fma(u0, to_i, s0), s1 = fma(u1, to_i, s1), s2 = fma(u2, to_i, s2);
            V j0 = fnma(u0, to_j, load(midj)), j1 = fnma(u1, to_j, load(midj + v_row)), j2 = fnma(u2, to_j, load(midj + 2 * v_row));
            if constexpr (!First) {
              const V wm = load(w + 2 * granule), from_j = wm * load(xj + 2 * f), from_i = wm * xm;
              s0 = fma(from_j, load(muj), s0), s1 = fma(from_j, load(muj + v_row), s1), s2 = fma(from_j, load(muj + 2 * v_row), s2);
              j0 = fma(from_i, m0, j0), j1 = fma(from_i, m1, j1), j2 = fma(from_i, m2, j2);
            }
            store(midj, j0), store(midj + v_row, j1), store(midj + 2 * v_row, j2);
          }
          store(qi, sq), store(midi, s0), store(midi + v_row, s1), store(midi + 2 * v_row, s2);
        }
        group = end;
      }
    }
  }

  /// Eqs. T19-T21. x, mu: the layer's inputs; q_bar (atoms, F), mu_bar (atoms, 3, F): bars of its results; mu_bar becomes that of mu.
  /// x_bar (atoms, 3F) and gathered (atoms, 3, F) = M_bar are set, except in layer 0, where nothing below depends on positions.
  /// `g_sums` (pairs, 4) of this granule += s_e, t_e; `last` layer comes first on the way back and sets them.
  void adjoint(const Real* x, const Real* mu, bool last, const Real* q_bar, Real* mu_bar, Real* x_bar, Real* gathered, Real* g_sums) const {
    const int f = edges.features, feature0 = g * granule, x_row = row_stride<Real>(3 * f), v_row = row_stride<Real>(f);
    const auto& pairs = edges.pairs;
    if constexpr (!First)
      for (size_t i = 0; i < static_cast<size_t>(edges.atoms); ++i)
        for (int c = feature0; c < feature0 + granule; c += width<Real>) {
          for (int k = 0; k < 3; ++k) store(gathered + (3 * i + k) * v_row + c, V{});
          for (int k = 0; k < 2; ++k) store(x_bar + i * x_row + k * f + c, V{});
        }

    for (int a = 0; a < pairs.count; a += pair_block) {
      const int b = std::min(pairs.count, a + pair_block);
      const Real* filters = edges.adjoint_filters(layer, g, a, b);
      for (int group = a; group < b;) {
        const int i = pairs.first[group];
        int end = group, others = group;
        while (end < b && pairs.first[end] == i) ++end;
        while (others < end && pairs.second[others] == i) ++others;
        for (int c = 0; c < granule; c += width<Real>) {
          const int at = feature0 + c;
          const Real *xi = x + static_cast<size_t>(i) * x_row + at, *mui = mu + static_cast<size_t>(i) * 3 * v_row + at;
          const Real *bari = mu_bar + static_cast<size_t>(i) * 3 * v_row + at;
          Real *x_bari = x_bar + static_cast<size_t>(i) * x_row + at, *gi = gathered + static_cast<size_t>(i) * 3 * v_row + at;
          const V qbi = load(q_bar + static_cast<size_t>(i) * v_row + at), b0 = load(bari), b1 = load(bari + v_row), b2 = load(bari + 2 * v_row);
          const V xq = load(xi), xr = load(xi + f);
          V xm{}, m0{}, m1{}, m2{}, sum_q{}, sum_r{}, g0{}, g1{}, g2{};
          if constexpr (!First) {
            xm = load(xi + 2 * f), m0 = load(mui), m1 = load(mui + v_row), m2 = load(mui + 2 * v_row);
            sum_q = load(x_bari), sum_r = load(x_bari + f), g0 = load(gi), g1 = load(gi + v_row), g2 = load(gi + 2 * v_row);
          }
          const auto add_sums = [&](int p, V s, V t0, V t1, V t2) {
            V* sums = edges.scratch.sums + static_cast<size_t>(p - a) * 4;
            if (c == 0)
              sums[0] = s, sums[1] = t0, sums[2] = t1, sums[3] = t2;
            else
              sums[0] += s, sums[1] += t0, sums[2] += t1, sums[3] += t2;
          };

          for (int p = group; p < others; ++p) {  // images of i itself: terms with u cancel, the others double
            const size_t row = static_cast<size_t>(p - a) * filter_row + c;
            const Real *w = filters + row, *slope = edges.scratch.slope + row;
            V s = (qbi * xq) * load(slope);
            if constexpr (!First) {
              s = fma(fma(b2, m2, fma(b1, m1, b0 * m0)) * xm, load(slope + 2 * granule), s);
              const V wq = load(w) + load(w), wm = load(w + 2 * granule) + load(w + 2 * granule);
              sum_q = fma(wq, qbi, sum_q);
              g0 = fma(wm, b0, g0), g1 = fma(wm, b1, g1), g2 = fma(wm, b2, g2);
            }
            add_sums(p, s + s, V{}, V{}, V{});
          }
          for (int p = others; p < end; ++p) {
            const int j = pairs.second[p];
            const size_t row = static_cast<size_t>(p - a) * filter_row + c;
            const Real *w = filters + row, *slope = edges.scratch.slope + row;
            const Real* u = pairs.direction + 4 * static_cast<size_t>(p);
            const Real *xj = x + static_cast<size_t>(j) * x_row + at, *barj = mu_bar + static_cast<size_t>(j) * 3 * v_row + at;
            const V u0 = splat(u[0]), u1 = splat(u[1]), u2 = splat(u[2]), wr = load(w + granule);
            const V qbj = load(q_bar + static_cast<size_t>(j) * v_row + at), c0 = load(barj), c1 = load(barj + v_row), c2 = load(barj + 2 * v_row);
            const V xjq = load(xj), xjr = load(xj + f);
            const V along_i = fma(u2, b2, fma(u1, b1, u0 * b0)), along_j = fma(u2, c2, fma(u1, c1, u0 * c0));
            V s = fma(qbi, xjq, qbj * xq) * load(slope);
            s = fma(PAINNLESS_FAULT("message adjoint sign", fma(along_j, xr, along_i * xjr), fnma(along_j, xr, along_i * xjr)),
                    load(slope + granule), s);
            const V from_j = wr * xjr, from_i = wr * xr;
            const V t0 = PAINNLESS_FAULT("direction adjoint sign", fma(from_i, c0, from_j * b0), fnma(from_i, c0, from_j * b0)), t1 = fnma(from_i, c1, from_j * b1), t2 = fnma(from_i, c2, from_j * b2);
            if constexpr (!First) {
              const Real* muj = mu + static_cast<size_t>(j) * 3 * v_row + at;
              Real *x_barj = x_bar + static_cast<size_t>(j) * x_row + at, *gj = gathered + static_cast<size_t>(j) * 3 * v_row + at;
              const V wq = load(w), wm = load(w + 2 * granule);
              const V ij = fma(b2, load(muj + 2 * v_row), fma(b1, load(muj + v_row), b0 * load(muj))), ji = fma(c2, m2, fma(c1, m1, c0 * m0));
              s = fma(fma(ij, load(xj + 2 * f), ji * xm), load(slope + 2 * granule), s);
              sum_q = PAINNLESS_FAULT("scalar gather dropped", sum_q, fma(wq, qbj, sum_q));
              store(x_barj, fma(wq, qbi, load(x_barj)));
              sum_r = fnma(wr, along_j, sum_r);
              store(x_barj + f, fma(wr, PAINNLESS_FAULT("reverse edge direction", -along_i, along_i), load(x_barj + f)));
              g0 = fma(wm, c0, g0), g1 = fma(wm, c1, g1), g2 = fma(wm, c2, g2);
              store(gj, fma(wm, b0, load(gj))), store(gj + v_row, fma(wm, b1, load(gj + v_row))), store(gj + 2 * v_row, fma(wm, b2, load(gj + 2 * v_row)));
            }
            add_sums(p, s, t0, t1, t2);
          }
          if constexpr (!First) {
            store(x_bari, sum_q), store(x_bari + f, sum_r);
            store(gi, g0), store(gi + v_row, g1), store(gi + 2 * v_row, g2);
          }
        }
        group = end;
      }
      add_pair_sums<Real>(edges.scratch.sums, a, b, last, g_sums);
    }

    if constexpr (!First)  // the last lines of T19
      for (size_t i = 0; i < static_cast<size_t>(edges.atoms); ++i)
        for (int c = feature0; c < feature0 + granule; c += width<Real>) {
          const V xm = load(x + i * x_row + 2 * f + c);
          V sum{};
          for (size_t row = 3 * i; row < 3 * i + 3; ++row) {
            const V m = load(gathered + row * v_row + c);
            sum = fma(load(mu + row * v_row + c), m, sum);
            store(mu_bar + row * v_row + c, fma(xm, m, load(mu_bar + row * v_row + c)));
          }
          store(x_bar + i * x_row + 2 * f + c, sum);
        }
  }
};

}  // namespace painnless::PAINNLESS_ISA
