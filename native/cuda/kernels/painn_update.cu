// What PaiNN's atoms do by themselves between two messages, in the layered schedule: one launch each way and layer. No mathematics of its own:
// layers/ has it.
#include "layers/context.cuh"
#include "layers/readout.cuh"
#include "layers/update.cuh"

namespace painnless::cuda {

/// Update of one layer and context of the next; or, in the last, readout and the way back through the update, unless only energies are
/// wanted (no q_bar). One block owns a tile of atoms.
template <class Cut, bool LAST> __device__ void update(const PainnUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  const Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  real *mid = memory, *qn = mid + 3 * Cut::tile * row_of(FEATURES), *h = qn + Cut::tile * row_of(2 * FEATURES);
  fetch<3, FEATURES>(tile, a.mid, mid, row_of(FEATURES));
  fetch<1, FEATURES>(tile, a.q, qn, row_of(2 * FEATURES));
  __syncthreads();
  update_forward<Cut, LAST>(tile, a.weights, a.saved, a.norm_eps, mid, qn, h, LAST ? nullptr : a.next.mu);
  __syncthreads();
  if constexpr (LAST) {
    real* scratch = h + Cut::tile * row_of(FEATURES);
    readout_forward<Cut, 1>(tile, a.readout, qn, row_of(2 * FEATURES), scratch, a.energies);
    if (!a.q_bar) return;
    readout_adjoint<Cut, readout_hidden>(tile, a.readout, scratch, a.q_bar);
    __syncthreads();
    constexpr int wide = larger(row_of(3 * FEATURES), 3 * row_of(2 * FEATURES));
    update_adjoint<Cut, true>(tile, a.weights, a.saved, memory, memory + Cut::tile * wide, a.q_bar, a.mu_bar);
  } else {
    put<FEATURES>(tile, qn, row_of(2 * FEATURES), a.q);
    context_forward<Cut>(tile, a.weights, qn, row_of(2 * FEATURES), h, a.next.context_slope, a.next.x);
  }
}

/// Way back through the context of the layer above and the update of this one.
template <class Cut> __device__ void adjoint(const PainnUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  const Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  constexpr int wide = larger(row_of(3 * FEATURES), 3 * row_of(2 * FEATURES));
  real* z_bar = memory + Cut::tile * wide;
  fetch_by_parts<3>(tile, a.x_bar, memory, row_of(3 * FEATURES));
  __syncthreads();
  context_adjoint<Cut>(tile, a.weights, a.next.context_slope, memory, z_bar, a.q_bar);
  update_adjoint<Cut, false>(tile, a.weights, a.saved, memory, z_bar, a.q_bar, a.mu_bar);
}

KERNEL(SMALL_THREADS, 1, painn_update_small, PainnUpdateArguments) { update<Small, false>(a); }
KERNEL(SMALL_THREADS, 1, painn_update_last_small, PainnUpdateArguments) { update<Small, true>(a); }
KERNEL(SMALL_THREADS, 1, painn_update_adjoint_small, PainnUpdateArguments) { adjoint<Small>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, painn_update_large, PainnUpdateArguments) { update<Large, false>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, painn_update_last_large, PainnUpdateArguments) { update<Large, true>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, painn_update_adjoint_large, PainnUpdateArguments) { adjoint<Large>(a); }

}  // namespace painnless::cuda
