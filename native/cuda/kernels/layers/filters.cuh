#pragma once
// Filters on tensor cores, for float32 (docs/theory.md, T10 and T11): rows are edges, inputs the radial functions times the cutoff and then the cutoff itself,
// columns features. Both factors are scaled by powers of two and split into two fp16 numbers. The large ones are multiples of one power of two for an edge, and of
// one for a feature's weights, so a sum of their products fits a float but for a bit or two: cards cut sums off, and have nearly nothing to cut. What the products
// of the two small ones would add is left out. An element depends on its edge and feature alone, wherever it stands among sixteen edges and eight features.
#include "layers/radial.cuh"
#include "layers/sums.cuh"
#include "tensor.cuh"

namespace painnless::cuda {

constexpr int input_groups = filter_groups(RADIAL);          // of eight inputs
constexpr int input_words = filter_row_words(RADIAL);        // of an edge: (4 lanes, groups, the large and the small part)
constexpr int weight_words = filter_fragment_words(RADIAL);  // of eight features: (32 lanes, groups, the large and the small part)

/// The large and the small parts of two neighbouring numbers.
struct alignas(8) Parts {
  unsigned part[2];
};
__device__ Parts parts_at(const unsigned* at) { return *reinterpret_cast<const Parts*>(at); }

/// Two numbers below twice the power of two that `bound` begins with: 11 bits of the multiple of its 4096th that is nearest, and the rest.
__device__ Parts parts_of(real x0, real x1, real bound) {
  const real power = __uint_as_float(__float_as_uint(bound) & 0x7F800000u), turn = 1.5f * (1 << 11) * power;  // of which that is the last bit
  const unsigned large = rounded<Format::fp16>((x0 + turn) - turn, (x1 + turn) - turn);
  return {large, rounded<Format::fp16>(x0 - half_of<Format::fp16, 0>(large), x1 - half_of<Format::fp16, 1>(large))};
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

/// What a lane gives of the inputs of sixteen edges: those of rows g and g + 8.
struct FilterInputs {
  Parts row[2][input_groups];
  /// From the rows of two edges; a row that is no edge's is all zeros.
  __device__ FilterInputs(const unsigned* first, bool first_there, const unsigned* second, bool second_there) {
    const int t = lane_index() % 4;
#pragma unroll
    for (int group = 0; group < input_groups; group++) {
      row[0][group] = first_there ? parts_at(first + (t * input_groups + group) * 2) : Parts{};
      row[1][group] = second_there ? parts_at(second + (t * input_groups + group) * 2) : Parts{};
    }
  }
};

/// W of sixteen edges and eight features; `fragment` holds their weights, this lane's first. The small products are summed apart from the large ones.
template <class Fragment> __device__ void filter_of(const FilterInputs& in, const Fragment& fragment, float (&w)[4]) {
  float small[4] = {};
  const auto product = [&](float (&sum)[4], int group, int part, int weight_part) {
    const Parts *first = in.row[0] + group, *second = in.row[1] + group;
    if (group + 1 < input_groups)
      multiply_add<Format::fp16>(sum, first[0].part[part], second[0].part[part], first[1].part[part], second[1].part[part],
                                 fragment(group).part[weight_part], fragment(group + 1).part[weight_part]);
    else
      multiply_add<Format::fp16>(sum, first[0].part[part], second[0].part[part], fragment(group).part[weight_part]);
  };
#pragma unroll
  for (int group = 0; group < input_groups; group += 2) {
    product(small, group, 1, 0);
    product(small, group, 0, FAULT(31, 0, 1));
  }
#pragma unroll
  for (int n = 0; n < 4; n++) w[n] = small[n];
#pragma unroll
  for (int group = 0; group < input_groups; group += 2) {
    float large[4] = {};
    product(large, group, 0, 0);
#pragma unroll
    for (int n = 0; n < 4; n++) w[n] += large[n];
  }
}

}  // namespace painnless::cuda
