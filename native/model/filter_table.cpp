#include "filter_table.h"

#include <algorithm>

#include "radial.h"
#include "spline.h"

namespace painnless {
namespace {

/// (inputs, outputs): sums of neighbouring outputs go side by side.
struct Turned {
  int inputs, outputs;
  std::vector<double> weight;

  explicit Turned(const Linear& linear) : inputs(linear.inputs), outputs(linear.outputs) {
    for (int k = 0; k < inputs; ++k)
      for (int n = 0; n < outputs; ++n) weight.push_back(linear.weight[static_cast<size_t>(n) * inputs + k]);
  }
  /// y += W x and y_slope += W x_slope, inputs in their order.
  void add_to(double* y, double* y_slope, const double* x, const double* x_slope) const {
    for (int k = 0; k < inputs; ++k) {
      const double* row = &weight[static_cast<size_t>(k) * outputs];
      for (int n = 0; n < outputs; ++n) y[n] += row[n] * x[k];
      for (int n = 0; n < outputs; ++n) y_slope[n] += row[n] * x_slope[k];
    }
  }
};

/// A layer's filters in double: evaluate(d) fills W and W' (3F each), blocks of F.
class ExactFilter {
 public:
  ExactFilter(const Weights& weights, int layer) : radial_{weights.config.basis, weights.config.cutoff, weights.offsets, weights.widths} {
    if (weights.config.architecture == Architecture::painn) {
      add(weights.painn[layer].filter);
    } else {
      add(weights.distiller[layer].filter1);
      add(weights.distiller[layer].filter2);
    }
  }
  void evaluate(double d, double* w, double* slope) const {
    const int r = radial_.size();
    std::vector<double> x(r + 1), x_slope(r + 1);
    evaluate_inputs(radial_, d, x.data(), x_slope.data());
    const Turned& first = products_[0];
    if (products_.size() == 1) {
      for (int n = 0; n < first.outputs; ++n) {
        w[n] = x[r] * biases_[0][n];
        slope[n] = x_slope[r] * biases_[0][n];
      }
      first.add_to(w, slope, x.data(), x_slope.data());
      return;
    }
    std::vector<double> h(biases_[0].begin(), biases_[0].end()), h_slope(h.size());
    first.add_to(h.data(), h_slope.data(), x.data(), x_slope.data());
    for (int n = 0; n < first.outputs; ++n) {
      const double z = h[n], sigma = 1 / (1 + std::exp(-z));
      h[n] = z * sigma;
      h_slope[n] *= sigma * (1 + z * (1 - sigma));
    }
    std::copy(biases_[1].begin(), biases_[1].end(), w);
    std::fill_n(slope, biases_[1].size(), 0.0);
    products_[1].add_to(w, slope, h.data(), h_slope.data());
  }

 private:
  void add(const Linear& linear) {
    products_.emplace_back(linear);
    biases_.push_back(linear.bias);
  }

  RadialFunctions radial_;
  std::vector<Turned> products_;
  std::vector<std::span<const double>> biases_;
};

/// One layer's coefficients; empty unless they follow W within 1e-8 and W' within 3e-7 of their largest values.
std::vector<double> fit(const ExactFilter& exact, const Config& config, int intervals) {
  const int columns = 3 * config.features, size = intervals + spline_degree;
  const double step = config.cutoff / intervals;
  const auto sites = spline_sites(intervals);
  std::vector<double> values(static_cast<size_t>(size) * columns), slope(columns), w(columns);
  for (int s = 0; s < size; ++s) exact.evaluate(std::max(sites[s] * step, 1e-9), &values[static_cast<size_t>(s) * columns], slope.data());
  auto c = fit_spline(intervals, columns, std::move(values));
  double largest = 0, largest_slope = 0, error = 0, slope_error = 0;
  for (int i = 0; i < intervals; ++i)
    for (double inside : {0.25, 0.75}) {
      exact.evaluate((i + inside) * step, w.data(), slope.data());
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
  std::vector<ExactFilter> exact;
  for (int t = 0; t < weights.config.layers; ++t) exact.emplace_back(weights, t);
  for (const int tried : {128, 160, 192, 256, 384, 512, 768, 1024}) {
    for (const ExactFilter& layer : exact) {
      auto fitted = fit(layer, weights.config, tried);
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
