#pragma once
// Readout: atom features -> atomic energy, and straight back (docs/theory.md, T31 and T32). Both networks. Twin of cpu/layers/readout.h.
#include "layers/dense.cuh"

namespace painnless::cuda {

/// Widths of the input and of the hidden layers, padded.
constexpr int readout_widths[] = {FEATURES, READOUT_WIDTHS};
constexpr int readout_hidden = sizeof(readout_widths) / sizeof(int) - 1;
/// The first layer whose bars are a product, on the way back.
constexpr int readout_first = larger(readout_hidden - 1, 0);

/// Rows in shared memory that are read as they were put.
template <int ROWS, int WIDTH> struct Rows32 {
  real* memory;
  __device__ void put(int r, int k, const Pack<2>& x) const { store(memory + r * row_of(WIDTH) + k, x); }
  __device__ real get(int r, int k) const { return memory[r * row_of(WIDTH) + k]; }
  static constexpr int rows = ROWS, planes = 1;
  static constexpr int bytes(int count) { return ROWS * count * static_cast<int>(sizeof(real)); }
  __device__ real* at(int, int r, int k) const { return memory + r * row_of(WIDTH) + k; }
};

/// Where hidden layer l (1-based) has its place in the scratch, for each atom: h, on the way back z_bar, and then its slope. Energies are sums over the last one's
/// h, no product takes them: its bars are made with it, so it stands where others have a slope.
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
    if constexpr (LAYER == readout_hidden) return Rows32<Cut::tile, width>{slope(0)};
    else return Inputs<Cut::tile, width>{begin};
  }
  __device__ Inputs<Cut::tile, width, 1> z_bar() const { return {begin}; }
  __device__ real* slope(int atom) const { return begin + Cut::tile * (readout_shared(width, TENSOR) - row) + atom * row; }
  /// z_bar = silu'(z) h_bar.
  __device__ void put_bars(const Part<Cut>& part, int i, const Pack<2>& slope, const Pack<2>& h_bar) const {
    Pack<2> z;
    for (int c = 0; c < 2; c++) z.v[c] = FAULT(11, 1, slope.v[c]) * h_bar.v[c];
    z_bar().put(part.atom(i), part.feature, z);
  }
};

/// T31 for hidden layer LAYER and those after it, of `features` (atoms, F), which x has for products. Ends with the energies (atoms), summed in double; if there is
/// a `gradient` to come, the last layer's z_bar has been made.
template <int LAYER, class Cut, class X>
__device__ void readout_forward(Tile<Cut>& tile, const Readout<real>& readout, const X& x, const real* features, real* scratch, double* energies, bool gradient) {
  if constexpr (LAYER <= readout_hidden) {
    const ReadoutLayer<Cut, LAYER> layer(scratch);
    hidden_forward<layer.width>(tile, readout.hidden[LAYER - 1], x, layer.h(), [&](const Part<Cut>& part, const Pack<2>(&slopes)[Cut::atoms]) {
      if constexpr (LAYER < readout_hidden) {
#pragma unroll
        for (int i = 0; i < Cut::atoms; i++) store(layer.slope(part.atom(i)) + part.feature, slopes[i]);
      } else if (gradient) {
        Pack<2> h_bar;
        for (int c = 0; c < 2; c++) h_bar.v[c] = static_cast<real>(readout.last[part.feature + c]);
#pragma unroll
        for (int i = 0; i < Cut::atoms; i++) layer.put_bars(part, i, slopes[i], h_bar);
        hand_on<16>(tile, layer.z_bar(), part.column());
      }
    });
    meet<layer.width>(tile, layer.h().bytes(layer.width) + (LAYER == readout_hidden && gradient ? layer.z_bar().bytes(layer.width) : 0));
    readout_forward<LAYER + 1>(tile, readout, layer.h(), features, scratch, energies, gradient);
  } else {
    receive(tile);
    if constexpr (readout_hidden == 0) see_stores<Cut>();
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

/// T32 from hidden layer LAYER down, the one before that whose z_bar is there; q_bar (atoms, F) is set. Bars take the place of h, which nobody reads any more.
template <int LAYER, class Cut> __device__ void readout_adjoint(Tile<Cut>& tile, const Readout<real>& readout, real* scratch, real* q_bar) {
  constexpr int width = readout_widths[LAYER];
  each_part<Cut, width>([&](const Part<Cut>& part) {
    real h_bar[Cut::atoms][1][2];
    if constexpr (readout_hidden == 0) {
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
        layer.put_bars(part, i, load<2>(layer.slope(atom) + part.feature), {h_bar[i][0][0], h_bar[i][0][1]});
      }
    }
    if constexpr (LAYER > 0) hand_on<16>(tile, ReadoutLayer<Cut, LAYER>(scratch).z_bar(), part.column());
  });
  if constexpr (LAYER > 0) {
    meet<width>(tile, ReadoutLayer<Cut, LAYER>(scratch).z_bar().bytes(width));
    readout_adjoint<LAYER - 1>(tile, readout, scratch, q_bar);
  }
}

}  // namespace painnless::cuda
