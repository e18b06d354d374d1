// PaiNN's layers where atoms are few, in one launch each way and layer: a cluster of blocks owns a tile of atoms, a block a slice of features, of which it passes all
// messages to these atoms, a warp a receiver, and makes its share of all products up to the next messages. What other blocks need of messages they get by letters, as
// they do of products (exchange.cuh). Sums are those of launches apart, bit for bit.
// Tiles do not wait for each other: what one writes for later launches must not be what others still read in this one. x and mu are of their layer; passed, q_bar and
// mu_bar have two places, by turns; everything else is read by its own tile alone.
#include "layers/painn_tile.cuh"
#include "layers/slices_adjoint.cuh"

namespace painnless::cuda {

static_assert(Spread::members == slices && Spread::tile == Spread::threads / 32, "a block a slice, a warp a receiver");

/// This warp's, unless its tile has fewer atoms.
__device__ OneReceiver receiver_of(const Tile<Spread>& tile) { return {warp_index() < tile.count ? tile.first + warp_index() : -1}; }

/// Of a warp, when its messages are summed: all blocks have begun and cleared their counters long since.
__device__ void begin_letters() {
  __syncwarp();
  wait_for_cluster();
}

/// A warp without a receiver has zeros, which others count: they wait for eight.
__device__ bool hands_on(const Tile<Spread>& tile) { return FAULT(45, warp_index() < tile.count, true); }

/// Planted: all of the tile's rows of this block's slice go where others read, as if `to` had no second place.
__device__ void write_over(const Tile<Spread>& tile, int rows, const real* from, const real* to) {
  __syncthreads();
  for (int k = warp_index(); k < tile.count * rows; k += Spread::tile) {
    const long long at = tile.at(0, rows) + k * FEATURES + own_slice() * slice_features + lane_index();
    const_cast<real*>(to)[at] = from[at];
  }
}

/// Message and update of a layer and context of the next; or, in the last, readout and the way back through its update.
template <bool FIRST, bool LAST> __device__ void layer(const PainnLayerArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  Tile<Spread> tile(a.update.sizes->atoms, memory);
  if (tile.count == 0) return;
  clear_counters(tile);
  constexpr int of_atom = LAST ? painn_last_shared(FEATURES, readout_offset(readout_hidden + 1), TENSOR) : painn_update_shared(FEATURES, TENSOR);
  const UpdateRows<Spread> rows(memory);
  Values received{};  // q, or a component of mid
  receive_messages<FIRST>(a.message, receiver_of(tile), memory + Spread::tile * of_atom, [&](const Values& values) { received = values; });
  begin_letters();
  const int atom = warp_index(), q = lane_index() % 4, slice = own_slice(), feature = slice_feature(slice);
  if (q == 0) put_pack(rows.qn, atom, feature, received);
  else put_pack(rows.mid, 3 * atom + q - 1, feature, received);
  if (hands_on(tile)) {
    hand_on_rows<slice_features, 1>(tile, rows.qn, atom, slice * slice_features);
    hand_on_rows<slice_features, 3>(tile, rows.mid, 3 * atom, slice * slice_features);
  }
  meet<FEATURES>(tile, rows.qn.bytes(FEATURES) + rows.mid.bytes(FEATURES));
  update<LAST>(tile, a.update, rows, a.update.next.passed);
  if (FAULT(43, !FIRST && !LAST, false)) write_over(tile, 3, a.update.next.passed, a.message.passed);
}

/// Way back through message and context of a layer and the update of the one below.
__device__ void layer_adjoint(const PainnLayerArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  Tile<Spread> tile(a.update.sizes->atoms, memory);
  if (tile.count == 0) return;
  clear_counters(tile);
  const ContextBarRows<Spread> x_bar{memory};
  ContextBars bars{};
  return_messages<ReturnedMessages>(a.message, receiver_of(tile), memory + Spread::tile * painn_adjoint_shared(FEATURES, TENSOR),
                                    [&](int, const ContextBars& made) { bars = made; });
  begin_letters();
  const int atom = warp_index(), q = lane_index() % 4, slice = own_slice(), feature = slice_feature(slice);
  if (q == 0) put_pack(x_bar, atom, by_parts(3, 0, feature), bars.q);
  // Numbers are put by pairs: lanes side by side make one of x^R and one of x^m.
  const bool odd = q % 2 == 1;
  const real other = __shfl_xor_sync(all_lanes, odd ? bars.r : bars.m, 1);
  x_bar.put(atom, by_parts(3, odd ? 2 : 1, feature + q / 2 * 2), odd ? Pack<2>{other, bars.m} : Pack<2>{bars.r, other});
  if (hands_on(tile)) hand_on_rows<3 * slice_features, 1>(tile, x_bar, atom, by_parts(3, 0, slice * slice_features));
  meet<FEATURES>(tile, x_bar.bytes(3 * FEATURES));
  adjoint(tile, a.update, x_bar, a.message.q_bar, a.update.q_bar);
  if (FAULT(44, true, false)) write_over(tile, 1, a.update.q_bar, a.message.q_bar);
}

KERNEL(SPREAD_THREADS, 1, painn_layer_first, PainnLayerArguments) { layer<true, false>(a); }
KERNEL(SPREAD_THREADS, 1, painn_layer, PainnLayerArguments) { layer<false, false>(a); }
KERNEL(SPREAD_THREADS, 1, painn_layer_last, PainnLayerArguments) { layer<false, true>(a); }
KERNEL(SPREAD_THREADS, 1, painn_layer_adjoint, PainnLayerArguments) { layer_adjoint(a); }

}  // namespace painnless::cuda
