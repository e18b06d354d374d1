#pragma once
// PaiNN's update, "mixing" in SchNetPack: scalars and vectors of one atom meet (docs/theory.md, section 7). A tile of atoms a block; a thread
// owns the same atoms and features in every product, so what it has written it reads back without a barrier. Twin of cpu/layers/update.h.
#include "layers/dense.cuh"
#include "layers/sums.cuh"

namespace painnless::cuda {

/// T23 to T26 for q (atoms, F), which becomes the new q, and vectors `mu` (atoms, 3, F). `mid` has those vectors for products, `qn` q, receives n, and then the
/// new q; `h` is scratch. `mu_next` (atoms, 3, F) is set. After the LAST update nobody reads vectors: y^m is left out, and W2 has two groups.
template <bool LAST, class Cut>
__device__ void update_forward(const Tile<Cut>& tile, const PainnWeights<real>& weights, const PainnSaved<real>& saved, real norm_eps,
                               const Inputs<3 * Cut::tile, FEATURES>& mid, const Inputs<Cut::tile, 2 * FEATURES>& qn, const Hidden<Cut>& h, real* q, const real* mu,
                               real* mu_next) {
  each_part<Cut, FEATURES, Cut::vector_atoms>([&](const Part<Cut>& part) {
    real vy[3 * Cut::vector_atoms][2][2];
    if (!multiply<FEATURES>(tile, part, mid, weights.channels.weight, vy)) return;
#pragma unroll
    for (int i = 0; i < Cut::vector_atoms; i++) {
      Pack<2> norm, inverse, dot;
#pragma unroll
      for (int c = 0; c < 2; c++) {
        real square = norm_eps;
        dot.v[c] = 0;
#pragma unroll
        for (int k = 0; k < 3; k++) {
          const real v = vy[3 * i + k][0][c];
          square += v * v;
          dot.v[c] += v * vy[3 * i + k][1][c];
        }
        norm.v[c] = sqrt(square);
        inverse.v[c] = norm.v[c] > 0 ? 1 / norm.v[c] : 0;  // a norm of zero has no gradient
      }
      put_for_all<Cut>(qn, part.atom(i), FEATURES + part.feature, norm);
      if (part.atom(i) >= tile.count) continue;
      store(saved.inverse_norm + tile.at(part.atom(i)) + part.feature, inverse);
      store(saved.dot + tile.at(part.atom(i)) + part.feature, dot);
#pragma unroll
      for (int k = 0; k < 3; k++)
#pragma unroll
        for (int g = 0; g < 2; g++)
          store(saved.vy + tile.at(part.atom(i), 6) + (2 * k + g) * FEATURES + part.feature, Pack<2>{vy[3 * i + k][g][0], vy[3 * i + k][g][1]});
    }
  });
  meet<Cut>();
  hidden_forward<FEATURES>(tile, weights.update1, qn, h, [&](int atom, int feature, const Pack<2>& derivative) {
    if (atom < tile.count) store(saved.update_slope + tile.at(atom) + feature, derivative);
  });
  meet<Cut>();
  constexpr int groups = LAST ? 2 : 3, scaled = groups - 1;  // y^q, y^m unless last, y^p
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real y[Cut::atoms][groups][2];
    if (!multiply<FEATURES>(tile, part, h, weights.update2.weight, y)) return;
    Pack<2> bias[groups];
    for (int g = 0; g < groups; g++) bias[g] = load<2>(weights.update2.bias + g * FEATURES + part.feature);
    constexpr int together = smaller(Cut::atoms, 4);
#pragma unroll
    for (int first = 0; first < Cut::atoms; first += together) {
      Pack<2> old_q[together], dot[together], old_mu[together][3], w[together][3];
#pragma unroll
      for (int n = 0; n < together; n++) {
        const int i = part.atom(first + n);
        if (i >= tile.count) continue;
        old_q[n] = load<2>(q + tile.at(i) + part.feature);
        dot[n] = load<2>(saved.dot + tile.at(i) + part.feature);
        if constexpr (LAST) continue;
        for (int k = 0; k < 3; k++) {
          old_mu[n][k] = load<2>(mu + tile.at(i, 3) + k * FEATURES + part.feature);
          w[n][k] = load<2>(saved.vy + tile.at(i, 6) + (2 * k + 1) * FEATURES + part.feature);
        }
      }
#pragma unroll
      for (int n = 0; n < together; n++) {
        const int i = part.atom(first + n);
        if (i >= tile.count) break;
        real(&own)[groups][2] = y[first + n];
#pragma unroll
        for (int g = 0; g < groups; g++) {
          for (int c = 0; c < 2; c++) own[g][c] += bias[g].v[c];
          if (g > 0) store(saved.y + tile.at(i, 2) + (g == scaled ? FEATURES : 0) + part.feature, Pack<2>{own[g][0], own[g][1]});
        }
        for (int c = 0; c < 2; c++) old_q[n].v[c] += own[0][c] + own[scaled][c] * dot[n].v[c];
        put_for_all<Cut>(qn, i, part.feature, old_q[n]);
        store(q + tile.at(i) + part.feature, old_q[n]);
        if constexpr (!LAST) {
#pragma unroll
          for (int k = 0; k < 3; k++) {
            const Pack<2>& old = old_mu[n][k];
            store(mu_next + tile.at(i, 3) + k * FEATURES + part.feature, Pack<2>{old.v[0] + own[1][0] * w[n][k].v[0], old.v[1] + own[1][1] * w[n][k].v[1]});
          }
        }
      }
    }
  });
}

/// T27 to T30: q_bar (atoms, F) and mu_bar (atoms, 3, F) turn from bars of the results into bars of the inputs; mu_bar is set in the LAST
/// layer. `wide`, for a row of 3F or three of 2F, and `z_bar` are scratch in shared memory.
template <bool LAST, class Cut>
__device__ void update_adjoint(const Tile<Cut>& tile, const PainnWeights<real>& weights, const PainnSaved<real>& saved, real* wide,
                               const HiddenBars<Cut>& z_bar, real* q_bar, real* mu_bar) {
  constexpr int groups = LAST ? 2 : 3, scaled = groups - 1;
  const Inputs<Cut::tile, groups * FEATURES, groups> y_bar{wide};
  const Inputs<3 * Cut::tile, 2 * FEATURES, 2> vy_bar{wide};
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    if (!part.owned()) return;
    Pack<2> q[Cut::atoms], dot[Cut::atoms], mu[Cut::atoms][3], w[Cut::atoms][3];
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      q[i] = dot[i] = {};
      if (part.atom(i) >= tile.count) continue;
      q[i] = load<2>(q_bar + tile.at(part.atom(i)) + part.feature);
      dot[i] = load<2>(saved.dot + tile.at(part.atom(i)) + part.feature);
      if constexpr (LAST) continue;
      for (int k = 0; k < 3; k++) {
        mu[i][k] = load<2>(mu_bar + tile.at(part.atom(i), 3) + k * FEATURES + part.feature);
        w[i][k] = load<2>(saved.vy + tile.at(part.atom(i), 6) + (2 * k + 1) * FEATURES + part.feature);
      }
    }
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      Pack<2> gate{};
      if (!LAST && part.atom(i) < tile.count) {
#pragma unroll
        for (int k = 0; k < 3; k++)
          for (int c = 0; c < 2; c++) gate.v[c] += mu[i][k].v[c] * w[i][k].v[c];
      }
      put_for_all<Cut>(y_bar, part.atom(i), by_parts(groups, 0, part.feature), q[i]);
      if constexpr (!LAST) put_for_all<Cut>(y_bar, part.atom(i), by_parts(groups, 1, part.feature), gate);
      put_for_all<Cut>(y_bar, part.atom(i), by_parts(groups, scaled, part.feature), Pack<2>{q[i].v[0] * dot[i].v[0], q[i].v[1] * dot[i].v[1]});
    }
  });
  meet<Cut>();
  hidden_adjoint(tile, weights.update2, y_bar, saved.update_slope, z_bar);
  meet<Cut>();
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real c_bar[Cut::atoms][2][2];  // of q, of n
    if (!multiply_back<FEATURES>(tile, part, z_bar, weights.update1.adjoint, c_bar)) return;
    constexpr int together = smaller(Cut::atoms, 4);
#pragma unroll
    for (int first = 0; first < Cut::atoms; first += together) {
      Pack<2> q[together], y_p[together], y_m[together], inverse[together], v[together][3], w[together][3], mu[together][3];
#pragma unroll
      for (int n = 0; n < together; n++) {
        const int i = part.atom(first + n);
        q[n] = y_p[n] = y_m[n] = inverse[n] = {};
        for (int k = 0; k < 3; k++) v[n][k] = w[n][k] = mu[n][k] = {};
        if (i >= tile.count) continue;
        q[n] = load<2>(q_bar + tile.at(i) + part.feature);
        y_p[n] = load<2>(saved.y + tile.at(i, 2) + FEATURES + part.feature);
        if constexpr (!LAST) y_m[n] = load<2>(saved.y + tile.at(i, 2) + part.feature);
        inverse[n] = load<2>(saved.inverse_norm + tile.at(i) + part.feature);
        for (int k = 0; k < 3; k++) {
          v[n][k] = load<2>(saved.vy + tile.at(i, 6) + 2 * k * FEATURES + part.feature);
          w[n][k] = load<2>(saved.vy + tile.at(i, 6) + (2 * k + 1) * FEATURES + part.feature);
          if constexpr (!LAST) mu[n][k] = load<2>(mu_bar + tile.at(i, 3) + k * FEATURES + part.feature);
        }
      }
#pragma unroll
      for (int n = 0; n < together; n++) {
        const int i = part.atom(first + n);
        const real(&bar)[2][2] = c_bar[first + n];
        if (i < tile.count) store(q_bar + tile.at(i) + part.feature, Pack<2>{q[n].v[0] + bar[0][0], q[n].v[1] + bar[0][1]});
#pragma unroll
        for (int k = 0; k < 3; k++) {
          Pack<2> v_bar, w_bar;
          for (int c = 0; c < 2; c++) {
            const real dot_bar = FAULT(8, 0, q[n].v[c] * y_p[n].v[c]), norm_part = FAULT(10, -1, 1) * bar[1][c] * inverse[n].v[c];
            v_bar.v[c] = two_products(norm_part, v[n][k].v[c], dot_bar, w[n][k].v[c]);
            w_bar.v[c] = two_products(dot_bar, v[n][k].v[c], FAULT(9, 0, y_m[n].v[c]), mu[n][k].v[c]);
          }
          put_for_all<Cut>(vy_bar, 3 * i + k, by_parts(2, 0, part.feature), v_bar);
          put_for_all<Cut>(vy_bar, 3 * i + k, by_parts(2, 1, part.feature), w_bar);
        }
      }
    }
  });
  meet<Cut>();
  each_part<Cut, FEATURES, Cut::vector_atoms>([&](const Part<Cut>& part) {
    real y[3 * Cut::vector_atoms][1][2];
    Pack<2> old[Cut::vector_atoms][3];
    if (!LAST && part.owned()) {
#pragma unroll
      for (int i = 0; i < Cut::vector_atoms; i++)
        if (part.atom(i) < tile.count)
          for (int k = 0; k < 3; k++) old[i][k] = load<2>(mu_bar + tile.at(part.atom(i), 3) + k * FEATURES + part.feature);
    }
    if (!multiply_back<FEATURES>(tile, part, vy_bar, weights.channels.adjoint, y)) return;
#pragma unroll
    for (int i = 0; i < Cut::vector_atoms; i++) {
      if (part.atom(i) >= tile.count) break;
#pragma unroll
      for (int k = 0; k < 3; k++) {
        const Pack<2> before = LAST ? Pack<2>{} : old[i][k];
        store(mu_bar + tile.at(part.atom(i), 3) + k * FEATURES + part.feature, Pack<2>{before.v[0] + y[3 * i + k][0][0], before.v[1] + y[3 * i + k][0][1]});
      }
    }
  });
}

}  // namespace painnless::cuda
