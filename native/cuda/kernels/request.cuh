#pragma once
// What the host has sent (Request), as its parts.
#include "prelude.cuh"

namespace painnless::cuda {

template <class Arguments> __device__ const Request& request_of(const Arguments& a) { return *reinterpret_cast<const Request*>(a.request); }
template <class Arguments> __device__ const Structure* structures_of(const Arguments& a) {
  return reinterpret_cast<const Structure*>(a.request + sizeof(Request));
}
template <class Arguments> __device__ const double* positions_of(const Arguments& a) {
  return reinterpret_cast<const double*>(structures_of(a) + request_of(a).structures);
}
template <class Arguments> __device__ const int* numbers_of(const Arguments& a) {
  return reinterpret_cast<const int*>(positions_of(a) + 3 * request_of(a).atoms);
}

}  // namespace painnless::cuda
