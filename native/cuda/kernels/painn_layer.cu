// PaiNN's layers where atoms are few, in one launch each way and layer: a cluster of blocks owns a tile of atoms, a block a slice of features, of which it passes all
// messages to these atoms, a warp a receiver, and makes its share of all products up to the next messages. Of twice as many blocks two share a slice, and two warps a
// receiver (relay.cuh). What other blocks need of messages they get by letters, as they do of products (exchange.cuh). Sums are those of launches apart, bit for bit.
// Tiles do not wait for each other: what one writes for later launches must not be what others still read in this one. x and mu are of their layer; passed, q_bar and
// mu_bar have two places, by turns; everything else is read by its own tile alone.
#include "layers/painn_tile.cuh"
#include "layers/slices_adjoint.cuh"

namespace painnless::cuda {

/// Blocks of a cluster that share a slice, each with its share of the receivers; as many warps share one of these.
constexpr int sharers = Spread::members / slices, receivers_of_block = Spread::tile / sharers;
static_assert(Spread::members % slices == 0 && sharers <= 2 && Spread::tile == Spread::threads / 32);

/// This warp's, unless its tile has fewer atoms.
struct OwnReceiver : OneReceiver<sharers> {
  int atom;  // of the tile
  __device__ explicit OwnReceiver(const Tile<Spread>& tile) : atom(member<Spread>() / slices * receivers_of_block + warp_index() % receivers_of_block) {
    i = atom < tile.count ? tile.first + atom : -1;
    part = warp_index() / receivers_of_block;
  }
  /// Of what warps share: numbers in the block's memory.
  static constexpr int shared = sharers > 1 ? receivers_of_block * relay_words : 0;
  __device__ auto relay(real* memory) const {
    if constexpr (sharers > 1) return Relay(memory + warp_index() % receivers_of_block * relay_words, part);
    else return NoRelay{};
  }
  /// Does this warp send what has been received: who has `ended` the receiver does, and zeros, which others count, one that has none, of a tile of fewer than eight.
  __device__ bool hands_on(bool ended) const { return ended || FAULT(45, false, i < 0 && part == 0); }
};

/// Of a warp, when its messages are summed: all blocks have begun and cleared their counters long since.
__device__ void begin_letters() {
  __syncwarp();
  wait_for_cluster();
}

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
  const OwnRows<Spread, 1> old_q{memory + Spread::tile * of_atom};
  const OwnRows<Spread, 3> old_mid{old_q.memory + old_q.size};
  real* const free = old_mid.memory + old_mid.size;
  const OwnReceiver receiver(tile);
  auto relay = receiver.relay(free);
  Values received{};  // q, or a component of mid
  bool ended = false;
  receive_messages<FIRST>(a.message, receiver, free + receiver.shared, relay, [&](int, const Values& values) { received = values, ended = true; });
  begin_letters();
  const int atom = receiver.atom, q = lane_index() % 4, slice = own_slice(), feature = slice_feature(slice);
  if (receiver.hands_on(ended)) {
    send(q == 0 ? old_q.at(atom, 0, feature) : old_mid.at(atom, q - 1, feature), old_q.owner(feature), received, tile.arrivals[tile.turn % 2]);
    if (q == 0) put_pack(rows.qn, atom, feature, received);
    else put_pack(rows.mid, 3 * atom + q - 1, feature, received);
    hand_on_rows<slice_features, 1>(tile, rows.qn, atom, slice * slice_features);
    hand_on_rows<slice_features, 3>(tile, rows.mid, 3 * atom, slice * slice_features);
  }
  meet<FEATURES>(tile, rows.qn.bytes(FEATURES) + rows.mid.bytes(FEATURES) + old_q.bytes + old_mid.bytes);
  update<LAST>(tile, a.update, rows, old_q, old_mid, a.update.next.passed);
  if (FAULT(43, !FIRST && !LAST, false)) write_over(tile, 3, a.update.next.passed, a.message.passed);
}

/// Way back through message and context of a layer and the update of the one below.
__device__ void layer_adjoint(const PainnLayerArguments<real>& a) {
  DYNAMIC_SHARED(real, memory);
  Tile<Spread> tile(a.update.sizes->atoms, memory);
  if (tile.count == 0) return;
  clear_counters(tile);
  const ContextBarRows<Spread> x_bar{memory};
  const ReplacedRows<Spread, 3> mu_bar{{memory + Spread::tile * painn_adjoint_shared(FEATURES, TENSOR)}, {tile, a.update.mu_bar}};
  real* const free = mu_bar.memory + mu_bar.size;
  const OwnReceiver receiver(tile);
  auto relay = receiver.relay(free);
  ContextBars bars{};
  Values of_mu{};
  bool ended = false;
  return_messages<ReturnedMessages>(a.message, receiver, free + receiver.shared, relay, [&](long long, const Values& made) { of_mu = made; },
                                    [&](int, const ContextBars& made) { bars = made, ended = true; });
  begin_letters();
  const int atom = receiver.atom, q = lane_index() % 4, slice = own_slice(), feature = slice_feature(slice);
  // Numbers are put by pairs: lanes side by side make one of x^R and one of x^m.
  const bool odd = q % 2 == 1;
  const real other = __shfl_xor_sync(all_lanes, odd ? bars.r : bars.m, 1);
  if (receiver.hands_on(ended)) {
    if (q > 0) send(mu_bar.at(atom, q - 1, feature), mu_bar.owner(feature), of_mu, tile.arrivals[tile.turn % 2]);
    else put_pack(x_bar, atom, by_parts(3, 0, feature), bars.q);
    x_bar.put(atom, by_parts(3, odd ? 2 : 1, feature + q / 2 * 2), odd ? Pack<2>{other, bars.m} : Pack<2>{bars.r, other});
    hand_on_rows<3 * slice_features, 1>(tile, x_bar, atom, by_parts(3, 0, slice * slice_features));
  }
  meet<FEATURES>(tile, x_bar.bytes(3 * FEATURES) + mu_bar.bytes);
  adjoint(tile, a.update, x_bar, a.message.q_bar, a.update.q_bar, mu_bar);
  if (FAULT(44, true, false)) write_over(tile, 1, a.update.q_bar, a.message.q_bar);
}

// Blocks that share a slice, of 32 features, have a program of their own.
#if SPREAD_MEMBERS * 32 > FEATURES
KERNEL(SPREAD_THREADS, 1, painn_relay_first, PainnLayerArguments) { layer<true, false>(a); }
KERNEL(SPREAD_THREADS, 1, painn_relay, PainnLayerArguments) { layer<false, false>(a); }
KERNEL(SPREAD_THREADS, 1, painn_relay_last, PainnLayerArguments) { layer<false, true>(a); }
KERNEL(SPREAD_THREADS, 1, painn_relay_adjoint, PainnLayerArguments) { layer_adjoint(a); }
/// The last of the way back, pairs alone: a block a slice and receiver, whose tiles its warps take by turns; no sums go from one to the other.
KERNEL(message_threads, slice_adjoint_blocks, painn_relay_pairs, PainnMessageArguments) {
  DYNAMIC_SHARED(real, memory);
  const int i = static_cast<int>(blockIdx.y);
  if (i < a.sizes->atoms) return_messages<ReturnedPairs>(a, OneReceiver<message_threads / 32>{i, warp_index()}, memory);
}
#else
KERNEL(SPREAD_THREADS, 1, painn_layer_first, PainnLayerArguments) { layer<true, false>(a); }
KERNEL(SPREAD_THREADS, 1, painn_layer, PainnLayerArguments) { layer<false, false>(a); }
KERNEL(SPREAD_THREADS, 1, painn_layer_last, PainnLayerArguments) { layer<false, true>(a); }
KERNEL(SPREAD_THREADS, 1, painn_layer_adjoint, PainnLayerArguments) { layer_adjoint(a); }
#endif

}  // namespace painnless::cuda
