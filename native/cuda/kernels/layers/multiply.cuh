#pragma once
// Sums of products by multiply-adds, for float64 and for cards without tensor cores for float32's parts. Weights are (inputs, outputs), on the way back with
// the inputs by parts.
#include "layers/inputs.cuh"

namespace painnless::cuda {

/// sum[r][g][c] += sum_k x[r][k] w[k][g][c] over a part of so many inputs, STEP at a time.
template <int STEP, int INPUTS, int ROWS, int GROUPS, int WIDTH>
__device__ void add_part(const real* x, int row, const real* w, real (&sum)[ROWS][GROUPS][2]) {
  constexpr int outputs = GROUPS * WIDTH;
  constexpr int ahead = ROWS * GROUPS <= 8 && sizeof(real) == 4 ? 4 : ROWS * GROUPS <= 12 ? 2 : 1;  // steps under way: as registers allow
  static_assert(INPUTS % STEP == 0, "inputs come in padded widths");
#pragma unroll ahead
  for (int k = 0; k < INPUTS; k += STEP) {
    Pack<2> weights[STEP][GROUPS];
#pragma unroll
    for (int i = 0; i < STEP; i++)
#pragma unroll
      for (int g = 0; g < GROUPS; g++) weights[i][g] = load<2>(w + (k + i) * outputs + g * WIDTH);
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      const Pack<STEP> inputs = load<STEP>(x + r * row + k);
#pragma unroll
      for (int i = 0; i < STEP; i++)
#pragma unroll
        for (int g = 0; g < GROUPS; g++) {
          sum[r][g][0] += inputs.v[i] * weights[i][g].v[0];
          sum[r][g][1] += inputs.v[i] * weights[i][g].v[1];
        }
    }
  }
}

/// The sum over the groups of threads: each adds add(sum of those before, r, g, c), its own, in turn, so that the order is that of the inputs.
/// True for the threads of the last group, which have y.
template <class Cut, int ROWS, int GROUPS, class Add> __device__ bool pass_on(const Tile<Cut>& tile, const Part<Cut>& part, real (&y)[ROWS][GROUPS][2], Add add) {
  real* own = tile.exchange + threadIdx.x % Cut::lanes;
#pragma unroll 1
  for (int turn = 0; turn < Cut::split; turn++) {
    if (part.here && part.group == turn) {
#pragma unroll
      for (int r = 0; r < ROWS; r++)
#pragma unroll
        for (int g = 0; g < GROUPS; g++)
#pragma unroll
          for (int c = 0; c < 2; c++) {
            real& passed = own[((r * GROUPS + g) * 2 + c) * Cut::lanes];
            y[r][g][c] = add(turn > 0 ? passed : 0, r, g, c);
            if (turn < Cut::split - 1) passed = y[r][g][c];
          }
    }
    __syncthreads();
  }
  return part.owned();
}

template <int ROWS, int GROUPS> __device__ void clear_sums(real (&y)[ROWS][GROUPS][2]) {
#pragma unroll
  for (int r = 0; r < ROWS; r++)
#pragma unroll
    for (int g = 0; g < GROUPS; g++) y[r][g][0] = y[r][g][1] = 0;
}

template <int ROWS, int GROUPS> __device__ void add_sums(real (&y)[ROWS][GROUPS][2], const real (&sum)[ROWS][GROUPS][2]) {
#pragma unroll
  for (int r = 0; r < ROWS; r++)
#pragma unroll
    for (int g = 0; g < GROUPS; g++)
      for (int c = 0; c < 2; c++) y[r][g][c] += sum[r][g][c];
}

/// y[r][g][c] = sum_k x[r][k] w[k][g][c] for the rows of a part, GROUPS groups of WIDTH outputs, two of each. True for the one thread that owns the part and
/// has its y: whoever has not goes no farther with it. Every thread of the block calls it.
template <int WIDTH, class Cut, class X, int ROWS, int GROUPS>
__device__ bool multiply(const Tile<Cut>& tile, const Part<Cut>& part, const X& inputs, const real* w, real (&y)[ROWS][GROUPS][2]) {
  constexpr int outputs = GROUPS * WIDTH, size = X::numbers / 8, row = X::row;
  static_assert(X::numbers % 32 == 0, "inputs come in padded widths");
  const real* x = inputs.memory + X::rows / Cut::tile * part.first * row;
  w += part.feature;
  clear_sums(y);
  if constexpr (Cut::split == 1) {
    if (!part.here) return false;
#pragma unroll 1
    for (int e = 0; e < 8; e++) {
      real sum[ROWS][GROUPS][2] = {};
      add_part<4, size, ROWS, GROUPS, WIDTH>(x + e * size, row, w + e * size * outputs, sum);
      add_sums(y, sum);
    }
    return true;
  } else {
    static_assert(Cut::split == 4, "a thread holds the sums of its two eighths apart");
    real second[ROWS][GROUPS][2] = {};
    if (part.here) {
      const int from = part.group * 2 * size;
      constexpr int step = ROWS * GROUPS > 12 ? 2 : 4;
      add_part<step, size, ROWS, GROUPS, WIDTH>(x + from, row, w + from * outputs, y);
      add_part<step, size, ROWS, GROUPS, WIDTH>(x + from + size, row, w + (from + size) * outputs, second);
    }
    return pass_on<Cut>(tile, part, y, [&](real before, int r, int g, int c) { return (before + y[r][g][c]) + second[r][g][c]; });
  }
}

/// The same on the way back: x holds some blocks of features by parts, as do the rows of w.
template <int WIDTH, class Cut, class X, int ROWS, int GROUPS>
__device__ bool multiply_back(const Tile<Cut>& tile, const Part<Cut>& part, const X& inputs, const real* w, real (&y)[ROWS][GROUPS][2]) {
  constexpr int outputs = GROUPS * WIDTH, size = part_features * X::units, quarter = X::numbers / size / 4, step = ROWS * GROUPS > 8 ? 2 : 4, row = X::row;
  static_assert(X::numbers % (4 * size) == 0, "inputs come in padded widths");
  const real* x = inputs.memory + X::rows / Cut::tile * part.first * row;
  w += part.feature;
  const auto add_quarter = [&](int q, real (&sums)[ROWS][GROUPS][2]) {
#pragma unroll 1
    for (int p = q * quarter; p < (q + 1) * quarter; p++) {
      real sum[ROWS][GROUPS][2] = {};
      add_part<step, size, ROWS, GROUPS, WIDTH>(x + p * size, row, w + p * size * outputs, sum);
      add_sums(sums, sum);
    }
  };
  clear_sums(y);
  if constexpr (Cut::split == 1) {
    if (!part.here) return false;
#pragma unroll 1
    for (int q = 0; q < 4; q++) {
      real sums[ROWS][GROUPS][2] = {};
      add_quarter(q, sums);
      add_sums(y, sums);
    }
    return true;
  } else {
    static_assert(Cut::split == 4, "a quarter each");
    if (part.here) add_quarter(part.group, y);
    return pass_on<Cut>(tile, part, y, [&](real before, int r, int g, int c) { return before + y[r][g][c]; });
  }
}

}  // namespace painnless::cuda
