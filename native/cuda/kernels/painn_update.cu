// What PaiNN's atoms do by themselves between two messages, in the layered schedule: one launch each way and layer. No mathematics of its own:
// layers/ has it.
#include "layers/context.cuh"
#include "layers/readout.cuh"
#include "layers/update.cuh"

namespace painnless::cuda {

/// Update of one layer and context of the next; or, in the last, readout and the way back through the update, unless only energies are
/// wanted (no q_bar). One block owns a tile of atoms.
template <int TILE, int ATOMS, bool LAST> __device__ void update(const PainnUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  const Tile<TILE> tile(a.sizes->atoms);
  if (tile.count == 0) return;
  real *mid = memory, *qn = mid + 3 * TILE * row_of(FEATURES), *h = qn + TILE * row_of(2 * FEATURES);
  fetch<TILE, 3, FEATURES>(tile, a.mid, mid, row_of(FEATURES));
  fetch<TILE, 1, FEATURES>(tile, a.q, qn, row_of(2 * FEATURES));
  __syncthreads();
  update_forward<TILE, ATOMS, LAST>(tile, a.weights, a.saved, a.norm_eps, mid, qn, h, LAST ? nullptr : a.next.mu);
  __syncthreads();
  if constexpr (LAST) {
    real* scratch = h + TILE * row_of(FEATURES);
    readout_forward<TILE, ATOMS, 1>(tile, a.readout, qn, row_of(2 * FEATURES), scratch, a.energies);
    if (!a.q_bar) return;
    readout_adjoint<TILE, ATOMS, readout_hidden>(tile, a.readout, scratch, a.q_bar);
    __syncthreads();
    constexpr int wide = larger(row_of(3 * FEATURES), 3 * row_of(2 * FEATURES));
    update_adjoint<TILE, ATOMS, true>(tile, a.weights, a.saved, memory, memory + TILE * wide, a.q_bar, a.mu_bar);
  } else {
    for (int p = threadIdx.x; p < tile.count * (FEATURES / 4); p += blockDim.x) {
      const int i = p / (FEATURES / 4), column = p % (FEATURES / 4) * 4;
      store(a.q + static_cast<long long>(tile.first + i) * FEATURES + column, load<4>(qn + i * row_of(2 * FEATURES) + column));
    }
    context_forward<TILE, ATOMS>(tile, a.weights, qn, row_of(2 * FEATURES), h, a.next.context_slope, a.next.x);
  }
}

/// Way back through the context of the layer above and the update of this one.
template <int TILE, int ATOMS> __device__ void adjoint(const PainnUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  const Tile<TILE> tile(a.sizes->atoms);
  if (tile.count == 0) return;
  constexpr int wide = larger(row_of(3 * FEATURES), 3 * row_of(2 * FEATURES));
  real* z_bar = memory + TILE * wide;
  fetch<TILE, 1, 3 * FEATURES>(tile, a.x_bar, memory, row_of(3 * FEATURES));
  __syncthreads();
  context_adjoint<TILE, ATOMS>(tile, a.weights, a.next.context_slope, memory, z_bar, a.q_bar);
  update_adjoint<TILE, ATOMS, false>(tile, a.weights, a.saved, memory, z_bar, a.q_bar, a.mu_bar);
}

KERNEL(update_threads, 1, painn_update_small, PainnUpdateArguments) { update<SMALL_TILE, SMALL_ATOMS, false>(a); }
KERNEL(update_threads, 1, painn_update_last_small, PainnUpdateArguments) { update<SMALL_TILE, SMALL_ATOMS, true>(a); }
KERNEL(update_threads, 1, painn_update_adjoint_small, PainnUpdateArguments) { adjoint<SMALL_TILE, SMALL_ATOMS>(a); }
#if LARGE_TILE != SMALL_TILE
KERNEL(update_threads, 1, painn_update_large, PainnUpdateArguments) { update<LARGE_TILE, LARGE_ATOMS, false>(a); }
KERNEL(update_threads, 1, painn_update_last_large, PainnUpdateArguments) { update<LARGE_TILE, LARGE_ATOMS, true>(a); }
KERNEL(update_threads, 1, painn_update_adjoint_large, PainnUpdateArguments) { adjoint<LARGE_TILE, LARGE_ATOMS>(a); }
#endif

}  // namespace painnless::cuda
