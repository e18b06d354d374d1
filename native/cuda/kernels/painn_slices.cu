// PaiNN's messages in the layered schedule in float32, where a card has tensor cores for the filters (layers/slices.cuh and slices_adjoint.cuh): one launch each
// way and layer, and one before them for what the filters of all layers are made from.
#include "layers/slices_adjoint.cuh"

namespace painnless::cuda {

/// T5 to T7: four threads an edge, each the words that one lane of a message reads.
KERNEL(radial_threads, 1, painn_radial, PainnMessageArguments) {
  const long long tasks = 4ll * a.sizes->edges;
  for (long long task = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; task < tasks; task += gridDim.x * blockDim.x) {
    const int e = static_cast<int>(task / 4), t = static_cast<int>(task % 4);
    const real d = a.edges.direction[4 * static_cast<long long>(e) + 3], rest = a.edges.rest[e];
    real f, f_slope;
    envelope(a.radial, d, rest, f, f_slope);
    const long long row = static_cast<long long>(e) * input_words;
    const auto inputs = [&](int group, Parts& value, Parts& slope) { filter_inputs(a.radial, group, t, d, rest, f, f_slope, value, slope); };
#pragma unroll
    for (int p = 0; p < input_pairs; p++) {
      Parts value[2], slope[2];
      for (int n = 0; n < 2; n++) inputs(2 * p + n, value[n], slope[n]);
      store_pair(a.slices.values + row + pair_at(p, t), value);
      store_pair(a.slices.slopes + row + pair_at(p, t), slope);
    }
    if constexpr (input_rest) {
      Parts value, slope;
      inputs(2 * input_pairs, value, slope);
      *reinterpret_cast<Parts*>(a.slices.values + row + rest_at(t)) = value;
      *reinterpret_cast<Parts*>(a.slices.slopes + row + rest_at(t)) = slope;
    }
  }
}

KERNEL(message_threads, slice_blocks, painn_slices_first, PainnMessageArguments) {
  DYNAMIC_SHARED(real, memory);
  receive_messages<true>(a, GridReceivers(a.sizes->atoms), memory);
}
KERNEL(message_threads, slice_blocks, painn_slices, PainnMessageArguments) {
  DYNAMIC_SHARED(real, memory);
  receive_messages<false>(a, GridReceivers(a.sizes->atoms), memory);
}
KERNEL(message_threads, slice_adjoint_blocks, painn_slices_adjoint, PainnMessageArguments) {
  DYNAMIC_SHARED(real, memory);
  return_messages<ReturnedMessages>(a, GridReceivers(a.sizes->atoms), memory);
}
KERNEL(message_threads, slice_adjoint_blocks, painn_slices_adjoint_first, PainnMessageArguments) {
  DYNAMIC_SHARED(real, memory);
  return_messages<ReturnedPairs>(a, GridReceivers(a.sizes->atoms), memory);
}

}  // namespace painnless::cuda
