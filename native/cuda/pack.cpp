#include "pack.h"

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

/// Fragments of `groups` blocks of `width` results, each summed over parts of so many units: element(group, feature, part, unit, input of the unit).
template <class Element> std::vector<double> fragments_of(int groups, int width, int parts, int units, Element element) {
  std::vector<double> all;
  all.reserve(static_cast<size_t>(groups) * width * parts * units * part_features);
  for (int tile = 0; tile < width / 16; tile++)
    for (int p = 0; p < parts; p++)
      for (int g = 0; g < groups; g++)
        for (int u = 0; u < units; u++)
          for (int n = 0; n < fragment_numbers; n++) all.push_back(element(g, 16 * tile + n / 16 * 2 + n / 2 % 2, p, u, n / 4 % 4 * 2 + n % 2));
  return all;
}

}  // namespace

std::vector<double> forward_fragments(const Linear& linear, Blocks outputs, Blocks inputs) {
  const int width = padded(outputs.width), parts = inputs.size() / (forward_units * part_features);
  return fragments_of(outputs.blocks, width, parts, forward_units, [&](int group, int feature, int part, int unit, int k) {
    return padded_weight(linear, outputs, group * width + feature, inputs, (part * forward_units + unit) * part_features + k);
  });
}

std::vector<double> adjoint_fragments(const Linear& linear, Blocks outputs, Blocks inputs) {
  const int width = padded(inputs.width), own = padded(outputs.width);
  return fragments_of(inputs.blocks, width, own / part_features, outputs.blocks, [&](int group, int feature, int part, int unit, int k) {
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
