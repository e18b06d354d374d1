#pragma once
// Dense products over a tile of atoms: y = x W, x in shared memory, W (inputs, outputs) streamed from global memory. Every output is summed
// over each part of its inputs, then over the parts, in an order that depends neither on the tile nor on what else is in it; in float32 that
// also rounds a third as much as one long sum. On the way there the parts are the eighths of the inputs. On the way back they are eight features
// of all groups (by_parts, shapes.h), the parts of each quarter first: so can those sum who own eight features each (the resident schedule).
// Twin of cpu/dense.h.
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

/// y[r][g][c] = sum_k x[r][k] w[k][g][c] for the ROWS rows of a part, GROUPS groups of WIDTH outputs, two of each; x is the tile's (rows of
/// `row`), ROWS / atoms of them an atom; w begins at this part's feature. True for the one thread that owns the part and has its y: whoever
/// has not goes no farther with it. Every thread of the block calls it.
template <class Cut, int ROWS, int GROUPS, int INPUTS, int WIDTH>
__device__ bool multiply(const Tile<Cut>& tile, const Part<Cut>& part, const real* x, int row, const real* w, real (&y)[ROWS][GROUPS][2]) {
  constexpr int outputs = GROUPS * WIDTH, size = INPUTS / 8;
  static_assert(INPUTS % 32 == 0, "inputs come in padded widths");
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

/// The same on the way back: x holds BLOCKS blocks of INPUTS features by parts, as do the rows of w.
template <class Cut, int ROWS, int GROUPS, int BLOCKS, int INPUTS, int WIDTH>
__device__ bool multiply_back(const Tile<Cut>& tile, const Part<Cut>& part, const real* x, int row, const real* w, real (&y)[ROWS][GROUPS][2]) {
  constexpr int outputs = GROUPS * WIDTH, size = part_features * BLOCKS, quarter = INPUTS / part_features / 4, step = ROWS * GROUPS > 8 ? 2 : 4;
  static_assert(INPUTS % (4 * part_features) == 0, "inputs come in padded widths");
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

/// From the bars of the product after a hidden layer of F features, (TILE, y_row) in shared memory and by parts, to its own: z_bar = silu'(z) (y_bar W^T) (TILE,
/// row_of(F)), zeros for atoms that are not there. `slope` (atoms, F) is what hidden_forward gave.
template <class Cut, int BLOCKS>
__device__ void hidden_adjoint(const Tile<Cut>& tile, const Dense<real>& next, const real* y_bar, int y_row, const real* slope, real* z_bar) {
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real h_bar[Cut::atoms][1][2];
    if (!multiply_back<Cut, Cut::atoms, 1, BLOCKS, FEATURES, FEATURES>(tile, part, y_bar + part.atom * y_row, y_row, next.adjoint + part.feature, h_bar)) return;
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
  for (int p = threadIdx.x; p < tile.count * packs; p += Cut::threads) {
    const int i = p / packs, column = p % packs * 4;
    store(to + static_cast<long long>(tile.first + i) * WIDTH + column, load<4>(from + i * row + column));
  }
}

}  // namespace painnless::cuda
