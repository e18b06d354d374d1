#pragma once
// Dense products over a tile of atoms: y = x W, x in shared memory, W (inputs, outputs) streamed from global memory. Every output is summed
// over each eighth of the inputs in ascending order, then over the eighths: its bits depend neither on the tile nor on what else is in it,
// and in float32 a long sum rounds a third as much as it would in one piece. Twin of cpu/dense.h.
#include "prelude.cuh"

namespace painnless::cuda {

/// So many numbers, loaded and stored as wide as their alignment allows.
template <int N, class Value = real> struct alignas(N * sizeof(Value) % 16 == 0 ? 16 : N * sizeof(Value) % 8 == 0 ? 8 : sizeof(Value)) Pack {
  Value v[N];
};
template <int N> __device__ Pack<N> load(const real* at) { return *reinterpret_cast<const Pack<N>*>(at); }
template <int N> __device__ void store(real* at, const Pack<N>& values) { *reinterpret_cast<Pack<N>*>(at) = values; }

/// T1: silu(z) and its derivative. For z far below 0, exp overflows and sigma is 0.
__device__ void silu(real z, real& value, real& slope) {
  const real sigma = 1 / (1 + exp(-z));
  value = z * sigma;
  slope = sigma * (1 + z * (1 - sigma));
}

/// A thread's part of a tile: `ATOMS` atoms from `atom` on, two features from `feature` on.
template <int ATOMS> struct Part {
  int atom, feature;
};

/// Calls work(part) for this thread's parts of a tile of TILE atoms and WIDTH features; the same part comes to the same thread each time,
/// so what it wrote it may read without a barrier.
template <int TILE, int ATOMS, int WIDTH, class Work> __device__ void each_part(Work work) {
  constexpr int columns = WIDTH / 2, parts = TILE / ATOMS * columns;
  for (int p = threadIdx.x; p < parts; p += blockDim.x) work(Part<ATOMS>{p / columns * ATOMS, p % columns * 2});
}

/// y[r][g][c] = sum_k x[r][k] w[k][g][c] for ROWS rows from `x` on, GROUPS groups of WIDTH outputs, two of each; w points at the first.
template <int ROWS, int GROUPS, int INPUTS, int WIDTH>
__device__ void multiply(const real* x, int row, const real* w, real (&y)[ROWS][GROUPS][2]) {
  constexpr int outputs = GROUPS * WIDTH, part = INPUTS / 8;
  constexpr int ahead = ROWS * GROUPS <= 12 && sizeof(real) == 4 ? 4 : 2;  // times four inputs whose weights are on their way at once
  static_assert(part % 4 == 0, "inputs come in padded widths");
#pragma unroll
  for (int r = 0; r < ROWS; r++)
#pragma unroll
    for (int g = 0; g < GROUPS; g++) y[r][g][0] = y[r][g][1] = 0;
#pragma unroll 1
  for (int begin = 0; begin < INPUTS; begin += part) {
    real sum[ROWS][GROUPS][2] = {};
#pragma unroll ahead
    for (int k = begin; k < begin + part; k += 4) {
      Pack<2> weights[4][GROUPS];
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int g = 0; g < GROUPS; g++) weights[i][g] = load<2>(w + (k + i) * outputs + g * WIDTH);
#pragma unroll
      for (int r = 0; r < ROWS; r++) {
        const Pack<4> inputs = load<4>(x + r * row + k);
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
          for (int g = 0; g < GROUPS; g++) {
            sum[r][g][0] += inputs.v[i] * weights[i][g].v[0];
            sum[r][g][1] += inputs.v[i] * weights[i][g].v[1];
          }
      }
    }
#pragma unroll
    for (int r = 0; r < ROWS; r++)
#pragma unroll
      for (int g = 0; g < GROUPS; g++) {
        y[r][g][0] += sum[r][g][0];
        y[r][g][1] += sum[r][g][1];
      }
  }
}

/// The atoms of one block's tile that exist.
template <int TILE> struct Tile {
  int first, count;
  __device__ explicit Tile(int atoms) : first(blockIdx.x * TILE), count(max(0, min(TILE, atoms - first))) {}
};

/// Copies rows of WIDTH numbers from (atoms, ROWS, WIDTH) of this tile into shared memory, zeros for atoms that are not there.
template <int TILE, int ROWS, int WIDTH> __device__ void fetch(const Tile<TILE>& tile, const real* from, real* to, int row) {
  constexpr int packs = WIDTH / 4;
  const real* begin = from + static_cast<long long>(tile.first) * ROWS * WIDTH;
  for (int p = threadIdx.x; p < TILE * ROWS * packs; p += blockDim.x) {
    const int r = p / packs, column = p % packs * 4;
    store<4>(to + r * row + column, r < tile.count * ROWS ? load<4>(begin + static_cast<long long>(r) * WIDTH + column) : Pack<4>{});
  }
}

}  // namespace painnless::cuda
