// PaiNN's messages for structures of some hundred atoms: a block an atom, filters on tensor cores (layers/slices.cuh); one launch each way and layer, and one
// before them for what the filters of all layers are made from.
#include "layers/slices.cuh"

namespace painnless::cuda {

/// T5 to T7: four threads an edge, each the words that one lane of a message reads.
KERNEL(radial_threads, 1, painn_radial, PainnMessageArguments) {
  const long long tasks = 4ll * a.sizes->edges;
  for (long long task = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; task < tasks; task += gridDim.x * blockDim.x) {
    const int e = static_cast<int>(task / 4), t = static_cast<int>(task % 4);
    const real d = a.edges.direction[4 * static_cast<long long>(e) + 3], rest = a.edges.rest[e];
    real f, f_slope;
    envelope(a.radial, d, rest, f, f_slope);
    const long long row = static_cast<long long>(e) * input_words + t * 2 * input_groups;
#pragma unroll
    for (int group = 0; group < input_groups; group++) {
      Parts value, slope;
      filter_inputs(a.radial, group, t, d, rest, f, f_slope, value, slope);
      *reinterpret_cast<Parts*>(a.slices.values + row + 2 * group) = value;
      *reinterpret_cast<Parts*>(a.slices.slopes + row + 2 * group) = slope;
    }
  }
}

KERNEL(32 * SLICES, SLICE_BLOCKS, painn_slices_first, PainnMessageArguments) { receive_messages<true>(a); }
KERNEL(32 * SLICES, SLICE_BLOCKS, painn_slices, PainnMessageArguments) { receive_messages<false>(a); }
KERNEL(32 * SLICES, SLICE_BLOCKS, painn_slices_adjoint, PainnMessageArguments) {
  DYNAMIC_SHARED(real, memory);
  return_messages<false>(a, memory);
}
KERNEL(32 * SLICES, SLICE_BLOCKS, painn_slices_adjoint_first, PainnMessageArguments) {
  DYNAMIC_SHARED(real, memory);
  return_messages<true>(a, memory);
}

}  // namespace painnless::cuda
