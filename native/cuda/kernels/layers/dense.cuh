#pragma once
// Dense products over a tile of atoms: y = x W, x in shared memory, W streamed from global memory. Every output is summed over each part of its inputs, then
// over the parts, in an order that depends neither on the tile nor on what else is in it; that also rounds less than one long sum. On the way back the
// parts are eight features of all blocks of outputs (by_parts, shapes.h), the parts of each quarter first: so can those sum who own eight features each (the
// resident schedule). Twin of cpu/dense.h.
#if TENSOR
#include "layers/multiply_tensor.cuh"
#else
#include "layers/multiply.cuh"
#endif
#include "layers/silu.cuh"

namespace painnless::cuda {

/// A hidden layer: h = silu(x W + b) (TILE, row_of(WIDTH)) in shared memory. keep(atom, feature, slopes) is called for every two silu'(z), also of
/// atoms that are not there.
template <class Cut, int INPUTS, int WIDTH, class Keep>
__device__ void hidden_forward(const Tile<Cut>& tile, const Dense<real>& layer, const real* x, int x_row, real* h, Keep keep) {
  each_part<Cut, WIDTH>([&](const Part<Cut>& part) {
    real z[Cut::atoms][1][2];
    if (!multiply<Cut, 1, INPUTS, WIDTH>(tile, part, x, x_row, layer.weight, z)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      Pack<2> value, slope;
      for (int c = 0; c < 2; c++) silu(z[i][0][c] + layer.bias[part.feature + c], value.v[c], slope.v[c]);
      store(h + part.atom(i) * row_of(WIDTH) + part.feature, value);
      keep(part.atom(i), part.feature, slope);
    }
  });
}

/// From the bars of the product after a hidden layer of F features, (TILE, y_row) in shared memory and by parts, to its own: z_bar = silu'(z) (y_bar W^T) (TILE,
/// row_of(F)), zeros for atoms that are not there. `slope` (atoms, F) is what hidden_forward gave.
template <class Cut, int BLOCKS>
__device__ void hidden_adjoint(const Tile<Cut>& tile, const Dense<real>& next, const real* y_bar, int y_row, const real* slope, real* z_bar) {
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real h_bar[Cut::atoms][1][2];
    if (!multiply_back<Cut, 1, BLOCKS, FEATURES, FEATURES>(tile, part, y_bar, y_row, next.adjoint, h_bar)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      Pack<2> out{};
      if (part.atom(i) < tile.count) {
        const Pack<2> derivative = load<2>(slope + tile.at(part.atom(i)) + part.feature);
        for (int c = 0; c < 2; c++) out.v[c] = h_bar[i][0][c] * derivative.v[c];
      }
      store(z_bar + part.atom(i) * row_of(FEATURES) + part.feature, out);
    }
  });
}

/// Copies rows of WIDTH numbers from (atoms, ROWS, WIDTH) of this tile into shared memory, zeros for atoms that are not there.
template <int ROWS, int WIDTH, class Cut> __device__ void fetch(const Tile<Cut>& tile, const real* from, real* to, int row) {
  constexpr int packs = WIDTH / 4;
  const real* begin = from + static_cast<long long>(tile.first) * ROWS * WIDTH;
  for (int p = threadIdx.x; p < Cut::tile * ROWS * packs; p += Cut::threads) {
    const int r = p / packs, column = p % packs * 4;
    store<4>(to + r * row + column, r < tile.count * ROWS ? load<4>(begin + static_cast<long long>(r) * WIDTH + column) : Pack<4>{});
  }
}

/// Copies (atoms, BLOCKS, F) of this tile into shared memory by parts, zeros for atoms that are not there.
template <int BLOCKS, class Cut> __device__ void fetch_by_parts(const Tile<Cut>& tile, const real* from, real* to, int row) {
  constexpr int packs = BLOCKS * FEATURES / 4;
  for (int p = threadIdx.x; p < Cut::tile * packs; p += Cut::threads) {
    const int atom = p / packs, column = p % packs * 4;
    store<4>(to + atom * row + by_parts(BLOCKS, column / FEATURES, column % FEATURES), atom < tile.count ? load<4>(from + tile.at(atom, BLOCKS) + column) : Pack<4>{});
  }
}

/// Copies the first WIDTH numbers of each row in shared memory to (atoms, WIDTH).
template <int WIDTH, class Cut> __device__ void put(const Tile<Cut>& tile, const real* from, int row, real* to) {
  constexpr int packs = WIDTH / 4;
#pragma unroll 1  // else the count of turns is worked out from sizes that are kept in registers for it
  for (int p = threadIdx.x; p < tile.count * packs; p += Cut::threads) {
    const int i = p / packs, column = p % packs * 4;
    store(to + static_cast<long long>(tile.first + i) * WIDTH + column, load<4>(from + i * row + column));
  }
}

}  // namespace painnless::cuda
