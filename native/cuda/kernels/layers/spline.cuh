#pragma once
// Where a distance is in the table of filters, and what the table's rows weigh there (docs/theory.md, section 15). In double whatever the engine's precision:
// all features of an edge share these numbers, and what they lose adds up. Twin of model/spline.h.
#include "prelude.cuh"

namespace painnless::cuda {

/// The interval of distance d + rest, and t, its place there in [0, 1].
__device__ int interval_of(const Splines<real>& splines, real d, real rest, double& t) {
  const double position = (static_cast<double>(d) + rest) * splines.per_step;
  const int interval = min(static_cast<int>(position), splines.intervals - 1);
  t = position - interval;
  return interval;
}

/// T49: what the differences of the coefficients weigh in W (T50) and in W' (T48).
__device__ void spline_weights(double t, double per_step, real (&value)[table_degree], real (&slope)[table_degree]) {
  double basis[table_degree + 1] = {1};
#pragma unroll
  for (int degree = 1; degree <= table_degree; degree++) {
    if (degree == table_degree)
      for (int k = 0; k < table_degree; k++) slope[k] = static_cast<real>(basis[k] * per_step);
#pragma unroll
    for (int k = degree; k >= 0; k--) {  // from above, as each takes the one below as it was
      const double rising = k > 0 ? (t + (degree - k)) * basis[k - 1] : 0, falling = k < degree ? (1 - t + k) * basis[k] : 0;
      basis[k] = (rising + falling) * (1.0 / degree);
    }
  }
  double sum = 0;
#pragma unroll
  for (int k = table_degree; k > 0; k--) value[k - 1] = static_cast<real>(sum += basis[k]);
}

}  // namespace painnless::cuda
