#pragma once
// PaiNN's update, "mixing" in SchNetPack: scalars and vectors of one atom meet (docs/theory.md, section 7). A tile of atoms a block; a thread
// owns the same atoms and features in every product, so what it has written it reads back without a barrier. Twin of cpu/layers/update.h.
#include "layers/dense.cuh"
#include "layers/sums.cuh"

namespace painnless::cuda {

/// Where a thread reads (atoms, ROWS, F) of its tile as they were before products took them: in memory, or at its own features in its block.
template <class Cut, int ROWS> struct StoredRows {
  const Tile<Cut>& tile;
  real* rows;
  __device__ real* at(int atom, int row, int feature) const { return rows + tile.at(atom, ROWS) + row * FEATURES + feature; }
  __device__ Pack<2> operator()(int atom, int row, int feature) const { return load<2>(at(atom, row, feature)); }
  __device__ void put(int atom, int row, int feature, const Pack<2>& x) const { store(at(atom, row, feature), x); }
};
template <class Cut, int ROWS> struct OwnRows {
  real* memory;
  static constexpr int features = FEATURES / Cut::members, size = Cut::tile * ROWS * own_row(features), bytes = Cut::tile * ROWS * features * static_cast<int>(sizeof(real));
  __device__ static int owner(int feature) { return feature / features; }
  __device__ real* at(int atom, int row, int feature) const { return memory + (row * Cut::tile + atom) * own_row(features) + feature % features; }
  __device__ Pack<2> operator()(int atom, int row, int feature) const { return load<2>(at(atom, row, feature)); }
};
/// The same rows, which are put into memory in the end.
template <class Cut, int ROWS> struct ReplacedRows : OwnRows<Cut, ROWS> {
  StoredRows<Cut, ROWS> stored;
  __device__ void put(int atom, int row, int feature, const Pack<2>& x) const { stored.put(atom, row, feature, x); }
};

/// T23 to T26 for q, a row of `q_before`, and vectors, three of `mu_before`. `mid` has those vectors for products, `qn` q, receives n, and then the new q, which `q`
/// (atoms, F) becomes too; `h` is scratch. `mu_next` (atoms, 3, F) is set. After the LAST update nobody reads vectors: y^m is left out, and W2 has two groups.
template <bool LAST, class Cut, class OldQ, class OldMu>
__device__ void update_forward(Tile<Cut>& tile, const PainnWeights<real>& weights, const PainnSaved<real>& saved, real norm_eps,
                               const Inputs<3 * Cut::tile, FEATURES>& mid, const Inputs<Cut::tile, 2 * FEATURES>& qn, const Hidden<Cut>& h, const OldQ& q_before,
                               const OldMu& mu_before, real* q, real* mu_next) {
  each_part<Cut, FEATURES, Cut::vector_atoms>([&](const Part<Cut>& part) {
    real vy[3 * Cut::vector_atoms][2][2];
    if (!multiply<FEATURES>(tile, part, mid, weights.channels.weight, vy)) return;
    Pack<2> norm[Cut::vector_atoms], dot[Cut::vector_atoms];
#pragma unroll
    for (int i = 0; i < Cut::vector_atoms; i++) {
#pragma unroll
      for (int c = 0; c < 2; c++) {
        real square = norm_eps;
        dot[i].v[c] = 0;
#pragma unroll
        for (int k = 0; k < 3; k++) {
          const real v = vy[3 * i + k][0][c];
          square += v * v;
          dot[i].v[c] += v * vy[3 * i + k][1][c];
        }
        norm[i].v[c] = sqrt(square);
      }
      qn.put(part.atom(i), FEATURES + part.feature, norm[i]);
    }
    hand_on<16>(tile, qn, FEATURES + part.column());
#pragma unroll
    for (int i = 0; i < Cut::vector_atoms; i++) {
      if (part.atom(i) >= tile.count) break;
      Pack<2> inverse;
      for (int c = 0; c < 2; c++) inverse.v[c] = norm[i].v[c] > 0 ? 1 / norm[i].v[c] : 0;  // a norm of zero has no gradient
      store(saved.inverse_norm + tile.at(part.atom(i)) + part.feature, inverse);
      store(saved.dot + tile.at(part.atom(i)) + part.feature, dot[i]);
#pragma unroll
      for (int k = 0; k < 3; k++)
#pragma unroll
        for (int g = 0; g < 2; g++)
          store(saved.vy + tile.at(part.atom(i), 6) + (2 * k + g) * FEATURES + part.feature, Pack<2>{vy[3 * i + k][g][0], vy[3 * i + k][g][1]});
    }
  });
  meet<FEATURES>(tile, qn.bytes(FEATURES));
  hidden_forward(tile, weights.update1, qn, h, saved.update_slope);
  meet<FEATURES>(tile, h.bytes(FEATURES));
  constexpr int groups = LAST ? 2 : 3, scaled = groups - 1;  // y^q, y^m unless last, y^p
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real y[Cut::atoms][groups][2];
    // What each atom needs is asked for before anything is stored: where stores go a compiler cannot know, and would wait for one atom after the other.
    Pack<2> bias[groups], old_q[Cut::atoms], dot[Cut::atoms], old_mu[Cut::atoms][3], w[Cut::atoms][3];
    const auto ask = [&] {
      for (int g = 0; g < groups; g++) bias[g] = load<2>(weights.update2.bias + g * FEATURES + part.feature);
#pragma unroll
      for (int i = 0; i < Cut::atoms; i++) {
        const int atom = part.atom(i);
        if (atom >= tile.count) continue;
        old_q[i] = q_before(atom, 0, part.feature);
        dot[i] = load<2>(saved.dot + tile.at(atom) + part.feature);
        if constexpr (LAST) continue;
        for (int k = 0; k < 3; k++) {
          old_mu[i][k] = mu_before(atom, k, part.feature);
          w[i][k] = load<2>(saved.vy + tile.at(atom, 6) + (2 * k + 1) * FEATURES + part.feature);
        }
      }
    };
    if (Cut::asks_first && part.owned()) ask();
    if (!multiply<FEATURES>(tile, part, h, weights.update2.weight, y)) return;
    if (!Cut::asks_first) ask();
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      const int atom = part.atom(i);
      if (atom >= tile.count) break;
#pragma unroll
      for (int g = 0; g < groups; g++)
        for (int c = 0; c < 2; c++) y[i][g][c] += bias[g].v[c];
      for (int c = 0; c < 2; c++) old_q[i].v[c] += y[i][0][c] + y[i][scaled][c] * dot[i].v[c];
      qn.put(atom, part.feature, old_q[i]);
    }
    hand_on<16>(tile, qn, part.column());
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      const int atom = part.atom(i);
      if (atom >= tile.count) break;
      store(q + tile.at(atom) + part.feature, old_q[i]);
#pragma unroll
      for (int g = 1; g < groups; g++) store(saved.y + tile.at(atom, 2) + (g == scaled ? FEATURES : 0) + part.feature, Pack<2>{y[i][g][0], y[i][g][1]});
      if constexpr (!LAST) {
#pragma unroll
        for (int k = 0; k < 3; k++)
          store(mu_next + tile.at(atom, 3) + k * FEATURES + part.feature,
                Pack<2>{old_mu[i][k].v[0] + y[i][1][0] * w[i][k].v[0], old_mu[i][k].v[1] + y[i][1][1] * w[i][k].v[1]});
      }
    }
  });
}

/// T27 to T30: q_bar (atoms, F) and three rows of mu_bar turn from bars of the results into bars of the inputs; mu_bar is set in the LAST
/// layer. `wide`, for a row of 3F or three of 2F, and `z_bar` are scratch in shared memory.
template <bool LAST, class Cut, class MuBar>
__device__ void update_adjoint(Tile<Cut>& tile, const PainnWeights<real>& weights, const PainnSaved<real>& saved, real* wide,
                               const HiddenBars<Cut>& z_bar, real* q_bar, const MuBar& mu_bar) {
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
        mu[i][k] = mu_bar(part.atom(i), k, part.feature);
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
      y_bar.put(part.atom(i), by_parts(groups, 0, part.feature), q[i]);
      if constexpr (!LAST) y_bar.put(part.atom(i), by_parts(groups, 1, part.feature), gate);
      y_bar.put(part.atom(i), by_parts(groups, scaled, part.feature), Pack<2>{q[i].v[0] * dot[i].v[0], q[i].v[1] * dot[i].v[1]});
    }
    hand_on<16 * groups>(tile, y_bar, by_parts(groups, 0, part.column()));
  });
  meet<FEATURES>(tile, y_bar.bytes(groups * FEATURES));
  hidden_adjoint(tile, weights.update2, y_bar, saved.update_slope, z_bar);
  meet<FEATURES>(tile, z_bar.bytes(FEATURES));
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real c_bar[Cut::atoms][2][2];  // of q, of n
    Pack<2> q[Cut::atoms], y_p[Cut::atoms], y_m[Cut::atoms], inverse[Cut::atoms], v[Cut::atoms][3], w[Cut::atoms][3], mu[Cut::atoms][3];
    const auto ask = [&] {
#pragma unroll
      for (int i = 0; i < Cut::atoms; i++) {
        const int atom = part.atom(i);
        q[i] = y_p[i] = y_m[i] = inverse[i] = {};
        for (int k = 0; k < 3; k++) v[i][k] = w[i][k] = mu[i][k] = {};
        if (atom >= tile.count) continue;
        q[i] = load<2>(q_bar + tile.at(atom) + part.feature);
        y_p[i] = load<2>(saved.y + tile.at(atom, 2) + FEATURES + part.feature);
        if constexpr (!LAST) y_m[i] = load<2>(saved.y + tile.at(atom, 2) + part.feature);
        inverse[i] = load<2>(saved.inverse_norm + tile.at(atom) + part.feature);
        for (int k = 0; k < 3; k++) {
          v[i][k] = load<2>(saved.vy + tile.at(atom, 6) + 2 * k * FEATURES + part.feature);
          w[i][k] = load<2>(saved.vy + tile.at(atom, 6) + (2 * k + 1) * FEATURES + part.feature);
          if constexpr (!LAST) mu[i][k] = mu_bar(atom, k, part.feature);
        }
      }
    };
    if (Cut::asks_first && part.owned()) ask();
    if (!multiply_back<FEATURES>(tile, part, z_bar, weights.update1.adjoint, c_bar)) return;
    if (!Cut::asks_first) ask();
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      const int atom = part.atom(i);
      if (atom < tile.count) store(q_bar + tile.at(atom) + part.feature, Pack<2>{q[i].v[0] + c_bar[i][0][0], q[i].v[1] + c_bar[i][0][1]});
#pragma unroll
      for (int k = 0; k < 3; k++) {
        Pack<2> v_bar, w_bar;
        for (int c = 0; c < 2; c++) {
          const real dot_bar = FAULT(8, 0, q[i].v[c] * y_p[i].v[c]), norm_part = FAULT(10, -1, 1) * c_bar[i][1][c] * inverse[i].v[c];
          v_bar.v[c] = two_products(norm_part, v[i][k].v[c], dot_bar, w[i][k].v[c]);
          w_bar.v[c] = two_products(dot_bar, v[i][k].v[c], FAULT(9, 0, y_m[i].v[c]), mu[i][k].v[c]);
        }
        vy_bar.put(3 * atom + k, by_parts(2, 0, part.feature), v_bar);
        vy_bar.put(3 * atom + k, by_parts(2, 1, part.feature), w_bar);
      }
    }
    hand_on<16 * 2>(tile, vy_bar, by_parts(2, 0, part.column()));
  });
  meet<FEATURES>(tile, vy_bar.bytes(2 * FEATURES));
  each_part<Cut, FEATURES, Cut::vector_atoms>([&](const Part<Cut>& part) {
    real y[3 * Cut::vector_atoms][1][2];
    Pack<2> old[Cut::vector_atoms][3];
    if (!LAST && part.owned()) {
#pragma unroll
      for (int i = 0; i < Cut::vector_atoms; i++)
        if (part.atom(i) < tile.count)
          for (int k = 0; k < 3; k++) old[i][k] = mu_bar(part.atom(i), k, part.feature);
    }
    if (!multiply_back<FEATURES>(tile, part, vy_bar, weights.channels.adjoint, y)) return;
#pragma unroll
    for (int i = 0; i < Cut::vector_atoms; i++) {
      if (part.atom(i) >= tile.count) break;
#pragma unroll
      for (int k = 0; k < 3; k++) {
        const Pack<2> before = LAST ? Pack<2>{} : old[i][k];
        mu_bar.put(part.atom(i), k, part.feature, Pack<2>{before.v[0] + y[3 * i + k][0][0], before.v[1] + y[3 * i + k][0][1]});
      }
    }
  });
}

}  // namespace painnless::cuda
