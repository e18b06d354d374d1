#pragma once
// Dense products over a tile of atoms: y = x W, x in shared memory, W (inputs, outputs) streamed from global memory. Every output is summed
// over each eighth of the inputs in ascending order, then over the eighths: its bits depend neither on the tile nor on what else is in it,
// and in float32 a long sum rounds a third as much as it would in one piece. Twin of cpu/dense.h.
#include "layers/silu.cuh"

namespace painnless::cuda {

/// How a kernel cuts its work: a block takes `tile` atoms, a thread `atoms` of them and two features; `split` groups of threads share out the
/// inputs of every product, so that few atoms still keep many loads under way.
template <int TILE, int ATOMS, int SPLIT, int THREADS> struct Cut {
  static_assert(SPLIT == 1 || SPLIT == 4);
  static constexpr int tile = TILE, atoms = ATOMS, split = SPLIT, threads = THREADS, lanes = THREADS / SPLIT;
};

/// The cuts for few atoms and for many.
using Small = Cut<SMALL_TILE, SMALL_ATOMS, SMALL_SPLIT, SMALL_THREADS>;
using Large = Cut<LARGE_TILE, LARGE_ATOMS, LARGE_SPLIT, LARGE_THREADS>;

/// A block's atoms that exist, and shared memory for the sums that its groups pass on.
template <class Cut> struct Tile {
  int first, count;
  real* exchange;
  /// `next` is where free shared memory begins, after it.
  __device__ Tile(int atoms, real*& next) : first(blockIdx.x * Cut::tile), count(max(0, min(Cut::tile, atoms - first))), exchange(next) {
    next += update_exchange(Cut::atoms, Cut::split, Cut::threads);
  }
  /// Where an atom of the tile begins in (atoms, rows, F).
  __device__ long long at(int atom, int rows = 1) const { return static_cast<long long>(first + atom) * rows * FEATURES; }
};

/// A thread's part of a tile: atoms from `atom` on, two features from `feature` on. The same comes to the same thread each time, so that what it
/// wrote as its owner it may read without a barrier.
template <class Cut> struct Part {
  int atom, feature, group;
  bool here;  // threads beyond the last part have none
  __device__ bool owned() const { return here && group == Cut::split - 1; }
};

/// Calls work(part) for this thread's parts of WIDTH features; every thread of the block is called equally often.
template <class Cut, int WIDTH, class Work> __device__ void each_part(Work work) {
  constexpr int columns = WIDTH / 2, parts = Cut::tile / Cut::atoms * columns;
  const int group = threadIdx.x / Cut::lanes, lane = threadIdx.x % Cut::lanes;
#pragma unroll 1
  for (int base = 0; base < parts; base += Cut::lanes) {
    const bool here = base + lane < parts;
    const int p = here ? base + lane : 0;
    work(Part<Cut>{p / columns * Cut::atoms, p % columns * 2, group, here});
  }
}

/// sum[r][g][c] += sum_k x[r][k] w[k][g][c] over INPUTS / 8 inputs, STEP at a time.
template <int STEP, int ROWS, int GROUPS, int INPUTS, int WIDTH>
__device__ void add_eighth(const real* x, int row, const real* w, real (&sum)[ROWS][GROUPS][2]) {
  constexpr int outputs = GROUPS * WIDTH;
  constexpr int ahead = ROWS * GROUPS <= 8 && sizeof(real) == 4 ? 4 : ROWS * GROUPS <= 12 ? 2 : 1;  // steps under way: as registers allow
  static_assert(INPUTS % 32 == 0, "inputs come in padded widths");
#pragma unroll ahead
  for (int k = 0; k < INPUTS / 8; k += STEP) {
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

/// y[r][g][c] = sum_k x[r][k] w[k][g][c] for the ROWS rows of a part, GROUPS groups of WIDTH outputs, two of each; x is the tile's (rows of
/// `row`), ROWS / atoms of them an atom; w begins at this part's feature. True for the one thread that owns the part and has its y: whoever
/// has not goes no farther with it. Every thread of the block calls it.
template <class Cut, int ROWS, int GROUPS, int INPUTS, int WIDTH>
__device__ bool multiply(const Tile<Cut>& tile, const Part<Cut>& part, const real* x, int row, const real* w, real (&y)[ROWS][GROUPS][2]) {
  constexpr int outputs = GROUPS * WIDTH, eighths = 8 / Cut::split, size = INPUTS / 8;
#pragma unroll
  for (int r = 0; r < ROWS; r++)
#pragma unroll
    for (int g = 0; g < GROUPS; g++) y[r][g][0] = y[r][g][1] = 0;
  if constexpr (Cut::split == 1) {
    if (!part.here) return false;
#pragma unroll 1
    for (int e = 0; e < 8; e++) {
      real sum[ROWS][GROUPS][2] = {};
      add_eighth<4, ROWS, GROUPS, INPUTS, WIDTH>(x + e * size, row, w + e * size * outputs, sum);
#pragma unroll
      for (int r = 0; r < ROWS; r++)
#pragma unroll
        for (int g = 0; g < GROUPS; g++)
          for (int c = 0; c < 2; c++) y[r][g][c] += sum[r][g][c];
    }
    return true;
  } else {
    static_assert(eighths == 2, "a thread holds the sums of its eighths apart");
    real second[ROWS][GROUPS][2] = {};
    if (part.here) {
      const int from = part.group * eighths * size;
      constexpr int step = ROWS * GROUPS > 12 ? 2 : 4;
      add_eighth<step, ROWS, GROUPS, INPUTS, WIDTH>(x + from, row, w + from * outputs, y);
      add_eighth<step, ROWS, GROUPS, INPUTS, WIDTH>(x + from + size, row, w + (from + size) * outputs, second);
    }
    real* own = tile.exchange + threadIdx.x % Cut::lanes;
#pragma unroll 1
    for (int turn = 0; turn < Cut::split; turn++) {  // the sum goes from group to group, so that its order is that of the inputs
      if (part.here && part.group == turn) {
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
          for (int g = 0; g < GROUPS; g++)
#pragma unroll
            for (int c = 0; c < 2; c++) {
              real& passed = own[((r * GROUPS + g) * 2 + c) * Cut::lanes];
              const real before = turn > 0 ? passed : 0;
              y[r][g][c] = (before + y[r][g][c]) + second[r][g][c];
              if (turn < Cut::split - 1) passed = y[r][g][c];
            }
      }
      __syncthreads();
    }
    return part.owned();
  }
}

/// A hidden layer: h = silu(x W + b) (TILE, row_of(WIDTH)) in shared memory. keep(atom, feature, slopes) is called for every two silu'(z), also of
/// atoms that are not there.
template <class Cut, int INPUTS, int WIDTH, class Keep>
__device__ void hidden_forward(const Tile<Cut>& tile, const Dense<real>& layer, const real* x, int x_row, real* h, Keep keep) {
  each_part<Cut, WIDTH>([&](const Part<Cut>& part) {
    real z[Cut::atoms][1][2];
    if (!multiply<Cut, Cut::atoms, 1, INPUTS, WIDTH>(tile, part, x + part.atom * x_row, x_row, layer.weight + part.feature, z)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      Pack<2> value, slope;
      for (int c = 0; c < 2; c++) silu(z[i][0][c] + layer.bias[part.feature + c], value.v[c], slope.v[c]);
      store(h + (part.atom + i) * row_of(WIDTH) + part.feature, value);
      keep(part.atom + i, part.feature, slope);
    }
  });
}

/// From the bars of the product after a hidden layer of F features, (TILE, y_row) in shared memory, to its own: z_bar = silu'(z) (y_bar W^T) (TILE,
/// row_of(F)), zeros for atoms that are not there. `slope` (atoms, F) is what hidden_forward gave.
template <class Cut, int OUTPUTS>
__device__ void hidden_adjoint(const Tile<Cut>& tile, const Dense<real>& next, const real* y_bar, int y_row, const real* slope, real* z_bar) {
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real h_bar[Cut::atoms][1][2];
    if (!multiply<Cut, Cut::atoms, 1, OUTPUTS, FEATURES>(tile, part, y_bar + part.atom * y_row, y_row, next.adjoint + part.feature, h_bar)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      Pack<2> out{};
      if (part.atom + i < tile.count) {
        const Pack<2> derivative = load<2>(slope + tile.at(part.atom + i) + part.feature);
        for (int c = 0; c < 2; c++) out.v[c] = h_bar[i][0][c] * derivative.v[c];
      }
      store(z_bar + (part.atom + i) * row_of(FEATURES) + part.feature, out);
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

/// Copies the first WIDTH numbers of each row in shared memory to (atoms, WIDTH).
template <int WIDTH, class Cut> __device__ void put(const Tile<Cut>& tile, const real* from, int row, real* to) {
  constexpr int packs = WIDTH / 4;
  for (int p = threadIdx.x; p < tile.count * packs; p += Cut::threads) {
    const int i = p / packs, column = p % packs * 4;
    store(to + static_cast<long long>(tile.first + i) * WIDTH + column, load<4>(from + i * row + column));
  }
}

}  // namespace painnless::cuda
