#pragma once
// Sums of products with the rounding that they shall have in every kernel: a compiler may fuse either product of two.
#include "prelude.cuh"

namespace painnless::cuda {

template <class Value> __device__ Value two_products(Value a, Value b, Value c, Value d) { return fma(a, b, c * d); }
template <class Value> __device__ Value three_products(Value a, Value b, Value c, Value d, Value e, Value f) { return fma(e, f, two_products(c, d, a, b)); }

}  // namespace painnless::cuda
