#pragma once
// What PaiNN's atoms do by themselves between two messages, in the layered schedule: one launch each way and layer. No mathematics of its own:
// the other layers have it.
#include "layers/context.cuh"
#include "layers/readout.cuh"
#include "layers/update.cuh"

namespace painnless::cuda {

/// The second place in shared memory on the way back, beside that of the wide rows.
template <class Cut> __device__ HiddenBars<Cut> after_wide(real* memory) {
  return {memory + Cut::tile * larger(input_row(3 * FEATURES, TENSOR), 3 * input_row(2 * FEATURES, TENSOR))};
}

/// Update of one layer and context of the next; or, in the last, readout and the way back through the update, unless only energies are
/// wanted (no q_bar). One block owns a tile of atoms.
template <class Cut, bool LAST> __device__ void update(const PainnUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  clear_counters(tile);
  const Inputs<3 * Cut::tile, FEATURES> mid{memory};
  const Inputs<Cut::tile, 2 * FEATURES> qn{memory + mid.size};
  const Hidden<Cut> h{qn.memory + FAULT(41, 0, qn.size)};
  const auto q = qn.template first<FEATURES>();
  fetch<FEATURES>(tile, a.mid, mid);
  fetch<FEATURES>(tile, a.q, q);
  begin<Cut>();
  update_forward<LAST>(tile, a.weights, a.saved, a.norm_eps, mid, qn, h, a.q, a.mid, LAST ? nullptr : a.next.mu);
  meet<FEATURES>(tile, q.bytes(FEATURES));
  if constexpr (LAST) {
    real* scratch = h.memory + h.size;
    readout_forward<1>(tile, a.readout, q, a.q, scratch, a.energies, a.q_bar != nullptr);
    if (!a.q_bar) return;
    readout_adjoint<readout_first>(tile, a.readout, scratch, a.q_bar);
    update_adjoint<true>(tile, a.weights, a.saved, memory, after_wide<Cut>(memory), a.q_bar, a.mu_bar);
  } else {
    context_forward(tile, a.weights, q, h, a.next);
  }
}

/// Way back through the context of the layer above and the update of this one.
template <class Cut> __device__ void adjoint(const PainnUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  clear_counters(tile);
  const Inputs<Cut::tile, 3 * FEATURES, 3> x_bar{memory};
  const HiddenBars<Cut> z_bar = after_wide<Cut>(memory);
  fetch_by_parts(tile, a.x_bar, x_bar);
  begin<Cut>();
  context_adjoint(tile, a.weights, a.next.context_slope, x_bar, z_bar, a.q_bar);
  update_adjoint<false>(tile, a.weights, a.saved, memory, z_bar, a.q_bar, a.mu_bar);
}

}  // namespace painnless::cuda
