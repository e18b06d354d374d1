#pragma once
// Sums of products on tensor cores: features of outputs are the rows of A, atoms the columns of B. Weights come in the order in which lanes load them (pack.h),
// numbers of atoms from rows in shared memory; both are split where they are used. A part is some units of eight inputs: two on the way there, on the way
// back one of each block.
#include "layers/cut.cuh"
#include "layers/fragments.cuh"

namespace painnless::cuda {

/// A lane's weights of one part: of each group of outputs and unit, rows g and g + 8.
template <int GROUPS, int UNITS> struct PartWeights {
  Pack<4> w[GROUPS][UNITS];
  __device__ explicit PartWeights(const real* from) {
#pragma unroll
    for (int g = 0; g < GROUPS; g++)
#pragma unroll
      for (int u = 0; u < UNITS; u++) w[g][u] = load<4>(from + (g * UNITS + u) * fragment_numbers);
  }
  __device__ Rows rows(int g, int u) const { return {split_of(w[g][u].v[0], w[g][u].v[1]), split_of(w[g][u].v[2], w[g][u].v[3])}; }
};

/// sum[r][g][c] += one part's. x: this lane's column in the first tile of eight atoms; of each atom PER rows.
template <int PER, int UNITS, int ROWS, int GROUPS>
__device__ void add_part(const PartWeights<GROUPS, UNITS>& weights, const real* x, int row, real (&sum)[ROWS][GROUPS][2]) {
  Rows a[GROUPS][UNITS];
#pragma unroll
  for (int g = 0; g < GROUPS; g++)
#pragma unroll
    for (int u = 0; u < UNITS; u++) a[g][u] = weights.rows(g, u);
#pragma unroll
  for (int n = 0; n < ROWS / PER / 2; n++)
#pragma unroll
    for (int k = 0; k < PER; k++) {
      Split b[UNITS];
#pragma unroll
      for (int u = 0; u < UNITS; u++) {
        const Pack<2> in = load<2>(x + (8 * n * PER + k) * row + u * part_features);
        b[u] = split_of(in.v[0], in.v[1]);
      }
#pragma unroll
      for (int g = 0; g < GROUPS; g++) {
        float c[4];
        sum_of_units<UNITS>(a[g], b, c);
#pragma unroll
        for (int i = 0; i < 2; i++) {
          sum[(2 * n + i) * PER + k][g][0] += c[i];
          sum[(2 * n + i) * PER + k][g][1] += c[2 + i];
        }
      }
    }
}

template <int ROWS, int GROUPS> __device__ void add_sums(real (&y)[ROWS][GROUPS][2], const real (&sum)[ROWS][GROUPS][2]) {
#pragma unroll
  for (int r = 0; r < ROWS; r++)
#pragma unroll
    for (int g = 0; g < GROUPS; g++)
#pragma unroll
      for (int c = 0; c < 2; c++) y[r][g][c] += sum[r][g][c];
}
template <int ROWS, int GROUPS> __device__ void clear_sums(real (&y)[ROWS][GROUPS][2]) {
#pragma unroll
  for (int r = 0; r < ROWS; r++)
#pragma unroll
    for (int g = 0; g < GROUPS; g++) y[r][g][0] = y[r][g][1] = 0;
}

/// y: the sums over sections of parts, in order; those of a section first. Section s is that of group s of the threads where there are several.
template <class Cut, int PER, int UNITS, int PARTS, int WIDTH, int ROWS, int GROUPS>
__device__ bool multiply_parts(const Tile<Cut>& tile, const Part<Cut>& part, const real* x, int row, const real* weights, real (&y)[ROWS][GROUPS][2]) {
  constexpr int sections = sections_of(PARTS), size = PARTS / sections, step = GROUPS * UNITS * fragment_numbers;
  const int lane = lane_index();
  x += PER * (part.first + lane / 4) * row + lane % 4 * 2;
  weights += part.feature / 16 * (PARTS * step) + lane * 4;
  clear_sums(y);
  if constexpr (Cut::split == 1) {
    if (!part.here) return false;
    constexpr bool ahead = GROUPS * UNITS <= 4;  // are the next weights under way while these are multiplied: as registers allow
    PartWeights<GROUPS, UNITS> next(weights);
    real sum[ROWS][GROUPS][2] = {};
#pragma unroll 1
    for (int p = 0; p < PARTS; p++) {
      const PartWeights<GROUPS, UNITS> own = ahead ? next : PartWeights<GROUPS, UNITS>(weights + p * step);
      if (ahead) next = PartWeights<GROUPS, UNITS>(weights + min(p + 1, PARTS - 1) * step);
      add_part<PER, UNITS>(own, x + p * UNITS * part_features, row, sum);
      if ((p + 1) % size != 0) continue;
      add_sums(y, sum);
      clear_sums(sum);
    }
    return true;
  } else {
    constexpr int last = Cut::split - 1;
    real* own = tile.exchange + threadIdx.x % Cut::lanes;
    const auto place = [&](int group, int r, int g, int c) -> real& { return own[(((group * ROWS + r) * GROUPS + g) * 2 + c) * Cut::lanes]; };
    if (part.here && part.group < sections) {
      x += part.group * size * UNITS * part_features;
      weights += part.group * size * step;
#pragma unroll
      for (int p = 0; p < size; p++) add_part<PER, UNITS>(PartWeights<GROUPS, UNITS>(weights + p * step), x + p * UNITS * part_features, row, y);
      if (part.group < last)
        for (int r = 0; r < ROWS; r++)
          for (int g = 0; g < GROUPS; g++)
            for (int c = 0; c < 2; c++) place(part.group, r, g, c) = y[r][g][c];
    }
    __syncthreads();
    if (part.owned()) {
#pragma unroll
      for (int r = 0; r < ROWS; r++)
#pragma unroll
        for (int g = 0; g < GROUPS; g++)
#pragma unroll
          for (int c = 0; c < 2; c++) {
            real sum = 0;
            for (int s = 0; s < sections; s++) sum += s == last ? y[r][g][c] : place(s, r, g, c);
            y[r][g][c] = sum;
          }
    }
    __syncthreads();
    return part.owned();
  }
}

/// y[r][g][c] = sum_k x[r][k] w[k][g][c] for the ROWS rows of a part, GROUPS groups of WIDTH outputs, two of each; x is the tile's (rows of `row`), PER of
/// them an atom. True for the one thread that owns the part and has its y: whoever has not goes no farther with it. Every thread of the block calls it.
template <class Cut, int PER, int INPUTS, int WIDTH, int ROWS, int GROUPS>
__device__ bool multiply(const Tile<Cut>& tile, const Part<Cut>& part, const real* x, int row, const real* w, real (&y)[ROWS][GROUPS][2]) {
  return multiply_parts<Cut, PER, forward_units, INPUTS / (forward_units * part_features), WIDTH>(tile, part, x, row, w, y);
}

/// The same on the way back: x holds BLOCKS blocks of INPUTS features by parts.
template <class Cut, int PER, int BLOCKS, int INPUTS, int WIDTH, int ROWS, int GROUPS>
__device__ bool multiply_back(const Tile<Cut>& tile, const Part<Cut>& part, const real* x, int row, const real* w, real (&y)[ROWS][GROUPS][2]) {
  return multiply_parts<Cut, PER, BLOCKS, INPUTS / part_features, WIDTH>(tile, part, x, row, w, y);
}

}  // namespace painnless::cuda
