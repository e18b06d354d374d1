#pragma once
// Distance -> radial functions and cutoff, and their derivatives, in double.
#include <cmath>
#include <numbers>
#include <span>

#include "../engine.h"

namespace painnless {

struct RadialFunctions {
  RadialBasis basis;
  double cutoff;
  std::span<const double> offsets, widths;

  int size() const { return static_cast<int>(offsets.size()); }

  /// f(d) and f'(d), eq. T5.
  void envelope(double d, double& f, double& slope) const {
    if (!(d < cutoff)) {
      f = slope = 0;
      return;
    }
    const double x = std::numbers::pi * d / cutoff;
    f = (std::cos(x) + 1) / 2;
    slope = -std::numbers::pi / (2 * cutoff) * std::sin(x);
  }

  /// phi_r(d) and phi_r'(d), eqs. T6 and T7.
  void function(int r, double d, double& phi, double& slope) const {
    if (basis == RadialBasis::bessel) {
      const double k = offsets[r];
      phi = std::sin(k * d) / d;
      slope = (k * std::cos(k * d) - phi) / d;
      return;
    }
    const double gamma = (basis == RadialBasis::gaussian_half ? 0.5 : 1.0) / (widths[r] * widths[r]);
    const double x = d - offsets[r];
    phi = std::exp(-gamma * x * x);
    slope = -2.0 * gamma * x * phi;
  }
};

/// f phi_r and (f phi_r)' for r = 0 .. R-1; entry R holds f and f', which multiply the bias of PaiNN's filter (T8, T9) or are not read.
template <class Functions, class Real> void evaluate_inputs(const Functions& radial, double d, Real* value, Real* slope) {
  double f, f_slope;
  radial.envelope(d, f, f_slope);
  for (int r = 0; r < radial.size(); ++r) {
    double phi, phi_slope;
    radial.function(r, d, phi, phi_slope);
    value[r] = static_cast<Real>(f * phi);
    slope[r] = static_cast<Real>(f_slope * phi + f * phi_slope);
  }
  value[radial.size()] = static_cast<Real>(f);
  slope[radial.size()] = static_cast<Real>(f_slope);
}

}  // namespace painnless
