// The student's updates where atoms are few: a cluster of blocks a tile of atoms, so that its weights come through several multiprocessors at once.
#include "layers/distiller_tile.cuh"

namespace painnless::cuda {

KERNEL(SPREAD_THREADS, 1, distiller_update_spread, DistillerUpdateArguments) { update<Spread, false>(a); }
KERNEL(SPREAD_THREADS, 1, distiller_update_last_spread, DistillerUpdateArguments) { update<Spread, true>(a); }
KERNEL(SPREAD_THREADS, 1, distiller_update_adjoint_spread, DistillerUpdateArguments) { adjoint<Spread>(a); }

}  // namespace painnless::cuda
