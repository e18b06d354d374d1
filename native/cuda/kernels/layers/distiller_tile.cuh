#pragma once
// The student's updates in the layered schedule. No mathematics of its own: the other layers have it.
#include "layers/distiller_update.cuh"
#include "layers/readout.cuh"

namespace painnless::cuda {

/// The second place in shared memory on the way back, beside that of the wide rows.
template <class Cut> __device__ HiddenBars<Cut> after_wide(real* memory) { return {memory + Cut::tile * input_row(3 * FEATURES, TENSOR)}; }

/// Update of one layer; in the last also readout and the way back through the update, unless only energies are wanted (no s_bar).
template <class Cut, bool LAST> __device__ void update(const DistillerUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  clear_counters(tile);
  const Inputs<Cut::tile, 2 * FEATURES> sn{memory};
  const Hidden<Cut> h{memory + sn.size};
  const auto s = sn.template first<FEATURES>();
  fetch<FEATURES>(tile, a.s, s);
  begin<Cut>();
  update_forward<LAST>(tile, a.weights, a.saved, sn, h, a.s, LAST ? a.s : a.next_s, LAST ? nullptr : a.next_v);
  if constexpr (LAST) {
    meet<FEATURES>(tile, s.bytes(FEATURES));
    real* scratch = h.memory + h.size;
    readout_forward<1>(tile, a.readout, s, a.s, scratch, a.energies, a.s_bar != nullptr);
    if (!a.s_bar) return;
    readout_adjoint<readout_first>(tile, a.readout, scratch, a.s_bar);
    update_adjoint<true>(tile, a.weights, a.saved, memory, after_wide<Cut>(memory), a.s_bar, a.v_bar);
  }
}

template <class Cut> __device__ void adjoint(const DistillerUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  clear_counters(tile);
  if constexpr (Cut::members > 1) begin<Cut>();
  update_adjoint<false>(tile, a.weights, a.saved, memory, after_wide<Cut>(memory), a.s_bar, a.v_bar);
}

}  // namespace painnless::cuda
