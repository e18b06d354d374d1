#pragma once
// The student's update (docs/theory.md, section 13). M mixes the axes x, y, z: this is why the model is not rotation equivariant. A thread owns
// the same atoms and features throughout. Twin of cpu/layers/distiller_update.h.
#include "layers/dense.cuh"

namespace painnless::cuda {

/// Two features of an atom's vector, along x, y and z.
__device__ void load_vector(const real* vectors, long long atom, int feature, Pack<2> (&v)[3]) {
  for (int k = 0; k < 3; k++) v[k] = load<2>(vectors + (3 * atom + k) * FEATURES + feature);
}
/// Component k of M v.
__device__ real mixed(const real* m, int k, const Pack<2> (&v)[3], int c) { return m[3 * k] * v[0].v[c] + m[3 * k + 1] * v[1].v[c] + m[3 * k + 2] * v[2].v[c]; }

/// T43, T44 for s (atoms, F), from which s_next, which may be the same, is made. `sn` has s for products, receives n, and then, in the LAST update, the new s; `h` is
/// scratch. v_next (atoms, 3, F) is set, but not after the LAST update: nobody reads it, and B2 has one group.
template <bool LAST, class Cut>
__device__ void update_forward(Tile<Cut>& tile, const DistillerWeights<real>& weights, const DistillerSaved<real>& saved,
                               const Inputs<Cut::tile, 2 * FEATURES>& sn, const Hidden<Cut>& h, const real* s, real* s_next, real* v_next) {
  constexpr int groups = LAST ? 1 : 3;
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    if (!part.owned()) return;
    for (int n = 0; n < Cut::atoms; n++) {
      const int i = part.atom(n);
      Pack<2> norm{}, inverse{};
      const long long atom = tile.first + i;
      if (i < tile.count) {
        Pack<2> v[3];
        load_vector(saved.mid, atom, part.feature, v);
        for (int c = 0; c < 2; c++) {
          norm.v[c] = sqrt(v[0].v[c] * v[0].v[c] + v[1].v[c] * v[1].v[c] + v[2].v[c] * v[2].v[c]);
          inverse.v[c] = norm.v[c] > 0 ? 1 / norm.v[c] : 0;  // no epsilon: the gradient at 0 is taken as 0
        }
        store(saved.inverse_norm + atom * FEATURES + part.feature, inverse);
      }
      sn.put(i, FEATURES + part.feature, norm);
    }
    hand_on<16>(tile, sn, FEATURES + part.column());
  });
  meet<FEATURES>(tile, sn.bytes(FEATURES));
  hidden_forward(tile, weights.update1, sn, h, saved.update_slope);
  meet<FEATURES>(tile, h.bytes(FEATURES));
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real y[Cut::atoms][groups][2];
    if (!multiply<FEATURES>(tile, part, h, weights.update2.weight, y)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      if (part.atom(i) >= tile.count) break;
      const long long atom = tile.first + part.atom(i);
      Pack<2> sum = load<2>(s + atom * FEATURES + part.feature);
      for (int c = 0; c < 2; c++) {
#pragma unroll
        for (int g = 0; g < groups; g++) y[i][g][c] += weights.update2.bias[g * FEATURES + part.feature + c];
        sum.v[c] += y[i][0][c];
      }
      if constexpr (LAST) sn.put(part.atom(i), part.feature, sum);
      store(s_next + atom * FEATURES + part.feature, sum);
      if constexpr (!LAST) {
        Pack<2> v[3];
        load_vector(saved.mid, atom, part.feature, v);
        for (int g = 0; g < 2; g++) store(saved.y + (2 * atom + g) * FEATURES + part.feature, Pack<2>{y[i][1 + g][0], y[i][1 + g][1]});
        for (int k = 0; k < 3; k++) {
          Pack<2> out;
          for (int c = 0; c < 2; c++) out.v[c] = y[i][1][c] * v[k].v[c] + y[i][2][c] * mixed(weights.mixing, k, v, c);
          store(v_next + (3 * atom + k) * FEATURES + part.feature, out);
        }
      }
    }
    if constexpr (LAST) hand_on<16>(tile, sn, part.column());
  });
}

/// T45, T46: s_bar (atoms, F) and v_bar (atoms, 3, F) turn from bars of the results into bars of the inputs; v_bar is set in the LAST layer.
/// `wide`, for a row of 3F, and `z_bar` are scratch in shared memory.
template <bool LAST, class Cut>
__device__ void update_adjoint(Tile<Cut>& tile, const DistillerWeights<real>& weights, const DistillerSaved<real>& saved, real* wide,
                               const HiddenBars<Cut>& z_bar, real* s_bar, real* v_bar) {
  constexpr int groups = LAST ? 1 : 3;
  const Inputs<Cut::tile, groups * FEATURES, groups> y_bar{wide};
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    if (!part.owned()) return;
    for (int n = 0; n < Cut::atoms; n++) {
      const int i = part.atom(n);
      const long long atom = tile.first + i;
      Pack<2> s{}, gate1{}, gate2{};
      if (i < tile.count) {
        s = load<2>(s_bar + atom * FEATURES + part.feature);
        if constexpr (!LAST) {
          Pack<2> v[3], bar[3];
          load_vector(saved.mid, atom, part.feature, v);
          load_vector(v_bar, atom, part.feature, bar);
          for (int k = 0; k < 3; k++)
            for (int c = 0; c < 2; c++) {
              gate1.v[c] += bar[k].v[c] * v[k].v[c];
              gate2.v[c] += bar[k].v[c] * mixed(weights.mixing, k, v, c);
            }
        }
      }
      y_bar.put(i, by_parts(groups, 0, part.feature), s);
      if constexpr (!LAST) {
        y_bar.put(i, by_parts(groups, 1, part.feature), gate1);
        y_bar.put(i, by_parts(groups, 2, part.feature), gate2);
      }
    }
    hand_on<16 * groups>(tile, y_bar, by_parts(groups, 0, part.column()));
  });
  meet<FEATURES>(tile, y_bar.bytes(groups * FEATURES));
  hidden_adjoint(tile, weights.update2, y_bar, saved.update_slope, z_bar);
  meet<FEATURES>(tile, z_bar.bytes(FEATURES));
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real c_bar[Cut::atoms][2][2];  // of s, of n
    if (!multiply_back<FEATURES>(tile, part, z_bar, weights.update1.adjoint, c_bar)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      if (part.atom(i) >= tile.count) break;
      const long long atom = tile.first + part.atom(i);
      const Pack<2> s = load<2>(s_bar + atom * FEATURES + part.feature), inverse = load<2>(saved.inverse_norm + atom * FEATURES + part.feature);
      store(s_bar + atom * FEATURES + part.feature, Pack<2>{s.v[0] + c_bar[i][0][0], s.v[1] + c_bar[i][0][1]});
      Pack<2> v[3], bar[3] = {}, g1{}, g2{};
      load_vector(saved.mid, atom, part.feature, v);
      if constexpr (!LAST) {
        load_vector(v_bar, atom, part.feature, bar);
        g1 = load<2>(saved.y + 2 * atom * FEATURES + part.feature);
        g2 = load<2>(saved.y + (2 * atom + 1) * FEATURES + part.feature);
      }
      for (int l = 0; l < 3; l++) {
        Pack<2> out;
        for (int c = 0; c < 2; c++) {
          const real* m = weights.mixing;
          const real turned = m[l] * bar[0].v[c] + m[3 + l] * bar[1].v[c] + m[6 + l] * bar[2].v[c];  // M^T bar
          out.v[c] = g1.v[c] * bar[l].v[c] + g2.v[c] * turned + c_bar[i][1][c] * inverse.v[c] * v[l].v[c];
        }
        store(v_bar + (3 * atom + l) * FEATURES + part.feature, out);
      }
    }
  });
}

}  // namespace painnless::cuda
