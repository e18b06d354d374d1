#pragma once
// Readout: atom features -> atomic energy, and straight back (docs/theory.md, T31 and T32). Both networks. Twin of cpu/layers/readout.h.
#include "layers/dense.cuh"

namespace painnless::cuda {

/// Widths of the input and of the hidden layers, padded.
constexpr int readout_widths[] = {FEATURES, READOUT_WIDTHS};
constexpr int readout_hidden = sizeof(readout_widths) / sizeof(int) - 1;

/// Rows of hidden layer l (1-based) in the scratch: h, and then its slope.
constexpr int readout_offset(int layer) {
  int sum = 0;
  for (int l = 1; l < layer; l++) sum += 2 * row_of(readout_widths[l]);
  return sum;
}
/// Numbers of scratch per atom.
constexpr int readout_scratch = readout_offset(readout_hidden + 1);

/// T31 for hidden layer LAYER and those after it; x (TILE, x_row) in shared memory. Ends with the energies (atoms), summed in double.
template <class Cut, int LAYER>
__device__ void readout_forward(const Tile<Cut>& tile, const Readout<real>& readout, const real* x, int x_row, real* scratch, double* energies) {
  if constexpr (LAYER <= readout_hidden) {
    constexpr int width = readout_widths[LAYER], row = row_of(width);
    real *h = scratch + Cut::tile * readout_offset(LAYER), *slope = h + Cut::tile * row;
    hidden_forward<Cut, readout_widths[LAYER - 1], width>(tile, readout.hidden[LAYER - 1], x, x_row, h, [&](int atom, int feature, const Pack<2>& derivative) {
      store(slope + atom * row + feature, derivative);
    });
    __syncthreads();
    readout_forward<Cut, LAYER + 1>(tile, readout, h, row, scratch, energies);
  } else {
    constexpr int width = readout_widths[readout_hidden];
    for (int i = warp_index(); i < tile.count; i += blockDim.x / 32) {
      double sum = 0;
      for (int c = lane_index(); c < width; c += 32) sum += readout.last[c] * static_cast<double>(x[i * x_row + c]);
      for (int mask = 16; mask > 0; mask /= 2) sum += __shfl_xor_sync(all_lanes, sum, mask);
      if (lane_index() == 0) energies[tile.first + i] = readout.last_bias + sum;
    }
  }
}

/// T32 from hidden layer LAYER down: its h_bar is weight (last) or a product; q_bar (atoms, F) is set. Slopes turn into bars in place.
template <class Cut, int LAYER>
__device__ void readout_adjoint(const Tile<Cut>& tile, const Readout<real>& readout, real* scratch, real* q_bar) {
  constexpr int width = readout_widths[LAYER], row = row_of(width);
  real* z_bar = scratch + Cut::tile * (readout_offset(LAYER) + row);  // of this layer, where there is one
  each_part<Cut, width>([&](const Part<Cut>& part) {
    real h_bar[Cut::atoms][1][2];
    if constexpr (LAYER == readout_hidden) {
      if (!part.owned()) return;
      for (int i = 0; i < Cut::atoms; i++)
        for (int c = 0; c < 2; c++) h_bar[i][0][c] = static_cast<real>(readout.last[part.feature + c]);
    } else {
      constexpr int above = row_of(readout_widths[LAYER + 1]);
      const real* bars = scratch + Cut::tile * (readout_offset(LAYER + 1) + above);
      if (!multiply_back<Cut, 1, 1, readout_widths[LAYER + 1], width>(tile, part, bars, above, readout.hidden[LAYER].adjoint, h_bar)) return;
    }
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      if constexpr (LAYER == 0) {
        if (part.atom(i) < tile.count)
          store(q_bar + tile.at(part.atom(i)) + part.feature, Pack<2>{h_bar[i][0][0], h_bar[i][0][1]});
      } else {
        real* z = z_bar + part.atom(i) * row + part.feature;
        for (int c = 0; c < 2; c++) z[c] = FAULT(11, 1, z[c]) * h_bar[i][0][c];
      }
    }
  });
  if constexpr (LAYER > 0) {
    __syncthreads();
    readout_adjoint<Cut, LAYER - 1>(tile, readout, scratch, q_bar);
  }
}

}  // namespace painnless::cuda
