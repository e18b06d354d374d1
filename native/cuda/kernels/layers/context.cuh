#pragma once
// PaiNN's context network: what an atom says to its neighbours (docs/theory.md, section 5). Twin of cpu/layers/context.h.
#include "layers/dense.cuh"

namespace painnless::cuda {

/// T14 for a tile: x (atoms, 3, F) and slope = silu'(z) (atoms, F) from q in shared memory, rows of `q_row`. `h` (TILE, row_of(F)) is scratch.
template <class Cut>
__device__ void context_forward(const Tile<Cut>& tile, const PainnWeights<real>& weights, const real* q, int q_row, real* h, real* slope, real* x) {
  constexpr int row = row_of(FEATURES);
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real z[Cut::atoms][1][2];
    if (!multiply<Cut, Cut::atoms, 1, FEATURES, FEATURES>(tile, part, q + part.atom * q_row, q_row,
        weights.context1 + part.feature, z)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      Pack<2> value, derivative;
      for (int c = 0; c < 2; c++) silu(z[i][0][c] + weights.context1_bias[part.feature + c], value.v[c], derivative.v[c]);
      store(h + (part.atom + i) * row + part.feature, value);
      if (part.atom + i < tile.count) store(slope + static_cast<long long>(tile.first + part.atom + i) * FEATURES + part.feature, derivative);
    }
  });
  __syncthreads();
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real y[Cut::atoms][3][2];
    if (!multiply<Cut, Cut::atoms, 3, FEATURES, FEATURES>(tile, part, h + part.atom * row, row, weights.context2 + part.feature, y)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      if (part.atom + i >= tile.count) break;
#pragma unroll
      for (int g = 0; g < 3; g++) {
        const real* bias = weights.context2_bias + g * FEATURES + part.feature;
        store(x + (static_cast<long long>(tile.first + part.atom + i) * 3 + g) * FEATURES + part.feature,
              Pack<2>{y[i][g][0] + bias[0], y[i][g][1] + bias[1]});
      }
    }
  });
}

/// T15 for a tile: q_bar (atoms, F) += from x_bar (atoms, 3F) in shared memory, rows of row_of(3F). `z_bar` (TILE, row_of(F)) is scratch.
template <class Cut>
__device__ void context_adjoint(const Tile<Cut>& tile, const PainnWeights<real>& weights, const real* slope, const real* x_bar, real* z_bar,
                                real* q_bar) {
  constexpr int row = row_of(FEATURES), x_row = row_of(3 * FEATURES);
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real h_bar[Cut::atoms][1][2];
    if (!multiply<Cut, Cut::atoms, 1, 3 * FEATURES, FEATURES>(tile, part, x_bar + part.atom * x_row, x_row,
        weights.context2_adjoint + part.feature, h_bar)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      Pack<2> out{};
      if (part.atom + i < tile.count) {
        const Pack<2> derivative = load<2>(slope + static_cast<long long>(tile.first + part.atom + i) * FEATURES + part.feature);
        for (int c = 0; c < 2; c++) out.v[c] = h_bar[i][0][c] * derivative.v[c];
      }
      store(z_bar + (part.atom + i) * row + part.feature, out);
    }
  });
  __syncthreads();
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real y[Cut::atoms][1][2];
    if (!multiply<Cut, Cut::atoms, 1, FEATURES, FEATURES>(tile, part, z_bar + part.atom * row, row,
        weights.context1_adjoint + part.feature, y)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      if (part.atom + i >= tile.count) break;
      real* at = q_bar + static_cast<long long>(tile.first + part.atom + i) * FEATURES + part.feature;
      const Pack<2> old = load<2>(at);
      store(at, Pack<2>{old.v[0] + y[i][0][0], old.v[1] + y[i][0][1]});
    }
  });
}

}  // namespace painnless::cuda
