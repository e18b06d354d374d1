#pragma once
// Products whose rows the blocks of a cluster share out, in the order of sums of layers/dense.cuh. On the way there every block gathers all inputs
// and makes its own outputs; on the way back it makes its own outputs' part of all inputs, and their owners add the parts up.
#include "layers/silu.cuh"
#include "resident/block.cuh"

namespace painnless::cuda {

/// y = W x for GROUPS blocks of outputs, four of each, and the ROWS rows of this warp's atom. `wait` is called when the weights are loaded and gives the
/// rows. Lane (g ROWS + r) 4 + j receives output j of block g for row r.
template <int GROUPS, int ROWS, int INPUTS, class Wait> __device__ real multiply_rows(const Block& b, const real* weights, Wait wait) {
  constexpr int packs = INPUTS / 32;
  static_assert(GROUPS * ROWS * 32 <= scratch_row, "sums of the eighths");
  const int eighth = lane_index() % 8, output = lane_index() / 8;
  Pack<4> w[GROUPS][packs];
#pragma unroll
  for (int g = 0; g < GROUPS; g++)
#pragma unroll
    for (int p = 0; p < packs; p++) w[g][p] = load<4>(weights + (g * part_features + 4 * b.half + output) * INPUTS + (p * 8 + eighth) * 4);
  const real* x = wait();
  real sum[GROUPS][ROWS] = {};
#pragma unroll
  for (int p = 0; p < packs; p++)
#pragma unroll
    for (int r = 0; r < ROWS; r++) {
      const Pack<4> in = load<4>(x + r * INPUTS + (p * 8 + eighth) * 4);
#pragma unroll
      for (int k = 0; k < 4; k++)
#pragma unroll
        for (int g = 0; g < GROUPS; g++) sum[g][r] += in.v[k] * w[g][p].v[k];
    }
  real* scratch = b.scratch();
  __syncwarp();
#pragma unroll
  for (int g = 0; g < GROUPS; g++)
#pragma unroll
    for (int r = 0; r < ROWS; r++) scratch[(g * ROWS + r) * 32 + lane_index()] = sum[g][r];
  __syncwarp();
  real y = 0;
  if (lane_index() < 4 * GROUPS * ROWS) {
    const Pack<4> low = load<4>(scratch + 8 * lane_index()), high = load<4>(scratch + 8 * lane_index() + 4);
    for (int k = 0; k < 4; k++) y += low.v[k];
    for (int k = 0; k < 4; k++) y += high.v[k];
  }
  return y;
}

/// Sends this block's part of x_bar = W^T y_bar, W with GROUPS blocks of eight outputs, y_bar (atoms, ROWS, GROUPS, 8) in rows of 8 GROUPS + 4. HALVES: x
/// is two rows of WIDTH = F features, or one of WIDTH. Called by all workers, when all of y_bar is there.
template <int GROUPS, int ROWS, int HALVES, int WIDTH> __device__ void send_back(const Block& b, const real* weights) {
  constexpr int inputs = HALVES * WIDTH, columns = HALVES * FEATURES / 2, y_row = part_features * GROUPS + 4, stride = 32 * larger(ROWS, HALVES) + 2;
  const int column = warp_index() * 8 + lane_index() % 8, row = lane_index() / 8;
  const real* y = b.memory + b.at.y_bar + row * ROWS * y_row;
#pragma unroll
  for (int base = 0; base < columns; base += 64) {
    if (base + column >= columns) break;
    const int place = 2 * (base + column);
    const bool here = inputs == 2 * columns || place < inputs;  // who has no input in a narrow row is sent zeros
    real sum[ROWS][2] = {};
#pragma unroll
    for (int o = 0; here && o < part_features * GROUPS; o += 4) {
      Pack<4> bar[ROWS];
#pragma unroll
      for (int r = 0; r < ROWS; r++) bar[r] = load<4>(y + r * y_row + o);
#pragma unroll
      for (int k = 0; k < 4; k++) {
        const Pack<2> w = load<2>(weights + (o + k) * inputs + place);
#pragma unroll
        for (int r = 0; r < ROWS; r++)
          for (int c = 0; c < 2; c++) sum[r][c] += bar[r].v[k] * w.v[c];
      }
    }
    const int pack = place / 4 % 8 * (inputs / 32) + place / 32, input = here ? 4 * pack + place % 4 : place;  // spread() the other way
    const int half = input / FEATURES, feature = input % FEATURES;
#pragma unroll
    for (int r = 0; r < ROWS; r++)
      send(b.arriving() + b.rank * stride + ((half + r) * resident_atoms + row) * part_features + feature % part_features, feature / part_features,
           Pack<2>{sum[r][0], sum[r][1]}, b.counter());
  }
}

/// The sum of the parts that have arrived, of `row` (of ROWS, or of two halves): this warp's atom, each lane its feature j.
template <int ROWS, int PARTS> __device__ real add_up(const Block& b, const real* arrived, int row) {
  constexpr int stride = 32 * ROWS + 2, quarter = PARTS / 4;
  const int q = lane_index() / 4 % 4;
  const real* part = arrived + q * quarter * stride + row * 32 + b.own();
  real sum = 0;
#pragma unroll
  for (int p = 0; p < quarter; p++) sum += part[p * stride];
  real total = 0;
  for (int k = 0; k < 4; k++) total += __shfl_sync(all_lanes, sum, 4 * k + b.j);
  return total;
}

}  // namespace painnless::cuda
