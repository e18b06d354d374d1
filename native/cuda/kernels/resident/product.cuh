#pragma once
// Products whose rows the blocks of a cluster share out, in the order of sums of layers/multiply_tensor.cuh. On the way there every block gathers all inputs
// and makes its own outputs; on the way back it makes its own outputs' part of all inputs, and their owners add the parts up.
#include "layers/fragments.cuh"
#include "layers/silu.cuh"
#include "resident/block.cuh"

namespace painnless::cuda {

/// y = W x for GROUPS blocks of outputs, four of each, and the ROWS rows of this warp's atom. `wait` is called when the weights are loaded and gives the rows of
/// all atoms. Lane (g ROWS + r) 4 + j receives output j of block g for row r. A warp makes every eighth part of the sums, for all outputs and rows.
template <int GROUPS, int ROWS, int INPUTS, class Wait> __device__ real multiply_rows(const Block& b, const real* weights, Wait wait) {
  constexpr int parts = INPUTS / (forward_units * part_features), warps = resident_workers / 32, turns = (parts + warps - 1) / warps;
  constexpr int rows = resident_atoms * ROWS, pairs = (GROUPS + 1) / 2, outputs = GROUPS * part_features, row_numbers = larger(INPUTS, FEATURES);
  static_assert(parts * rows * outputs <= warps * scratch_row, "sums of the parts");
  const int g = lane_index() / 4, t = lane_index() % 4;
  const auto input = [&](int turn, int u) { return ((warp_index() + turn * warps) * forward_units + u) * part_features + 2 * t; };
  Rows w[turns][pairs][forward_units];
#pragma unroll
  for (int turn = 0; turn < turns; turn++)
#pragma unroll
    for (int p = 0; p < pairs; p++)
#pragma unroll
      for (int u = 0; u < forward_units; u++) {
        if (warp_index() + turn * warps >= parts) break;
        const auto of_group = [&](int group) {
          const Pack<2> two = load<2>(weights + (group * part_features + g) * INPUTS + swizzled(g, input(turn, u)));
          return split_of(two.v[0], two.v[1]);
        };
        w[turn][p][u] = {of_group(2 * p), 2 * p + 1 < GROUPS ? of_group(2 * p + 1) : Split{}};
      }
  const real* x = wait();
  real* sums = b.sums_of_parts();
#pragma unroll
  for (int turn = 0; turn < turns; turn++)
#pragma unroll
    for (int first = 0; first < rows; first += 8) {
      const int part = warp_index() + turn * warps, row = first + g;
      if (part >= parts) break;
      Split columns[forward_units];
#pragma unroll
      for (int u = 0; u < forward_units; u++) {
        const Pack<2> two = row < rows ? load<2>(x + row * row_numbers + swizzled(row, input(turn, u))) : Pack<2>{};
        columns[u] = split_of(two.v[0], two.v[1]);
      }
#pragma unroll
      for (int p = 0; p < pairs; p++) {
        float c[4];
        sum_of_units<forward_units>(w[turn][p], columns, c);
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const int column = first + 2 * t + i % 2, group = 2 * p + i / 2;
          if (column < rows && group < GROUPS) sums[(part * rows + column) * outputs + group * part_features + g] = c[i];
        }
      }
    }
  meet_first(resident_workers);
  real y = 0;
  if (lane_index() < 4 * GROUPS * ROWS) {
    constexpr int sections = sections_of(parts), size = parts / sections;
    const real* own = sums + (b.atom * ROWS + lane_index() / 4 % ROWS) * outputs + lane_index() / (4 * ROWS) * part_features + 4 * b.half + b.j;
#pragma unroll
    for (int s = 0; s < sections; s++) {
      real sum = 0;
#pragma unroll
      for (int p = 0; p < size; p++) sum += own[(FAULT(15, sections - 1 - s, s) * size + p) * rows * outputs];
      y += sum;
    }
  }
  return y;
}

/// Sends this block's part of x_bar = W^T y_bar, W with GROUPS blocks of eight outputs, y_bar (atoms, ROWS, GROUPS, 8) in rows of 8 GROUPS + 4. HALVES: x
/// is two rows of WIDTH = F features, or one of WIDTH. put() puts this warp's y_bar; it is called by all workers, when the weights are loaded.
template <int GROUPS, int ROWS, int HALVES, int WIDTH, class Put> __device__ void send_back(const Block& b, const real* weights, Put put) {
  constexpr int inputs = HALVES * WIDTH, y_row = part_features * GROUPS + 4, stride = 32 * larger(ROWS, HALVES) + 2, rows = resident_atoms * ROWS;
  const int g = lane_index() / 4, t = lane_index() % 4;
  constexpr int stretch = 16 * (resident_workers / 32), turns = (HALVES * FEATURES + stretch - 1) / stretch;  // a warp makes sixteen of the inputs at a time
  const real* y = b.memory + b.at.y_bar;
  Rows w[turns][GROUPS];
#pragma unroll
  for (int turn = 0; turn < turns; turn++)
#pragma unroll
    for (int u = 0; u < GROUPS; u++) {
      const int tile = turn * stretch + 16 * warp_index();
      const auto of_output = [&](int o) { return tile < inputs ? load<2>(weights + (u * part_features + o) * inputs + swizzled(o, tile + 2 * g)) : Pack<2>{}; };
      const Pack<2> even = of_output(2 * t), odd = of_output(2 * t + 1);
      w[turn][u] = {split_of(even.v[0], odd.v[0]), split_of(even.v[1], odd.v[1])};
    }
  put();
  meet_first(resident_workers);
#pragma unroll
  for (int turn = 0; turn < turns; turn++) {
    const int tile = turn * stretch + 16 * warp_index(), place = tile + 2 * g, half = place / FEATURES, feature = place % FEATURES;
    if (tile >= HALVES * FEATURES) break;
    const bool here = tile < inputs;  // who has no input in a narrow row is sent zeros
#pragma unroll
    for (int begin = 0; begin < rows; begin += 8) {
      float c[4] = {};
      if (here) {
        Split columns[GROUPS];
#pragma unroll
        for (int u = 0; u < GROUPS; u++) {
          const Pack<2> two = begin + g < rows ? load<2>(y + (begin + g) * y_row + u * part_features + 2 * t) : Pack<2>{};
          columns[u] = split_of(two.v[0], two.v[1]);
        }
        sum_of_units<GROUPS>(w[turn], columns, c);
      }
#pragma unroll
      for (int i = 0; i < 2; i++) {
        const int row = begin + 2 * t + i;
        if (row < rows)
          send(b.arriving() + b.rank * stride + ((half + row % ROWS) * resident_atoms + row / ROWS) * part_features + feature % part_features,
               feature / part_features, Pack<2>{c[i], c[2 + i]}, b.counter());
      }
    }
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
