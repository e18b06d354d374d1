// PaiNN's updates in the layered schedule: a block a tile of atoms.
#include "layers/painn_tile.cuh"

namespace painnless::cuda {

KERNEL(SMALL_THREADS, 1, painn_update_small, PainnUpdateArguments) { update<Small, false>(a); }
KERNEL(SMALL_THREADS, 1, painn_update_last_small, PainnUpdateArguments) { update<Small, true>(a); }
KERNEL(SMALL_THREADS, 1, painn_update_adjoint_small, PainnUpdateArguments) { adjoint<Small>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, painn_update_large, PainnUpdateArguments) { update<Large, false>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, painn_update_last_large, PainnUpdateArguments) { update<Large, true>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, painn_update_adjoint_large, PainnUpdateArguments) { adjoint<Large>(a); }

}  // namespace painnless::cuda
