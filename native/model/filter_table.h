#pragma once
// The filters of a model, tabulated: quintic splines of the distance, whose own derivative is W', so that forces remain the gradient of the energy
// (docs/theory.md, section 15).
#include <vector>

#include "../model.h"

namespace painnless {

struct FilterTable {
  int intervals = 0;                              // of [0, cutoff]; 0: no table of up to 1024 follows these filters, they are to be computed directly
  std::vector<std::vector<double>> coefficients;  // of each layer, (intervals + spline_degree, 3F): blocks of F as the weights have them

  FilterTable() = default;
  explicit FilterTable(const Weights& weights);
};

}  // namespace painnless
