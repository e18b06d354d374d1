#pragma once
// Filters: distance -> W and W' = dW/dd, 3F numbers per pair and layer (eqs. T8-T11). Computed directly, or from a radial table fitted in
// double (docs/theory.md, filter table), whose own derivative is W', so that forces remain the gradient of the energy.
#include "../../model/filter_table.h"
#include "../../model/spline.h"
#include "../pairs.h"
#include "../share.h"
#include "radial.h"

namespace painnless::PAINNLESS_ISA {

/// A filter row holds its three blocks granule by granule: (q, R, mu) or (s, 1, 2) of 32 features, then of the next 32.
constexpr int filter_row = 3 * granule;

/// What a pair needs before any layer: spline weights, or radial functions.
template <class Real> struct FilterInputs {
  Real *value = nullptr, *slope = nullptr;  // (pairs, inputs)
  int32_t* interval = nullptr;              // (pairs) of the table
};

template <class Real> class Filters {
 public:
  /// `tabulate` asks for a table; weights that none follows are computed directly instead.
  Filters(const Weights& weights, bool tabulate)
      : painn_(weights.config.architecture == Architecture::painn),
        features_(weights.config.features),
        granules_(padded(features_) / granule),
        layers_(weights.config.layers),
        offsets_(weights.offsets.begin(), weights.offsets.end()),
        widths_(weights.widths.begin(), weights.widths.end()),
        radial_{{weights.config.basis, weights.config.cutoff, offsets_, widths_}} {
    if (tabulate) pack(FilterTable(weights));
    if (intervals_ == 0) pack(weights);
  }

  Filters(const Filters&) = delete;  // radial_ looks at offsets_ and widths_

  bool tabulated() const { return intervals_ > 0; }
  int intervals() const { return intervals_; }
  int granules() const { return granules_; }
  double bytes() const {
    double sum = 0;
    for (const auto& t : tables_) sum += static_cast<double>(t.size) * sizeof(Real);
    for (const auto* list : {&first_, &second_})
      for (const auto& p : *list) sum += static_cast<double>(p.inputs) * p.outputs * sizeof(Real);
    return sum;
  }

  /// Reals of scratch that `rows` needs for a block of pairs.
  size_t scratch(int block) const { return painn_ || tabulated() ? 0 : static_cast<size_t>(block) * 3 * padded(features_); }

  FilterInputs<Real> lay_out(Arena& arena, int pairs) const {
    const size_t count = static_cast<size_t>(pairs);
    if (tabulated()) return {arena.take<Real>(count * table_inputs), nullptr, arena.take<int32_t>(count)};
    return {arena.take<Real>(count * inputs()), arena.take<Real>(count * inputs()), nullptr};
  }

  /// Pairs a .. b-1, before the first layer.
  void prepare(const FilterInputs<Real>& in, const double* distance, int a, int b) const {
    for (int p = a; p < b; ++p) {
      if (!tabulated()) {
        evaluate_inputs(radial_, distance[p], in.value + static_cast<size_t>(p) * inputs(), in.slope + static_cast<size_t>(p) * inputs());
        continue;
      }
      const double position = distance[p] * intervals_ / radial_.cutoff;
      const int interval = std::min(static_cast<int>(position), intervals_ - 1);
      const SplineBasis basis(position - interval);
      in.interval[p] = interval;
      Real* out = in.value + static_cast<size_t>(p) * table_inputs;
      const auto tails = basis.tails();
      for (int k = 0; k < spline_degree; ++k) {
        out[k] = static_cast<Real>(tails[k]);
        out[spline_degree + k] = static_cast<Real>(basis.slope[k] * intervals_ / radial_.cutoff);
      }
    }
  }

  /// W and W' (T8 to T11, or T48 and T50) of pairs a .. b-1 for one granule, (pairs, filter_row); either may be null.
  void rows(const FilterInputs<Real>& in, int layer, int g, int a, int b, Real* w, Real* slope, Real* scratch) const {
    if (tabulated()) {
      const Real* table = tables_[layer].data.get() + static_cast<size_t>(g) * (intervals_ + spline_degree) * 2 * filter_row;
      if (w && slope)
        look_up<true, true>(in, table, a, b, w, slope);
      else if (w)
        look_up<true, false>(in, table, a, b, w, nullptr);
      else
        look_up<false, true>(in, table, a, b, nullptr, slope);
      return;
    }
    const int k = inputs(), n = b - a;
    const Real *value = in.value + static_cast<size_t>(a) * k, *derivative = in.slope + static_cast<size_t>(a) * k;
    const Columns columns{1, 0, g * filter_row, (g + 1) * filter_row};
    if (painn_) {
      if (w) multiply(first_[layer], value, k, 0, n, columns, Row{w, g * filter_row, nullptr});
      if (slope) multiply(first_[layer], derivative, k, 0, n, columns, Row{slope, g * filter_row, nullptr});
      return;
    }
    const int f = padded(features_);
    const Columns all{1, 0, 0, f};
    Real *h = scratch, *z_slope = h + static_cast<size_t>(n) * f, *h_slope = z_slope + static_cast<size_t>(n) * f;
    multiply(first_[layer], value, k, 0, n, all, BiasSilu<Real>{h, z_slope, f, bias1_[layer].get()});
    if (w) multiply(second_[layer], h, f, 0, n, columns, Row{w, g * filter_row, bias2_[layer].get()});
    if (!slope) return;
    multiply(first_[layer], derivative, k, 0, n, all, Scale<Real>{h_slope, z_slope, f});
    multiply(second_[layer], h_slope, f, 0, n, columns, Row{slope, g * filter_row, nullptr});
  }

 private:
  static constexpr int table_inputs = 2 * spline_degree;  // weights of the 5 differences in W and in W'
  int inputs() const { return radial_.size() + 1; }           // the cutoff itself comes last

  struct Table {
    AlignedArray<Real> data;  // (granules, intervals + 5, 2, filter_row): each coefficient, and what the next one differs by
    size_t size;
  };
  struct Row {
    Real* y;
    int first;
    const Real* bias;
    void operator()(int row, int column, Vec<Real> v) const {
      store(y + static_cast<size_t>(row) * filter_row + (column - first), bias ? v + load(bias + column) : v);
    }
  };

  /// Row of the weight matrix behind column n of a filter row, or -1 for padding.
  int source(int n) const {
    const int block = n / granule % 3, feature = n / filter_row * granule + n % granule;
    return feature < features_ ? block * features_ + feature : -1;
  }

  void pack(const Weights& weights) {
    const int r = radial_.size(), f = padded(features_);
    for (int t = 0; t < layers_; ++t) {
      if (painn_) {
        const Linear& a = weights.painn[t].filter;
        first_.emplace_back(r + 1, 3 * f, [&](int k, int n) {
          const int row = source(n);
          return row < 0 ? 0.0 : k < r ? a.weight[static_cast<size_t>(row) * r + k] : a.bias[row];
        });
        continue;
      }
      const DistillerLayer& net = weights.distiller[t];
      first_.emplace_back(r + 1, f, [&](int k, int n) { return k < r && n < features_ ? net.filter1.weight[static_cast<size_t>(n) * r + k] : 0.0; });
      second_.emplace_back(f, 3 * f, [&](int k, int n) {
        const int row = source(n);
        return row < 0 || k >= features_ ? 0.0 : net.filter2.weight[static_cast<size_t>(row) * features_ + k];
      });
      bias1_.emplace_back(f);
      bias2_.emplace_back(3 * f);
      for (int n = 0; n < features_; ++n) bias1_[t][n] = static_cast<Real>(net.filter1.bias[n]);
      for (int n = 0; n < 3 * f; ++n) bias2_[t][n] = source(n) < 0 ? Real(0) : static_cast<Real>(net.filter2.bias[source(n)]);
    }
  }

  void pack(const FilterTable& fitted) {
    intervals_ = fitted.intervals;
    const int columns = 3 * features_, size = intervals_ + spline_degree;
    for (const std::vector<double>& c : fitted.coefficients) {
      Table& table = tables_.emplace_back();
      table.size = static_cast<size_t>(granules_) * size * 2 * filter_row;
      table.data = AlignedArray<Real>(table.size);
      for (int g = 0; g < granules_; ++g)
        for (int i = 0; i < size; ++i)
          for (int n = 0; n < filter_row; ++n) {
            const int from = source(g * filter_row + n);
            if (from < 0) continue;
            const double* here = &c[static_cast<size_t>(i) * columns + from];
            Real* entry = &table.data[(static_cast<size_t>(g) * size + i) * 2 * filter_row + n];
            entry[0] = static_cast<Real>(*here);
            entry[filter_row] = i + 1 < size ? static_cast<Real>(here[columns] - *here) : Real(0);
          }
    }
  }

  template <bool Values, bool Slopes>
  void look_up(const FilterInputs<Real>& in, const Real* table, int a, int b, Real* w, Real* slope) const {
    using V = Vec<Real>;
    for (int p = a; p < b; ++p) {
      const Real* weights = in.value + static_cast<size_t>(p) * table_inputs;
      V value[spline_degree], derivative[spline_degree];
#pragma GCC unroll 8
      for (int k = 0; k < spline_degree; ++k) {
        value[k] = splat(weights[k]);
        derivative[k] = splat(weights[spline_degree + k]);
      }
      const Real* row = table + static_cast<size_t>(in.interval[p]) * 2 * filter_row;
      const size_t to = static_cast<size_t>(p - a) * filter_row;
      for (int n = 0; n < filter_row; n += width<Real>) {
        V difference[spline_degree];
#pragma GCC unroll 8
        for (int k = 0; k < spline_degree; ++k) difference[k] = load(row + (2 * k + 1) * filter_row + n);
        if constexpr (Values) {
          V sum = load(row + n);
#pragma GCC unroll 8
          for (int k = 0; k < spline_degree; ++k) sum = fma(difference[k], value[k], sum);
          store(w + to + n, sum);
        }
        if constexpr (Slopes) {
          V sum = difference[0] * derivative[0];
#pragma GCC unroll 8
          for (int k = 1; k < spline_degree; ++k) sum = fma(difference[k], derivative[k], sum);
          store(slope + to + n, sum);
        }
      }
    }
  }

  bool painn_;
  int features_, granules_, layers_, intervals_ = 0;
  std::vector<double> offsets_, widths_;
  Radial radial_;
  std::vector<Table> tables_;
  std::vector<Packed<Real>> first_, second_;
  std::vector<AlignedArray<Real>> bias1_, bias2_;
};

}  // namespace painnless::PAINNLESS_ISA
