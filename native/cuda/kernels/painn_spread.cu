// PaiNN's updates where atoms are few: a cluster of blocks a tile of atoms, so that its weights come through several multiprocessors at once.
#include "layers/painn_tile.cuh"

namespace painnless::cuda {

KERNEL(SPREAD_THREADS, 1, painn_update_spread, PainnUpdateArguments) { update<Spread, false>(a); }
KERNEL(SPREAD_THREADS, 1, painn_update_last_spread, PainnUpdateArguments) { update<Spread, true>(a); }
KERNEL(SPREAD_THREADS, 1, painn_update_adjoint_spread, PainnUpdateArguments) { adjoint<Spread>(a); }

}  // namespace painnless::cuda
