#include "elements.h"

#include <cmath>

#include "../model/blocks.h"
#include "pack.h"

namespace painnless::cuda {

std::vector<double> element_contexts(const Weights& weights) {
  const int f = weights.config.features;
  const Linear &first = weights.painn[0].context1, &second = weights.painn[0].context2;
  std::vector<double> out, h(static_cast<size_t>(f)), x(3 * static_cast<size_t>(f));
  for (int z = 0; z <= weights.config.max_z; z++) {
    const auto q = weights.embedding.subspan(static_cast<size_t>(z) * f, f);
    const auto product = [&](const Linear& linear, std::span<const double> in, int row) {
      double sum = linear.bias[row];
      for (int k = 0; k < linear.inputs; k++) sum += linear.weight[static_cast<size_t>(row) * linear.inputs + k] * in[k];
      return sum;
    };
    for (int n = 0; n < f; n++) {
      const double value = product(first, q, n);
      h[n] = value / (1 + std::exp(-value));
    }
    for (int n = 0; n < 3 * f; n++) x[n] = product(second, h, n);
    const auto row = padded_vector(x, {3, f});
    out.insert(out.end(), row.begin(), row.end());
  }
  return out;
}

}  // namespace painnless::cuda
