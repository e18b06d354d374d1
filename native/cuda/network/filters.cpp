#include "filters.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "../../model/blocks.h"
#include "half.h"
#include "../kernels/shapes.h"

namespace painnless::cuda {
namespace {

/// The power of two that brings `largest` close below 2^places, or to it.
double scale_for(double largest, int places) {
  if (!(largest > 0) || !std::isfinite(largest)) return 1;
  int exponent;
  if (std::frexp(largest, &exponent) == 0.5) exponent--;
  return std::ldexp(1, places - exponent);
}

/// A lane's words of one row and two neighbouring inputs.
struct SplitPair {
  uint32_t part[2] = {};  // large, small
};

/// Adds the weights of sixteen features: weight(input, row). A feature's large parts are multiples of one power of two.
template <class Weight> void add_half(std::vector<double>& words, int radial, Weight weight) {
  double unit[16];
  for (int row = 0; row < 16; row++) {
    double largest = 0;
    for (int input = 0; input <= radial; input++) largest = std::max(largest, std::fabs(weight(input, row)));
    unit[row] = 1 / scale_for(largest, 11);
  }
  const auto pair_of = [&](int group, int lane, int upper) {
    SplitPair pair;
    for (int k = 0; k < 2; k++) {
      const int input = 8 * group + 2 * (lane % 4) + k, row = lane / 4 + 8 * upper;
      double rest = input <= radial ? weight(input, row) : 0, multiple = unit[row] * std::nearbyint(rest / unit[row]);
      rest -= multiple;
      pair.part[0] |= take_half(multiple) << 16 * k;
      pair.part[1] |= take_half(rest) << 16 * k;
    }
    return pair;
  };
  const int groups = filter_groups(radial);
  for (int group = 0; group + 1 < groups; group += 2)
    for (int part = 0; part < 2; part++)
      for (int lane = 0; lane < 32; lane++)
        for (int n = 0; n < 4; n++) words.push_back(pair_of(group + n / 2, lane, n % 2).part[part]);
  if (groups % 2 == 1)
    for (int lane = 0; lane < 32; lane++)
      for (int n = 0; n < 4; n++) words.push_back(pair_of(groups - 1, lane, n % 2).part[n / 2]);
}

/// The power of two that brings a layer's weights below 2^14.
double filter_scale(const Linear& filter) {
  double largest = 0;
  for (const double w : filter.weight) largest = std::max(largest, std::fabs(w));
  for (const double b : filter.bias) largest = std::max(largest, std::fabs(b));
  return scale_for(largest, 14);
}

/// Scaled. Input R is the cutoff, its weight the bias; padding is zero.
struct ScaledFilter {
  const Linear& filter;
  int features, radial;
  double scale = filter_scale(filter);
  double operator()(int block, int feature, int input) const {
    if (feature >= features) return 0;
    const size_t row = static_cast<size_t>(block) * features + feature;
    return scale * (input < radial ? filter.weight[row * radial + input] : filter.bias[row]);
  }
};

}  // namespace

InputScales::InputScales(const Weights& weights) {
  const bool bessel = weights.config.basis == RadialBasis::bessel;
  const double steepest_cutoff = std::numbers::pi / (2 * weights.config.cutoff);  // |f'|
  double phi = 1, phi_slope = 0;
  for (const double o : weights.offsets)
    if (bessel) phi = std::max(phi, std::fabs(o)), phi_slope = std::max(phi_slope, 0.44 * o * o);  // (sin x / x)' is 0.436 at most
  for (const double w : weights.widths) {
    const double gamma = (weights.config.basis == RadialBasis::gaussian_half ? 0.5 : 1.0) / (w * w);
    phi_slope = std::max(phi_slope, std::sqrt(2 * gamma) * 0.61);  // exp(-1/2) is 0.6065
  }
  value = scale_for(phi, 13);
  slope = scale_for(steepest_cutoff * phi + phi_slope, 13);
}

std::vector<double> slice_weights(const Linear& filter, int features, int radial) {
  const ScaledFilter scaled{filter, features, radial};
  std::vector<double> words;
  for (int first = 0; first < padded(features); first += slice_features)
    for (int block = 0; block < 3; block++)
      for (int half = 0; half < 2; half++)
        add_half(words, radial, [&](int input, int row) { return scaled(block, first + 4 * (row % 8) + 2 * half + row / 8, input); });
  return words;
}

std::vector<double> resident_filter_weights(const Weights& weights, const ResidentRoom& room) {
  std::vector<ScaledFilter> layers;
  for (const PainnLayer& layer : weights.painn) layers.push_back({layer.filter, weights.config.features, room.radial});
  std::vector<double> words;
  for (int rank = 0; rank < room.members(); rank++)
    for (int two = 0; two < room.filter_pairs(); two++)
      add_half(words, room.radial, [&](int input, int row) {
        const int n = 2 * two + row / part_features, feature = part_features * rank + row % part_features;
        return n < room.filters() ? layers[static_cast<size_t>(room.filter_layer(n))](room.filter_block(n), feature, input) : 0;
      });
  return words;
}

FilterScales::FilterScales(const Linear& filter, const InputScales& inputs) {
  const double scale = filter_scale(filter);
  of_value = 1 / (scale * inputs.value), of_slope = 1 / (scale * inputs.slope);
}

}  // namespace painnless::cuda
