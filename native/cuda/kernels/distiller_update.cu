// The student's updates in the layered schedule. No mathematics of its own: layers/ has it.
#include "layers/distiller_update.cuh"
#include "layers/readout.cuh"

namespace painnless::cuda {

/// Update of one layer; in the last also readout and the way back through the update, unless only energies are wanted (no s_bar).
template <int TILE, int ATOMS, bool LAST> __device__ void update(const DistillerUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  const Tile<TILE> tile(a.sizes->atoms);
  if (tile.count == 0) return;
  constexpr int s_row = row_of(2 * FEATURES);
  real *sn = memory, *h = sn + TILE * s_row;
  fetch<TILE, 1, FEATURES>(tile, a.s, sn, s_row);
  __syncthreads();
  update_forward<TILE, ATOMS, LAST>(tile, a.weights, a.saved, sn, h, LAST ? nullptr : a.next_v);
  __syncthreads();
  if constexpr (LAST) {
    real* scratch = h + TILE * row_of(FEATURES);
    readout_forward<TILE, ATOMS, 1>(tile, a.readout, sn, s_row, scratch, a.energies);
    if (!a.s_bar) return;
    readout_adjoint<TILE, ATOMS, readout_hidden>(tile, a.readout, scratch, a.s_bar);
    __syncthreads();
    update_adjoint<TILE, ATOMS, true>(tile, a.weights, a.saved, memory, memory + TILE * row_of(3 * FEATURES), a.s_bar, a.v_bar);
  } else {
    for (int p = threadIdx.x; p < tile.count * (FEATURES / 4); p += blockDim.x) {
      const int i = p / (FEATURES / 4), column = p % (FEATURES / 4) * 4;
      store(a.next_s + static_cast<long long>(tile.first + i) * FEATURES + column, load<4>(sn + i * s_row + column));
    }
  }
}

template <int TILE, int ATOMS> __device__ void adjoint(const DistillerUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  const Tile<TILE> tile(a.sizes->atoms);
  if (tile.count == 0) return;
  update_adjoint<TILE, ATOMS, false>(tile, a.weights, a.saved, memory, memory + TILE * row_of(3 * FEATURES), a.s_bar, a.v_bar);
}

KERNEL(update_threads, 1, distiller_update_small, DistillerUpdateArguments) { update<SMALL_TILE, SMALL_ATOMS, false>(a); }
KERNEL(update_threads, 1, distiller_update_last_small, DistillerUpdateArguments) { update<SMALL_TILE, SMALL_ATOMS, true>(a); }
KERNEL(update_threads, 1, distiller_update_adjoint_small, DistillerUpdateArguments) { adjoint<SMALL_TILE, SMALL_ATOMS>(a); }
#if LARGE_TILE != SMALL_TILE
KERNEL(update_threads, 1, distiller_update_large, DistillerUpdateArguments) { update<LARGE_TILE, LARGE_ATOMS, false>(a); }
KERNEL(update_threads, 1, distiller_update_last_large, DistillerUpdateArguments) { update<LARGE_TILE, LARGE_ATOMS, true>(a); }
KERNEL(update_threads, 1, distiller_update_adjoint_large, DistillerUpdateArguments) { adjoint<LARGE_TILE, LARGE_ATOMS>(a); }
#endif

}  // namespace painnless::cuda
