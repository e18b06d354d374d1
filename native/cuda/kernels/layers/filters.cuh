#pragma once
// Filters on tensor cores, for float32 (docs/theory.md, T10 and T11): rows are features, inputs the radial functions times the cutoff and then the cutoff itself,
// columns edges. Both factors are scaled by powers of two and split into two fp16 numbers. The large ones are multiples of one power of two for an edge, and of
// one for a feature's weights, so a sum of their products fits a float but for a bit or two: cards cut sums off, and have nearly nothing to cut. What the products
// of the two small ones would add is left out. An element depends on its edge and feature alone, wherever it stands among eight edges and sixteen features.
#include "layers/radial.cuh"
#include "layers/sums.cuh"
#include "tensor.cuh"

namespace painnless::cuda {

// Inputs go by groups of eight, and those by pairs, as an instruction takes them; the last may be alone.
constexpr int input_groups = filter_groups(RADIAL), input_pairs = input_groups / 2;
constexpr bool input_rest = input_groups % 2 == 1;
constexpr int input_words = filter_row_words(RADIAL);  // of an edge: (pairs, 4 lanes, large and small part, 2 groups), (4 lanes, large and small part)
constexpr int half_words = filter_half_words(RADIAL);  // of sixteen features' weights: (pairs, parts, 32 lanes, what an instruction takes), (32 lanes, parts, 2)
constexpr int at_least_one(int count) { return count > 0 ? count : 1; }

/// Where a row has what lane t gives of a pair of groups, and of the last one.
__device__ int pair_at(int p, int t) { return p * 16 + t * 4; }
__device__ int rest_at(int t) { return input_pairs * 16 + t * 2; }

/// The large and the small parts of two neighbouring numbers.
struct alignas(8) Parts {
  unsigned part[2];
};
__device__ void store_pair(unsigned* at, const Parts (&of)[2]) {
  *reinterpret_cast<Pack<4, unsigned>*>(at) = {{of[0].part[0], of[1].part[0], of[0].part[1], of[1].part[1]}};
}

/// Two numbers below twice the power of two that `bound` begins with: 11 bits of the multiple of its 4096th that is nearest, and the rest.
__device__ Parts parts_of(real x0, real x1, real bound) {
  const real power = __uint_as_float(__float_as_uint(bound) & 0x7F800000u), turn = 1.5f * (1 << 11) * power;  // of which that is the last bit
  const unsigned large = rounded((x0 + turn) - turn, (x1 + turn) - turn);
  return {large, rounded(x0 - half_of<0>(large), x1 - half_of<1>(large))};
}

/// Inputs 8 group + 2 t and the one after it of an edge, and their derivatives, scaled. f, f_slope: T5.
__device__ void filter_inputs(const Radial<real>& radial, int group, int t, real d, real rest, real f, real f_slope, Parts& value, Parts& slope) {
  real values[2], slopes[2];
#pragma unroll
  for (int k = 0; k < 2; k++) {
    const int r = 8 * group + 2 * t + k;
    real phi = r == RADIAL, phi_slope = 0;
    if (r < RADIAL) radial_function(radial, r, d, rest, phi, phi_slope);
    values[k] = f * phi * radial.value_scale;
    slopes[k] = two_products(f_slope, phi, f, phi_slope) * radial.slope_scale;
  }
  constexpr real most = 1 << 13;  // of any edge's, as scaled; by what the cutoff leaves of it, of this one's
  value = parts_of(values[0], values[1], most * f);
  slope = parts_of(slopes[0], slopes[1], most * fmax(f, 2 * radial.cutoff / pi * fabs(f_slope)));
}

/// What a lane gives of the inputs of eight edges: those of column g.
struct FilterInputs {
  Pack<4, unsigned> pair[at_least_one(input_pairs)];
  Pack<2, unsigned> rest;
  FilterInputs() = default;
  /// `rows` of all edges; where there is no edge, all are zeros.
  __device__ FilterInputs(const unsigned* rows, int edge, bool there) {
    const unsigned* row = rows + static_cast<long long>(edge) * input_words;
    const int t = lane_index() % 4;
#pragma unroll
    for (int p = 0; p < input_pairs; p++) pair[p] = there ? *reinterpret_cast<const Pack<4, unsigned>*>(row + pair_at(p, t)) : Pack<4, unsigned>{};
    if constexpr (input_rest) rest = there ? *reinterpret_cast<const Pack<2, unsigned>*>(row + rest_at(t)) : Pack<2, unsigned>{};
  }
};

/// What a lane gives of the weights of sixteen features.
struct FilterWeights {
  const unsigned* half;
  __device__ Pack<4, unsigned> pair(int p, int part) const { return at((2 * p + part) * 32); }
  __device__ Pack<4, unsigned> rest() const { return at(2 * input_pairs * 32); }

 private:
  __device__ Pack<4, unsigned> at(int lanes) const { return *reinterpret_cast<const Pack<4, unsigned>*>(half + (lanes + lane_index()) * 4); }
};
/// The same, in registers.
struct HeldFilterWeights {
  Pack<4, unsigned> pairs[at_least_one(input_pairs)][2], last;
  __device__ void fetch(const FilterWeights& from) {
#pragma unroll
    for (int p = 0; p < input_pairs; p++)
#pragma unroll
      for (int part = 0; part < 2; part++) pairs[p][part] = from.pair(p, part);
    if constexpr (input_rest) last = from.rest();
  }
  __device__ const Pack<4, unsigned>& pair(int p, int part) const { return pairs[p][part]; }
  __device__ const Pack<4, unsigned>& rest() const { return last; }
};

/// W of sixteen features and eight edges. The small products are summed apart from the large ones.
template <class Weights> __device__ void filter_of(const FilterInputs& in, const Weights& weights, float (&w)[4]) {
  const auto add_pair = [&](float (&sum)[4], int p, int part, int weight_part) {
    const Pack<4, unsigned> rows = weights.pair(p, weight_part);
    multiply_add(sum, rows.v[0], rows.v[1], rows.v[2], rows.v[3], in.pair[p].v[2 * part], in.pair[p].v[2 * part + 1]);
  };
  const auto add_rest = [&](float (&sum)[4], int part, int weight_part) {
    const Pack<4, unsigned> rows = weights.rest();
    multiply_add(sum, rows.v[2 * weight_part], rows.v[2 * weight_part + 1], in.rest.v[part]);
  };
#pragma unroll
  for (int n = 0; n < 4; n++) w[n] = 0;
#pragma unroll
  for (int p = 0; p < input_pairs; p++) {
    add_pair(w, p, 1, 0);
    add_pair(w, p, 0, FAULT(31, 0, 1));
  }
  if constexpr (input_rest) {
    add_rest(w, 1, 0);
    add_rest(w, 0, FAULT(31, 0, 1));
  }
  // Sums of large products as long as a float holds them: of two groups, and with the last pair the group that is left.
#pragma unroll
  for (int p = 0; p < at_least_one(input_pairs); p++) {
    float large[4] = {};
    if (p < input_pairs) add_pair(large, p, 0, 0);
    if (input_rest && p + 1 >= input_pairs) add_rest(large, 0, 0);
#pragma unroll
    for (int n = 0; n < 4; n++) w[n] += large[n];
  }
}

}  // namespace painnless::cuda
