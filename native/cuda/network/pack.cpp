#include "pack.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "../../engine.h"
#include "half.h"
#include "../kernels/shapes.h"

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

/// Two parts of a weight, as split_of of kernels/layers/fragments.cuh makes them.
std::array<uint32_t, 2> parts_of(double weight) {
  constexpr double largest = 65504, small_scale = 2048;
  double rest = static_cast<float>(weight);
  if (!(std::fabs(rest) <= largest))
    throw InputError("UNSUPPORTED", "weights",
                     "the model has a weight of " + std::to_string(weight) + "; in float32 and mixed precision, tensor cores take numbers up to 65,504: use native:cuda:f64 or native:cpu:f64");
  const uint32_t large = take_half(rest);
  rest *= small_scale;
  return {large, take_half(rest)};
}

/// Fragments of `groups` blocks of `width` results, each summed over parts of so many units: element(group, feature, part, unit, input of the unit).
template <class Element> std::vector<uint32_t> fragments_of(int tensor, int groups, int width, int parts, int units, Element element) {
  std::vector<uint32_t> all(static_cast<size_t>(groups) * width / 16 * parts * units * fragment_words(tensor));
  uint32_t* to = all.data();
  for (int tile = 0; tile < width / 16; tile++)
    for (int p = 0; p < parts; p++)
      for (int g = 0; g < groups; g++)
        for (int u = 0; u < units; u += 2) {
          const int together = std::min(2, units - u), words = 32 * 2 * together;  // of each part of the numbers
          for (int lane = 0; lane < 32; lane++)
            for (int unit = u; unit < u + together; unit++)
              for (int feature = 0; feature < 2; feature++) {
                const auto weight = [&](int k) { return parts_of(element(g, 16 * tile + lane / 4 * 2 + feature, p, unit, lane % 4 * 2 + k)); };
                const auto first = weight(0), second = weight(1);
                for (int number = 0; number < tensor; number++) to[number * words] = first[static_cast<size_t>(number)] | second[static_cast<size_t>(number)] << 16;
                to++;
              }
          to += (tensor - 1) * words;
        }
  return all;
}

}  // namespace

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
