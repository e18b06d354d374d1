#include "elements.h"

#include <cmath>

#include "../../model/blocks.h"
#include "pack.h"

namespace painnless::cuda {

namespace {

/// y = W x + b of many x, whose sums go over the inputs one after the other for all outputs at once: rows of W transposed are what vector instructions read.
class Product {
 public:
  explicit Product(const Linear& linear) : bias_(linear.bias), columns_(linear.weight.size()), outputs_(static_cast<size_t>(linear.outputs)) {
    const size_t inputs = static_cast<size_t>(linear.inputs);
    for (size_t n = 0; n < outputs_; n++)
      for (size_t k = 0; k < inputs; k++) columns_[k * outputs_ + n] = linear.weight[n * inputs + k];
  }
  void operator()(std::span<const double> x, std::vector<double>& y) const {
    y.assign(bias_.begin(), bias_.end());
    for (size_t k = 0; k < x.size(); k++)
      for (size_t n = 0; n < outputs_; n++) y[n] += columns_[k * outputs_ + n] * x[k];
  }

 private:
  std::span<const double> bias_;
  std::vector<double> columns_;
  size_t outputs_;
};

}  // namespace

std::vector<double> element_contexts(const Weights& weights) {
  const int f = weights.config.features;
  const Product first(weights.painn[0].context1), second(weights.painn[0].context2);
  std::vector<double> out, h, x;
  for (int z = 0; z <= weights.config.max_z; z++) {
    first(weights.embedding.subspan(static_cast<size_t>(z) * f, f), h);
    for (double& value : h) value = value / (1 + std::exp(-value));
    second(h, x);
    const auto row = padded_vector(x, {3, f});
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

}  // namespace painnless::cuda
