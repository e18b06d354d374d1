// The student's updates in the layered schedule. No mathematics of its own: layers/ has it.
#include "layers/distiller_update.cuh"
#include "layers/readout.cuh"

namespace painnless::cuda {

/// Update of one layer; in the last also readout and the way back through the update, unless only energies are wanted (no s_bar).
template <class Cut, bool LAST> __device__ void update(const DistillerUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  const Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  constexpr int s_row = row_of(2 * FEATURES);
  real *sn = memory, *h = sn + Cut::tile * s_row;
  fetch<1, FEATURES>(tile, a.s, sn, s_row);
  __syncthreads();
  update_forward<Cut, LAST>(tile, a.weights, a.saved, sn, h, LAST ? nullptr : a.next_v);
  __syncthreads();
  if constexpr (LAST) {
    real* scratch = h + Cut::tile * row_of(FEATURES);
    readout_forward<Cut, 1>(tile, a.readout, sn, s_row, scratch, a.energies);
    if (!a.s_bar) return;
    readout_adjoint<Cut, readout_hidden>(tile, a.readout, scratch, a.s_bar);
    __syncthreads();
    update_adjoint<Cut, true>(tile, a.weights, a.saved, memory, memory + Cut::tile * row_of(3 * FEATURES), a.s_bar, a.v_bar);
  } else {
    put<FEATURES>(tile, sn, s_row, a.next_s);
  }
}

template <class Cut> __device__ void adjoint(const DistillerUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  const Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  update_adjoint<Cut, false>(tile, a.weights, a.saved, memory, memory + Cut::tile * row_of(3 * FEATURES), a.s_bar, a.v_bar);
}

KERNEL(SMALL_THREADS, 1, distiller_update_small, DistillerUpdateArguments) { update<Small, false>(a); }
KERNEL(SMALL_THREADS, 1, distiller_update_last_small, DistillerUpdateArguments) { update<Small, true>(a); }
KERNEL(SMALL_THREADS, 1, distiller_update_adjoint_small, DistillerUpdateArguments) { adjoint<Small>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, distiller_update_large, DistillerUpdateArguments) { update<Large, false>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, distiller_update_last_large, DistillerUpdateArguments) { update<Large, true>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, distiller_update_adjoint_large, DistillerUpdateArguments) { adjoint<Large>(a); }

}  // namespace painnless::cuda
