#include "pack.h"

#include <algorithm>
#include <array>
#include <bit>
#include <numbers>

#include "kernels/shapes.h"

namespace painnless::cuda {
namespace {

/// (rows, columns) of element(row, column).
template <class Element> std::vector<double> matrix_of(int rows, int columns, Element element) {
  std::vector<double> matrix;
  matrix.reserve(static_cast<size_t>(rows) * columns);
  for (int r = 0; r < rows; r++)
    for (int c = 0; c < columns; c++) matrix.push_back(element(r, c));
  return matrix;
}

/// The nearest number of bf16, ties to even.
float nearest_bf16(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  return std::bit_cast<float>((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000u);
}

/// Three parts of a number, as split() of kernels/tensor.cuh makes them; in the upper half of each word.
std::array<uint32_t, 3> parts_of(double weight) {
  std::array<uint32_t, 3> parts;
  float rest = static_cast<float>(weight);
  for (uint32_t& part : parts) {
    const float nearest = nearest_bf16(rest);
    part = std::bit_cast<uint32_t>(nearest);
    rest -= nearest;
  }
  return parts;
}

/// Of a number whose digits are anybody's, cut off to 11 bits: the mean over log-uniform numbers is 1 - 2^-11 / (2 ln 2).
constexpr double mean_cut = 0x1p-12 / std::numbers::ln2;

/// The nearest number of TF32; ties away from zero.
float nearest_tf32(float x) { return std::bit_cast<float>((std::bit_cast<uint32_t>(x) + 0x1000) & ~0x1FFFu); }

/// Fragments of `groups` blocks of `width` results, each summed over parts of so many units: element(group, feature, part, unit, input of the unit).
template <class Element> std::vector<uint32_t> fragments_of(int tensor, int groups, int width, int parts, int units, Element element) {
  std::vector<uint32_t> all;
  all.reserve(static_cast<size_t>(groups) * width / 16 * parts * units * fragment_words(tensor));
  const auto add_mixed = [&](auto weight) {
    for (int unit = 0; unit < units; unit++)
      for (int lane = 0; lane < 32; lane++)
        for (int k = 0; k < 2; k++)
          for (int feature = 0; feature < 2; feature++) all.push_back(std::bit_cast<uint32_t>(factor_of(tensor, weight(lane, unit, feature, k))));
  };
  const auto add_split = [&](auto weight) {
    for (int u = 0; u < units; u += 2)
      for (size_t part = 0; part < split_words; part++)
        for (int lane = 0; lane < 32; lane++)
          for (int unit = u; unit < std::min(u + 2, units); unit++)
            for (int feature = 0; feature < 2; feature++)
              all.push_back(parts_of(weight(lane, unit, feature, 0))[part] >> 16 | parts_of(weight(lane, unit, feature, 1))[part]);
  };
  for (int tile = 0; tile < width / 16; tile++)
    for (int p = 0; p < parts; p++)
      for (int g = 0; g < groups; g++) {
        const auto weight = [&](int lane, int unit, int feature, int k) { return element(g, 16 * tile + lane / 4 * 2 + feature, p, unit, lane % 4 * 2 + k); };
        if (tensor == mixed_words) add_mixed(weight);
        else add_split(weight);
      }
  return all;
}

}  // namespace

float factor_of(int tensor, double weight) {
  return tensor == mixed_words ? nearest_tf32(static_cast<float>(weight * (1 + mean_cut))) : static_cast<float>(weight);
}

std::vector<uint32_t> forward_fragments(int tensor, const Linear& linear, Blocks outputs, Blocks inputs) {
  const int width = padded(outputs.width), parts = inputs.size() / (forward_units * part_features);
  return fragments_of(tensor, outputs.blocks, width, parts, forward_units, [&](int group, int feature, int part, int unit, int k) {
    return padded_weight(linear, outputs, group * width + feature, inputs, (part * forward_units + unit) * part_features + k);
  });
}

std::vector<uint32_t> adjoint_fragments(int tensor, const Linear& linear, Blocks outputs, Blocks inputs) {
  const int width = padded(inputs.width), own = padded(outputs.width);
  return fragments_of(tensor, inputs.blocks, width, own / part_features, outputs.blocks, [&](int group, int feature, int part, int unit, int k) {
    return padded_weight(linear, outputs, unit * own + part * part_features + k, inputs, group * width + feature);
  });
}

std::vector<double> forward_matrix(const Linear& linear, Blocks outputs, Blocks inputs) {
  return matrix_of(inputs.size(), outputs.size(), [&](int k, int n) { return padded_weight(linear, outputs, n, inputs, k); });
}

std::vector<double> adjoint_matrix(const Linear& linear, Blocks outputs, Blocks inputs) {
  const int width = padded(outputs.width);
  std::vector<double> matrix(static_cast<size_t>(outputs.size()) * inputs.size());
  for (int n = 0; n < outputs.size(); n++)
    for (int k = 0; k < inputs.size(); k++)
      matrix[static_cast<size_t>(by_parts(outputs.blocks, n / width, n % width)) * inputs.size() + k] = padded_weight(linear, outputs, n, inputs, k);
  return matrix;
}

std::vector<double> padded_vector(std::span<const double> vector, Blocks blocks) {
  return matrix_of(1, blocks.size(), [&](int, int n) { return blocks.index(n) < 0 ? 0.0 : vector[blocks.index(n)]; });
}

std::vector<double> padded_rows(std::span<const double> rows, int features) {
  return matrix_of(static_cast<int>(rows.size()) / features, padded(features),
                   [&](int r, int n) { return n < features ? rows[static_cast<size_t>(r) * features + n] : 0.0; });
}

}  // namespace painnless::cuda
