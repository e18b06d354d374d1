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

/// Where an update has what its message has brought, and scratch behind it.
template <class Cut> struct UpdateRows {
  Inputs<3 * Cut::tile, FEATURES> mid;
  Inputs<Cut::tile, 2 * FEATURES> qn;
  Hidden<Cut> h;
  __device__ explicit UpdateRows(real* memory) : mid{memory}, qn{memory + mid.size}, h{qn.memory + FAULT(41, 0, qn.size)} {}
  __device__ auto q() const { return qn.template first<FEATURES>(); }
};

/// Update of one layer and context of the next, whose x^m mu is `passed`; or, in the last, readout and the way back through the update, unless only energies are
/// wanted (no q_bar). q and mid are in `rows`, or on their way there; `q` and `mid` have them as they are.
template <bool LAST, class Cut, class Q, class Mid>
__device__ void update(Tile<Cut>& tile, const PainnUpdateArguments<real>& a, const UpdateRows<Cut>& rows, const Q& q, const Mid& mid, real* passed) {
  update_forward<LAST>(tile, a.weights, a.saved, a.norm_eps, rows.mid, rows.qn, rows.h, q, mid, a.q, LAST ? nullptr : a.next.mu);
  meet<FEATURES>(tile, rows.q().bytes(FEATURES));
  if constexpr (LAST) {
    real *const memory = rows.mid.memory, *const scratch = rows.h.memory + rows.h.size;
    readout_forward<1>(tile, a.readout, rows.q(), a.q, scratch, a.energies, a.q_bar != nullptr);
    if (!a.q_bar) return;
    readout_adjoint<readout_first>(tile, a.readout, scratch, a.q_bar);
    update_adjoint<true>(tile, a.weights, a.saved, memory, after_wide<Cut>(memory), a.q_bar, StoredRows<Cut, 3>{tile, a.mu_bar});
  } else {
    context_forward(tile, a.weights, rows.q(), rows.h, a.next, passed);
  }
}
/// As a launch of its own. One block, or cluster, owns a tile of atoms.
template <class Cut, bool LAST> __device__ void update(const PainnUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  clear_counters(tile);
  const UpdateRows<Cut> rows(memory);
  fetch<FEATURES>(tile, a.mid, rows.mid);
  fetch<FEATURES>(tile, a.q, rows.q());
  begin<Cut>();
  update<LAST>(tile, a, rows, StoredRows<Cut, 1>{tile, a.q}, StoredRows<Cut, 3>{tile, a.mid}, a.next.passed);
}

/// Where the way back has what its message has brought.
template <class Cut> using ContextBarRows = Inputs<Cut::tile, 3 * FEATURES, 3>;

/// Way back through the context of the layer above and the update of this one: old_q_bar becomes q_bar. x_bar is in its rows, or on its way there.
template <class Cut, class MuBar>
__device__ void adjoint(Tile<Cut>& tile, const PainnUpdateArguments<real>& a, const ContextBarRows<Cut>& x_bar, const real* old_q_bar, real* q_bar, const MuBar& mu_bar) {
  const HiddenBars<Cut> z_bar = after_wide<Cut>(x_bar.memory);
  context_adjoint(tile, a.weights, a.next.context_slope, x_bar, z_bar, old_q_bar, q_bar);
  update_adjoint<false>(tile, a.weights, a.saved, x_bar.memory, z_bar, q_bar, mu_bar);
}
/// As a launch of its own.
template <class Cut> __device__ void adjoint(const PainnUpdateArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  Tile<Cut> tile(a.sizes->atoms, memory);
  if (tile.count == 0) return;
  clear_counters(tile);
  const ContextBarRows<Cut> x_bar{memory};
  fetch_by_parts(tile, a.x_bar, x_bar);
  begin<Cut>();
  adjoint(tile, a, x_bar, a.q_bar, a.q_bar, StoredRows<Cut, 3>{tile, a.mu_bar});
}

}  // namespace painnless::cuda
