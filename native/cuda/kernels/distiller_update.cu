// The student's updates in the layered schedule. No mathematics of its own: layers/ has it.
#include "layers/distiller_update.cuh"
#include "layers/readout.cuh"

namespace painnless::cuda {

/// The second place in shared memory on the way back, beside that of the wide rows.
template <class Cut> __device__ HiddenBars<Cut> after_wide(real* memory) { return {memory + Cut::tile * input_row(3 * FEATURES, TENSOR)}; }

/// Update of one layer; in the last also readout and the way back through the update, unless only energies are wanted (no s_bar).
template <class Cut, bool LAST> __device__ void update(const DistillerUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  const Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  const Inputs<Cut::tile, 2 * FEATURES> sn{memory};
  const Hidden<Cut> h{memory + sn.size};
  const auto s = sn.template first<FEATURES>();
  fetch<FEATURES>(tile, a.s, s);
  __syncthreads();
  update_forward<LAST>(tile, a.weights, a.saved, sn, h, LAST ? nullptr : a.next_v);
  __syncthreads();
  if constexpr (LAST) {
    real* scratch = h.memory + h.size;
    readout_forward<1>(tile, a.readout, s, scratch, a.energies);
    if (!a.s_bar) return;
    __syncthreads();
    readout_adjoint<readout_hidden>(tile, a.readout, scratch, a.s_bar);
    __syncthreads();
    update_adjoint<true>(tile, a.weights, a.saved, memory, after_wide<Cut>(memory), a.s_bar, a.v_bar);
  } else {
    put<FEATURES>(tile, s, a.next_s);
  }
}

template <class Cut> __device__ void adjoint(const DistillerUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  const Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  update_adjoint<false>(tile, a.weights, a.saved, memory, after_wide<Cut>(memory), a.s_bar, a.v_bar);
}

KERNEL(SMALL_THREADS, 1, distiller_update_small, DistillerUpdateArguments) { update<Small, false>(a); }
KERNEL(SMALL_THREADS, 1, distiller_update_last_small, DistillerUpdateArguments) { update<Small, true>(a); }
KERNEL(SMALL_THREADS, 1, distiller_update_adjoint_small, DistillerUpdateArguments) { adjoint<Small>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, distiller_update_large, DistillerUpdateArguments) { update<Large, false>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, distiller_update_last_large, DistillerUpdateArguments) { update<Large, true>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, distiller_update_adjoint_large, DistillerUpdateArguments) { adjoint<Large>(a); }

}  // namespace painnless::cuda
