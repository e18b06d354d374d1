#pragma once
// Filters that a test gives instead of a network: the message is probed apart from what makes its filters.
#include "../layers/filter.h"
#include "rows.h"

namespace painnless::PAINNLESS_ISA {

/// One radial function for each pair's W and one for its W', each 1 for that pair and 0 for the others.
class GivenFilters {
 public:
  /// W and W' (edges, 3F); `edges` names the one that stands for each pair.
  GivenFilters(const Weights& model, const Values& w, const Values& slope, const std::vector<size_t>& edges)
      : pairs_(edges.size()), radial_(2 * pairs_), weights_(model) {
    const size_t rows = 3 * static_cast<size_t>(model.config.features);
    weight_.resize(rows * radial_.size());
    bias_.resize(rows);
    for (size_t n = 0; n < rows; ++n)
      for (size_t p = 0; p < pairs_; ++p) {
        weight_[(2 * n) * pairs_ + p] = w[edges[p] * rows + n];
        weight_[(2 * n + 1) * pairs_ + p] = slope[edges[p] * rows + n];
      }
    PainnLayer layer{};
    layer.filter = {static_cast<int>(rows), static_cast<int>(radial_.size()), weight_, bias_};
    weights_.config.architecture = Architecture::painn;  // the one whose filters are linear in the radial functions
    weights_.config.layers = 1;
    weights_.offsets = weights_.widths = radial_;
    weights_.painn = {layer};
  }
  GivenFilters(const GivenFilters&) = delete;
  GivenFilters& operator=(const GivenFilters&) = delete;

  const Weights& weights() const { return weights_; }

  /// Sets the radial functions of every pair, of which Filters(weights(), false) makes W and W'.
  template <class Real> void choose(const FilterInputs<Real>& inputs) const {
    const size_t width = radial_.size() + 1;
    std::fill_n(inputs.value, pairs_ * width, Real(0));
    std::fill_n(inputs.slope, pairs_ * width, Real(0));
    for (size_t p = 0; p < pairs_; ++p) inputs.value[p * width + p] = inputs.slope[p * width + pairs_ + p] = Real(1);
  }

 private:
  size_t pairs_;
  Values radial_, weight_, bias_;
  Weights weights_;
};

}  // namespace painnless::PAINNLESS_ISA
