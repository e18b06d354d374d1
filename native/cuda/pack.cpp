#include "pack.h"

namespace painnless::cuda {

std::vector<double> forward_matrix(const Linear& linear, Blocks outputs, Blocks inputs) {
  std::vector<double> matrix(static_cast<size_t>(inputs.size()) * outputs.size(), 0.0);
  for (int k = 0; k < inputs.size(); k++)
    for (int n = 0; n < outputs.size(); n++) {
      const int row = outputs.index(n), column = inputs.index(k);
      if (row >= 0 && column >= 0) matrix[static_cast<size_t>(k) * outputs.size() + n] = linear.weight[static_cast<size_t>(row) * linear.inputs + column];
    }
  return matrix;
}

std::vector<double> adjoint_matrix(const Linear& linear, Blocks outputs, Blocks inputs) {
  std::vector<double> matrix(static_cast<size_t>(inputs.size()) * outputs.size(), 0.0);
  for (int k = 0; k < outputs.size(); k++)
    for (int n = 0; n < inputs.size(); n++) {
      const int row = outputs.index(k), column = inputs.index(n);
      if (row >= 0 && column >= 0) matrix[static_cast<size_t>(k) * inputs.size() + n] = linear.weight[static_cast<size_t>(row) * linear.inputs + column];
    }
  return matrix;
}

std::vector<double> padded_vector(std::span<const double> vector, Blocks blocks) {
  std::vector<double> out(static_cast<size_t>(blocks.size()), 0.0);
  for (int n = 0; n < blocks.size(); n++)
    if (blocks.index(n) >= 0) out[n] = vector[blocks.index(n)];
  return out;
}

Linear rows_of(const Linear& linear, int width, std::vector<int> blocks, std::vector<double>& weight, std::vector<double>& bias) {
  for (const int block : blocks) {
    const size_t first = static_cast<size_t>(block) * width, row = linear.inputs;
    weight.insert(weight.end(), linear.weight.begin() + first * row, linear.weight.begin() + (first + width) * row);
    bias.insert(bias.end(), linear.bias.begin() + first, linear.bias.begin() + first + width);
  }
  return {static_cast<int>(blocks.size()) * width, linear.inputs, weight, bias};
}

}  // namespace painnless::cuda
