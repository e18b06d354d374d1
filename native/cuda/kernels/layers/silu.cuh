#pragma once
// The activation of every hidden layer (docs/theory.md, T1).
#include "prelude.cuh"

namespace painnless::cuda {

/// T1: silu(z) and its derivative. For z far below 0, exp overflows and sigma is 0.
__device__ void silu(real z, real& value, real& slope) {
  const real sigma = 1 / (1 + exp(-z));
  value = z * sigma;
  slope = sigma * (1 + z * (1 - sigma));
}

}  // namespace painnless::cuda
