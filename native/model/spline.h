#pragma once
// Quintic splines on equal intervals of [0, end]: the radial table of the filters (docs/theory.md, T47 to T49).
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace painnless {

constexpr int spline_degree = 5;

/// The 6 basis functions that are not zero in an interval, at t in [0, 1], and what turns differences of coefficients into the derivative.
struct SplineBasis {
  double value[spline_degree + 1], slope[spline_degree];

  /// Factors of the differences c_(k+1) - c_k in S = c_0 + sum_k difference_k tail_k: the same sum as over `value` (T47, T50).
  std::array<double, spline_degree> tails() const {
    std::array<double, spline_degree> sums;
    double sum = 0;
    for (int k = spline_degree; k > 0; --k) sums[k - 1] = sum += value[k];
    return sums;
  }

  explicit SplineBasis(double t) {
    double lower[spline_degree + 1] = {1}, upper[spline_degree + 1];
    for (int degree = 1; degree <= spline_degree; ++degree) {
      if (degree == spline_degree) std::copy(lower, lower + spline_degree, slope);
      const double inverse = 1.0 / degree;
      for (int k = 0; k <= degree; ++k) {
        const double rising = k > 0 ? (t + degree - k) * lower[k - 1] : 0, falling = k < degree ? (1 - t + k) * lower[k] : 0;
        upper[k] = (rising + falling) * inverse;
      }
      std::copy(upper, upper + degree + 1, lower);
    }
    std::copy(lower, lower + spline_degree + 1, value);
  }
};

/// Where `intervals` + 5 conditions hold: at every knot, and in the middle of the two first and two last intervals. Units of an interval.
inline std::vector<double> spline_sites(int intervals) {
  std::vector<double> sites{0, 0.5, 1, 1.5};
  for (int k = 2; k <= intervals - 2; ++k) sites.push_back(k);
  for (double back : {1.5, 1.0, 0.5, 0.0}) sites.push_back(intervals - back);
  return sites;
}

/// Coefficients (intervals + 5, columns) of the spline that takes `values` (sites, columns) at the sites; solves in place.
inline std::vector<double> fit_spline(int intervals, int columns, std::vector<double> values) {
  const int size = intervals + spline_degree, reach = 2 * spline_degree + 2;  // all that elimination with row exchanges can touch
  const auto sites = spline_sites(intervals);
  std::vector<double> matrix(static_cast<size_t>(size) * size, 0);
  for (int row = 0; row < size; ++row) {
    const int interval = std::min(static_cast<int>(sites[row]), intervals - 1);
    const SplineBasis basis(sites[row] - interval);
    for (int k = 0; k <= spline_degree; ++k) matrix[static_cast<size_t>(row) * size + interval + k] = basis.value[k];
  }
  const auto m = [&](int row, int column) -> double& { return matrix[static_cast<size_t>(row) * size + column]; };
  const auto v = [&](int row) { return values.begin() + static_cast<size_t>(row) * columns; };
  for (int c = 0; c < size; ++c) {
    const int last_row = std::min(size, c + reach), last_column = std::min(size, c + reach);
    int pivot = c;
    for (int r = c + 1; r < last_row; ++r)
      if (std::abs(m(r, c)) > std::abs(m(pivot, c))) pivot = r;
    if (pivot != c) {
      for (int k = c; k < last_column; ++k) std::swap(m(c, k), m(pivot, k));
      std::swap_ranges(v(c), v(c) + columns, v(pivot));
    }
    for (int r = c + 1; r < last_row; ++r) {
      const double factor = m(r, c) / m(c, c);
      if (factor == 0) continue;
      for (int k = c; k < last_column; ++k) m(r, k) -= factor * m(c, k);
      for (int k = 0; k < columns; ++k) v(r)[k] -= factor * v(c)[k];
    }
  }
  for (int c = size - 1; c >= 0; --c) {
    for (int k = c + 1; k < std::min(size, c + reach); ++k) {
      const double factor = m(c, k);
      if (factor == 0) continue;
      for (int j = 0; j < columns; ++j) v(c)[j] -= factor * v(k)[j];
    }
    for (int j = 0; j < columns; ++j) v(c)[j] /= m(c, c);
  }
  return values;
}

}  // namespace painnless
