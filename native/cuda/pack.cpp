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

}  // namespace

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
