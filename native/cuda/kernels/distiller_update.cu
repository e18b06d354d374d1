// The student's updates in the layered schedule: a block a tile of atoms.
#include "layers/distiller_tile.cuh"

namespace painnless::cuda {

KERNEL(SMALL_THREADS, 1, distiller_update_small, DistillerUpdateArguments) { update<Small, false>(a); }
KERNEL(SMALL_THREADS, 1, distiller_update_last_small, DistillerUpdateArguments) { update<Small, true>(a); }
KERNEL(SMALL_THREADS, 1, distiller_update_adjoint_small, DistillerUpdateArguments) { adjoint<Small>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, distiller_update_large, DistillerUpdateArguments) { update<Large, false>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, distiller_update_last_large, DistillerUpdateArguments) { update<Large, true>(a); }
KERNEL(LARGE_THREADS, LARGE_BLOCKS, distiller_update_adjoint_large, DistillerUpdateArguments) { adjoint<Large>(a); }

}  // namespace painnless::cuda
