#pragma once
// PaiNN's context network: what an atom says to its neighbours (docs/theory.md, section 5). Twin of cpu/layers/context.h.
#include "layers/dense.cuh"

namespace painnless::cuda {

/// T14 for a tile: x (atoms, 3, F), passed = x^m mu (atoms, 3, F) unless null, and slope = silu'(z) (atoms, F) of a layer from q; mu is there. `h` is scratch.
template <class Cut, class Q>
__device__ void context_forward(Tile<Cut>& tile, const PainnWeights<real>& weights, const Q& q, const Hidden<Cut>& h, const PainnSaved<real>& saved, real* passed) {
  hidden_forward(tile, weights.context1, q, h, saved.context_slope);
  meet<FEATURES>(tile, h.bytes(FEATURES));
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real y[Cut::atoms][3][2];
    Pack<2> bias[3];
    // Vectors of two atoms are asked for before anything of these is stored; of more there are no registers.
    constexpr int at_once = smaller(2, Cut::atoms);
    Pack<2> mu[at_once][3];
    const auto ask_bias = [&] {
      for (int g = 0; g < 3; g++) bias[g] = load<2>(weights.context2.bias + g * FEATURES + part.feature);
    };
    const auto ask = [&](int first) {
#pragma unroll
      for (int n = 0; n < at_once; n++)
        if (passed && part.atom(first + n) < tile.count)
          for (int k = 0; k < 3; k++) mu[n][k] = load<2>(saved.mu + tile.at(part.atom(first + n), 3) + k * FEATURES + part.feature);
    };
    if (Cut::asks_first && part.owned()) ask_bias(), ask(0);
    if (!multiply<FEATURES>(tile, part, h, weights.context2.weight, y)) return;
    if (!Cut::asks_first) ask_bias();
#pragma unroll
    for (int first = 0; first < Cut::atoms; first += at_once) {
      if (!Cut::asks_first) ask(first);
#pragma unroll
      for (int n = 0; n < at_once; n++) {
        const int i = first + n;
        if (part.atom(i) >= tile.count) break;
#pragma unroll
        for (int g = 0; g < 3; g++) {
          for (int c = 0; c < 2; c++) y[i][g][c] += bias[g].v[c];
          store(saved.x + tile.at(part.atom(i), 3) + g * FEATURES + part.feature, Pack<2>{y[i][g][0], y[i][g][1]});
        }
        if (!passed) continue;
#pragma unroll
        for (int k = 0; k < 3; k++)
          store(passed + tile.at(part.atom(i), 3) + k * FEATURES + part.feature, Pack<2>{y[i][2][0] * mu[n][k].v[0], y[i][2][1] * mu[n][k].v[1]});
      }
    }
  });
}

/// T15 for a tile: q_bar (atoms, F) = old_q_bar + from x_bar by parts. `z_bar` is scratch.
template <class Cut>
__device__ void context_adjoint(Tile<Cut>& tile, const PainnWeights<real>& weights, const real* slope, const Inputs<Cut::tile, 3 * FEATURES, 3>& x_bar,
                                const HiddenBars<Cut>& z_bar, const real* old_q_bar, real* q_bar) {
  hidden_adjoint(tile, weights.context2, x_bar, slope, z_bar);
  meet<FEATURES>(tile, z_bar.bytes(FEATURES));
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real y[Cut::atoms][1][2];
    Pack<2> old[Cut::atoms];
    if (part.owned()) {
#pragma unroll
      for (int i = 0; i < Cut::atoms; i++)
        if (part.atom(i) < tile.count) old[i] = load<2>(old_q_bar + tile.at(part.atom(i)) + part.feature);
    }
    if (!multiply_back<FEATURES>(tile, part, z_bar, weights.context1.adjoint, y)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      if (part.atom(i) >= tile.count) break;
      store(q_bar + tile.at(part.atom(i)) + part.feature, Pack<2>{old[i].v[0] + y[i][0][0], old[i].v[1] + y[i][0][1]});
    }
  });
}

}  // namespace painnless::cuda
