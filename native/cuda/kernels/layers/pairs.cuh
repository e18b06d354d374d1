#pragma once
// From the sums over the features of a pair to its gradient, and what an atom and the virial have of it, in float64 (docs/theory.md, section 9).
#include "layers/sums.cuh"

namespace painnless::cuda {

/// T22 and T42: G_e of an edge that stands for its pair; `sum` is s_e and t_e.
__device__ void pair_gradient(const double* sum, double direction_eps, const double* r, double* g) {
  const double d = sqrt(three_products(r[0], r[0], r[1], r[1], r[2], r[2])), longer = d + direction_eps;
  const double along = three_products(r[0], sum[1], r[1], sum[2], r[2], sum[3]) / (d * longer);
  for (int k = 0; k < 3; k++) g[k] = sum[0] * r[k] / d + fma(-r[k], along, sum[1 + k]) / longer;
}

/// T34, T35: adds an edge of the atom to its force and to its share of the virial. r and g are those of the edge that stands for the pair, which
/// this one is or reverses.
__device__ void add_pair(bool stands, const double* r, const double* g, double* force, double* virial) {
  for (int k = 0; k < 3; k++) force[k] += stands ? g[k] : FAULT(12, 0.0, -g[k]);
  if (!stands) return;
  constexpr int order[6][2] = {{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}};
  for (int k = 0; k < 6; k++) virial[k] += two_products(r[order[k][0]], g[order[k][1]], r[order[k][1]], g[order[k][0]]) / 2;
}

__device__ double sum_of_warp(double x) {
  for (int mask = 16; mask > 0; mask /= 2) x += __shfl_xor_sync(all_lanes, x, mask);
  return x;
}

}  // namespace painnless::cuda
