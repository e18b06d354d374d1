#include "filter_table.h"

#include <algorithm>

#include "radial.h"
#include "spline.h"

namespace painnless {
namespace {

/// Both networks' filters in double: exact(layer, d) fills W and W' (3F each), blocks of F.
class ExactFilters {
 public:
  explicit ExactFilters(const Weights& weights) : weights_(weights), radial_{weights.config.basis, weights.config.cutoff, weights.offsets, weights.widths} {}
  void evaluate(int layer, double d, double* w, double* slope) const {
    const int r = radial_.size(), f = weights_.config.features;
    std::vector<double> x(r + 1), x_slope(r + 1);
    evaluate_inputs(radial_, d, x.data(), x_slope.data());
    if (weights_.config.architecture == Architecture::painn) {
      const Linear& a = weights_.painn[layer].filter;
      for (int n = 0; n < 3 * f; ++n) {
        w[n] = x[r] * a.bias[n];
        slope[n] = x_slope[r] * a.bias[n];
        for (int k = 0; k < r; ++k) {
          w[n] += a.weight[n * r + k] * x[k];
          slope[n] += a.weight[n * r + k] * x_slope[k];
        }
      }
      return;
    }
    const DistillerLayer& net = weights_.distiller[layer];
    std::vector<double> h(f), h_slope(f);
    for (int n = 0; n < f; ++n) {
      double z = net.filter1.bias[n], z_slope = 0;
      for (int k = 0; k < r; ++k) {
        z += net.filter1.weight[n * r + k] * x[k];
        z_slope += net.filter1.weight[n * r + k] * x_slope[k];
      }
      const double sigma = 1 / (1 + std::exp(-z));
      h[n] = z * sigma;
      h_slope[n] = sigma * (1 + z * (1 - sigma)) * z_slope;
    }
    for (int n = 0; n < 3 * f; ++n) {
      w[n] = net.filter2.bias[n];
      slope[n] = 0;
      for (int k = 0; k < f; ++k) {
        w[n] += net.filter2.weight[static_cast<size_t>(n) * f + k] * h[k];
        slope[n] += net.filter2.weight[static_cast<size_t>(n) * f + k] * h_slope[k];
      }
    }
  }

 private:
  const Weights& weights_;
  RadialFunctions radial_;
};

/// One layer's coefficients; empty unless they follow W within 1e-8 and W' within 3e-7 of their largest values.
std::vector<double> fit(const ExactFilters& exact, const Config& config, int layer, int intervals) {
  const int columns = 3 * config.features, size = intervals + spline_degree;
  const double step = config.cutoff / intervals;
  const auto sites = spline_sites(intervals);
  std::vector<double> values(static_cast<size_t>(size) * columns), slope(columns), w(columns);
  for (int s = 0; s < size; ++s) exact.evaluate(layer, std::max(sites[s] * step, 1e-9), &values[static_cast<size_t>(s) * columns], slope.data());
  auto c = fit_spline(intervals, columns, std::move(values));
  double largest = 0, largest_slope = 0, error = 0, slope_error = 0;
  for (int i = 0; i < intervals; ++i)
    for (double inside : {0.25, 0.75}) {
      exact.evaluate(layer, (i + inside) * step, w.data(), slope.data());
      const SplineBasis basis(inside);
      for (int n = 0; n < columns; ++n) {
        double value = 0, derivative = 0;
        for (int k = 0; k <= spline_degree; ++k) value += basis.value[k] * c[static_cast<size_t>(i + k) * columns + n];
        for (int k = 0; k < spline_degree; ++k)
          derivative += basis.slope[k] / step * (c[static_cast<size_t>(i + k + 1) * columns + n] - c[static_cast<size_t>(i + k) * columns + n]);
        largest = std::max(largest, std::abs(w[n]));
        largest_slope = std::max(largest_slope, std::abs(slope[n]));
        error = std::max(error, std::abs(value - w[n]));
        slope_error = std::max(slope_error, std::abs(derivative - slope[n]));
      }
    }
  if (!(error <= 1e-8 * largest && slope_error <= 3e-7 * largest_slope)) c.clear();
  return c;
}

}  // namespace

FilterTable::FilterTable(const Weights& weights) {
  const ExactFilters exact(weights);
  for (const int tried : {128, 160, 192, 256, 384, 512, 768, 1024}) {
    for (int t = 0; t < weights.config.layers; ++t) {
      auto fitted = fit(exact, weights.config, t, tried);
      if (fitted.empty()) break;
      coefficients.push_back(std::move(fitted));
    }
    if (static_cast<int>(coefficients.size()) == weights.config.layers) {
      intervals = tried;
      return;
    }
    coefficients.clear();
  }
}

}  // namespace painnless
