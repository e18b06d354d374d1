#pragma once
// Sums of products on tensor cores: features of outputs are the rows of A, atoms the columns of B. Weights come split, and in the order in which lanes load them
// (pack.h), numbers of atoms from rows in shared memory (inputs.cuh). A part is some units of eight inputs: two on the way there, on the way back one of each
// block.
#include "layers/inputs.cuh"

namespace painnless::cuda {

/// A lane's weights of one group of outputs in one part: rows g and g + 8 of its units.
template <int UNITS> struct GroupWeights {
  Rows rows[UNITS];
  GroupWeights() = default;
  __device__ explicit GroupWeights(const unsigned* from) {
    const int lane = lane_index();
#pragma unroll
    for (int u = 0; u < UNITS; u += 2)
#pragma unroll
      for (int part = 0; part < parts_of_number; part++) {
        const unsigned* at = from + u * fragment_words(TENSOR);
        if (u + 1 < UNITS) {
          const auto words = reinterpret_cast<const Pack<4, unsigned>*>(at)[part * 32 + lane];
          rows[u].low.part[part] = words.v[0], rows[u].high.part[part] = words.v[1];
          rows[u + 1].low.part[part] = words.v[2], rows[u + 1].high.part[part] = words.v[3];
        } else {
          const auto words = reinterpret_cast<const Pack<2, unsigned>*>(at)[part * 32 + lane];
          rows[u].low.part[part] = words.v[0], rows[u].high.part[part] = words.v[1];
        }
      }
  }
};

/// A lane's inputs in one part: of TILES tiles of eight rows, its column of its units. Of each atom PER rows, each with tiles of its own.
template <int TILES, int UNITS> struct PartInputs {
  Split columns[TILES][UNITS];
  template <int PER, class X> __device__ void load(const X& x, int atom, int part) {
    const int column = lane_index() / 4, pair = lane_index() % 4 * 2;
#pragma unroll
    for (int n = 0; n < TILES; n++) {
      const int row = (atom + n / PER * 8 + column) * PER + n % PER, first = part * UNITS * part_features + pair;
#pragma unroll
      for (int u = 0; u < UNITS; u += 2)
#pragma unroll
        for (int p = 0; p < parts_of_number; p++) {
          const unsigned* at = x.plane(p) + row * X::words + X::place(first + u * part_features);
          if (u + 1 < UNITS) {
            const auto words = *reinterpret_cast<const Pack<2, unsigned>*>(at);
            columns[n][u].part[p] = words.v[0], columns[n][u + 1].part[p] = words.v[1];
          } else {
            columns[n][u].part[p] = *at;
          }
        }
    }
  }
};

/// sum[r][g][c] += one part's, for group g.
template <int PER, int TILES, int UNITS, int ROWS, int GROUPS>
__device__ void add_part(const GroupWeights<UNITS>& weights, const PartInputs<TILES, UNITS>& inputs, int g, real (&sum)[ROWS][GROUPS][2]) {
#pragma unroll
  for (int n = 0; n < TILES; n++) {
    float c[4];
    sum_of_units<UNITS>(weights.rows, inputs.columns[n], c);
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const int row = (n / PER * 2 + i) * PER + n % PER;
      sum[row][g][0] += c[i];
      sum[row][g][1] += c[2 + i];
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

/// y[r][g][c] = sum_k x[r][k] w[k][g][c] for the rows of a part, GROUPS groups of WIDTH outputs, two of each: the sums over sections of parts, in order; those of
/// a section first. Where there are groups of threads, they share out the sections in order. True for the one thread that owns the part and has its y: whoever has
/// not goes no farther with it. Every thread of the block calls it.
template <int WIDTH, class Cut, class X, int ROWS, int GROUPS>
__device__ bool multiply(const Tile<Cut>& tile, const Part<Cut>& part, const X& x, const real* w, real (&y)[ROWS][GROUPS][2]) {
  constexpr int units = X::units, parts = X::numbers / (units * part_features), sections = sections_of(parts), size = parts / sections;
  constexpr int per = X::rows / Cut::tile, tiles = ROWS / 2, step = units * fragment_words(TENSOR);
  using Weights = GroupWeights<units>;
  const unsigned* weights = reinterpret_cast<const unsigned*>(w) + part.feature / 16 * (parts * GROUPS * step);
  PartInputs<tiles, units> inputs;
  if constexpr (Cut::split == 1) {
    clear_sums(y);
    real sum[ROWS][GROUPS][2] = {};
    constexpr int steps = parts * GROUPS, ahead = smaller(Cut::steps_ahead(GROUPS), steps);
    if (!part.here) return false;
    Weights under_way[ahead];
#pragma unroll
    for (int s = 0; s < ahead; s++) under_way[s] = Weights(weights + s * step);
    // As many parts at once as let what is under way have registers of its own.
    constexpr int at_once = GROUPS % ahead == 0 ? 1 : parts % ahead == 0 ? ahead : parts;
#pragma unroll 1
    for (int first = 0; first < parts; first += at_once)
#pragma unroll
      for (int n = 0; n < at_once; n++) {
        const int p = first + n;
        inputs.template load<per>(x, part.first, p);
#pragma unroll
        for (int g = 0; g < GROUPS; g++) {
          Weights& own = under_way[(n * GROUPS + g) % ahead];
          add_part<per>(own, inputs, g, sum);
          own = Weights(weights + min(p * GROUPS + g + ahead, steps - 1) * step);
        }
        if ((p + 1) % size != 0) continue;
        add_sums(y, sum);
        clear_sums(sum);
      }
    return true;
  } else {
    // A group has one section, or two one after the other.
    constexpr int last = Cut::split - 1, each = larger(sections / Cut::split, 1), steps = each * size * GROUPS, ahead = smaller(steps, Cut::steps_before);
    real* own = tile.exchange + threadIdx.x % Cut::lanes;
    const auto place = [&](int group, int r, int g, int c) -> real& { return own[(((group * ROWS + r) * GROUPS + g) * 2 + c) * Cut::lanes]; };
    real sum[each][ROWS][GROUPS][2] = {};
    const bool has_section = part.here && part.group * each < sections;
    Weights under_way[ahead];
    if (has_section) {
      weights += part.group * steps * step;
#pragma unroll
      for (int s = 0; s < ahead; s++) under_way[s] = Weights(weights + s * step);
    }
    receive(tile);
    if (has_section) {
#pragma unroll
      for (int s = 0; s < steps; s++) {
        if (s % GROUPS == 0) inputs.template load<per>(x, part.first, part.group * each * size + s / GROUPS);
        add_part<per>(under_way[s % ahead], inputs, s % GROUPS, sum[s / (size * GROUPS)]);
        if (s + ahead < steps) under_way[s % ahead] = Weights(weights + (s + ahead) * step);
      }
      if (part.group < last) {
#pragma unroll
        for (int r = 0; r < ROWS; r++)
#pragma unroll
          for (int g = 0; g < GROUPS; g++)
#pragma unroll
            for (int c = 0; c < 2; c++) place(part.group, r, g, c) = each == 1 ? sum[0][r][g][c] : sum[0][r][g][c] + sum[each - 1][r][g][c];
      }
    }
    __syncthreads();
    if (part.owned()) {
#pragma unroll
      for (int r = 0; r < ROWS; r++)
#pragma unroll
        for (int g = 0; g < GROUPS; g++)
#pragma unroll
          for (int c = 0; c < 2; c++) {
            real total = 0;
            for (int group = 0; group < smaller(last, sections / each); group++) total += place(group, r, g, c);
            if constexpr (last * each < sections)
              for (int n = 0; n < each; n++) total += sum[n][r][g][c];
            y[r][g][c] = total;
          }
    }
    __syncthreads();
    return part.owned();
  }
}

/// The same on the way back: x holds some blocks of features by parts.
template <int WIDTH, class Cut, class X, int ROWS, int GROUPS>
__device__ bool multiply_back(const Tile<Cut>& tile, const Part<Cut>& part, const X& x, const real* w, real (&y)[ROWS][GROUPS][2]) {
  return multiply<WIDTH>(tile, part, x, w, y);
}

}  // namespace painnless::cuda
