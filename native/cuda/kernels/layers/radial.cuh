#pragma once
// Distance -> radial functions times cutoff, and the derivative. Twin of cpu/layers/radial.h. In float32 a distance comes with what rounding
// took from it: filters are steep, and 1e-7 Å of a stiff bond is 1e-5 eV/Å.
#include "prelude.cuh"

namespace painnless::cuda {

constexpr real pi = static_cast<real>(3.14159265358979323846);

/// T5: f(d) and f'(d). The lost part of d enters to first order: the next is below the last bit.
__device__ void envelope(const Radial<real>& radial, real d, real rest, real& f, real& slope) {
  f = slope = 0;
  if (!(d + rest < radial.cutoff)) return;
  const real x = d / radial.cutoff, turn = pi / radial.cutoff, c = cospi(x), s = sinpi(x);
  f = (c + 1) / 2 - turn / 2 * s * rest;
  slope = FAULT(2, 0, -turn / 2 * (s + turn * c * rest));
}

/// T6, T7: phi_r(d) and phi_r'(d).
__device__ void radial_function(const Radial<real>& radial, int r, real d, real rest, real& phi, real& slope) {
  const real o = radial.offsets[r];
#if BESSEL
  const real x = o * d, lost = fma(o, d, -x) + o * rest, s = sin(x), c = cos(x);
  phi = (s + c * lost) / d;
  slope = (o * (c - s * lost) - phi) / d;
#else
  const real gamma = radial.gammas[r], x = (d - o) + rest;
  phi = exp(-gamma * x * x);
  slope = FAULT(3, 2, -2) * gamma * x * phi;
#endif
}

}  // namespace painnless::cuda
