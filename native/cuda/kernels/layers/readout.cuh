#pragma once
// Readout: atom features -> atomic energy, and straight back (docs/theory.md, T31 and T32). Both networks. Twin of cpu/layers/readout.h.
#include "layers/dense.cuh"

namespace painnless::cuda {

/// Widths of the input and of the hidden layers, padded.
constexpr int readout_widths[] = {FEATURES, READOUT_WIDTHS};
constexpr int readout_hidden = sizeof(readout_widths) / sizeof(int) - 1;

/// Rows in shared memory that are read as they were put.
template <int WIDTH> struct Rows32 {
  real* memory;
  __device__ void put(int r, int k, const Pack<2>& x) const { store(memory + r * row_of(WIDTH) + k, x); }
  __device__ real get(int r, int k) const { return memory[r * row_of(WIDTH) + k]; }
};

/// Where hidden layer l (1-based) has its place in the scratch, for each atom: h, on the way back z_bar, and then its slope. Energies are sums over the last one's
/// h, no product takes them.
constexpr int readout_offset(int layer) {
  int sum = 0;
  for (int l = 1; l < layer; l++) sum += readout_shared(readout_widths[l], TENSOR);
  return sum;
}
template <class Cut, int LAYER> struct ReadoutLayer {
  static constexpr int width = readout_widths[LAYER], row = row_of(width);
  real* begin;
  __device__ explicit ReadoutLayer(real* scratch) : begin(scratch + Cut::tile * readout_offset(LAYER)) {}
  __device__ auto h() const {
    if constexpr (LAYER == readout_hidden) return Rows32<width>{begin};
    else return Inputs<Cut::tile, width>{begin};
  }
  __device__ Inputs<Cut::tile, width, 1> z_bar() const { return {begin}; }
  __device__ real* slope(int atom) const { return begin + Cut::tile * (readout_shared(width, TENSOR) - row) + atom * row; }
};

/// T31 for hidden layer LAYER and those after it, of `features` (atoms, F), which x has for products. Ends with the energies (atoms), summed in double.
template <int LAYER, class Cut, class X>
__device__ void readout_forward(const Tile<Cut>& tile, const Readout<real>& readout, const X& x, const real* features, real* scratch, double* energies) {
  if constexpr (LAYER <= readout_hidden) {
    const ReadoutLayer<Cut, LAYER> layer(scratch);
    hidden_forward<layer.width>(tile, readout.hidden[LAYER - 1], x, layer.h(), [&](int atom, int feature, const Pack<2>& derivative) {
      store(layer.slope(atom) + feature, derivative);
    });
    meet<Cut>();
    readout_forward<LAYER + 1>(tile, readout, layer.h(), features, scratch, energies);
  } else {
    constexpr int width = readout_widths[readout_hidden];
    for (int i = member<Cut>() * (Cut::threads / 32) + warp_index(); i < tile.count; i += Cut::members * (Cut::threads / 32)) {
      double sum = 0;
      for (int c = lane_index(); c < width; c += 32) {
        if constexpr (readout_hidden == 0) sum += readout.last[c] * static_cast<double>(features[tile.at(i) + c]);
        else sum += readout.last[c] * static_cast<double>(x.get(i, c));
      }
      for (int mask = 16; mask > 0; mask /= 2) sum += __shfl_xor_sync(all_lanes, sum, mask);
      if (lane_index() == 0) energies[tile.first + i] = readout.last_bias + sum;
    }
  }
}

/// T32 from hidden layer LAYER down: its h_bar is weight (last) or a product; q_bar (atoms, F) is set. Bars take the place of h, which nobody reads any more.
template <int LAYER, class Cut> __device__ void readout_adjoint(const Tile<Cut>& tile, const Readout<real>& readout, real* scratch, real* q_bar) {
  constexpr int width = readout_widths[LAYER];
  each_part<Cut, width>([&](const Part<Cut>& part) {
    real h_bar[Cut::atoms][1][2];
    if constexpr (LAYER == readout_hidden) {
      if (!part.owned()) return;
      for (int i = 0; i < Cut::atoms; i++)
        for (int c = 0; c < 2; c++) h_bar[i][0][c] = static_cast<real>(readout.last[part.feature + c]);
    } else {
      if (!multiply_back<width>(tile, part, ReadoutLayer<Cut, LAYER + 1>(scratch).z_bar(), readout.hidden[LAYER].adjoint, h_bar)) return;
    }
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      const int atom = part.atom(i);
      if constexpr (LAYER == 0) {
        if (atom < tile.count) store(q_bar + tile.at(atom) + part.feature, Pack<2>{h_bar[i][0][0], h_bar[i][0][1]});
      } else {
        const ReadoutLayer<Cut, LAYER> layer(scratch);
        Pack<2> z = load<2>(layer.slope(atom) + part.feature);
        for (int c = 0; c < 2; c++) z.v[c] = FAULT(11, 1, z.v[c]) * h_bar[i][0][c];
        put_for_all<Cut>(layer.z_bar(), atom, part.feature, z);
      }
    }
  });
  if constexpr (LAYER > 0) {
    meet<Cut>();
    readout_adjoint<LAYER - 1>(tile, readout, scratch, q_bar);
  }
}

}  // namespace painnless::cuda
