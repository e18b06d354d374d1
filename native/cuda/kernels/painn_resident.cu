// PaiNN in one launch, for few atoms: all weights in the shared memory of clusters, four atoms a cluster, eight features a block; nothing but what
// neighbours tell each other passes through global memory (resident/). The same sums in the same order as the layered schedule, bit for bit.
#include "resident/edges.cuh"
#include "resident/message.cuh"
#include "resident/results.cuh"
#include "resident/update.cuh"

namespace painnless::cuda {

/// Starts the copies of a block's weights, a piece a layer and one for the readout, in the order in which they are needed.
__device__ void bring_weights(const Block& b) {
  const real* from = b.a.weights + static_cast<long long>(b.rank) * room.weights();
  for (int piece = 0; piece <= LAYERS; piece++) {
    const int begin = piece == 0 ? 0 : room.layer(piece), end = piece == LAYERS ? room.weights() : room.layer(piece + 1);
    const unsigned bytes = static_cast<unsigned>((end - begin) * static_cast<int>(sizeof(real)));
    announce(b.weights_here[piece], bytes);
    if (bytes > 0) bring(b.memory + b.at.weights + begin, from + begin, bytes, b.weights_here[piece]);
  }
}

/// What the elements say: contexts of layer 0 of all atoms, embeddings of this block's.
__device__ void look_up_elements(const Block& b) {
  const int atoms = b.sizes().atoms;
  for (int task = threadIdx.x; task < 16 * atoms; task += resident_threads) {
    const int i = task / 16, n = task % 16;
    b.x_row(0, i)[n] = b.a.element_x[(b.numbers()[i] * 3 + n / part_features) * FEATURES + part_features * b.rank + n % part_features];
  }
  if (threadIdx.x >= 128) return;
  const int c = threadIdx.x / 32, own = threadIdx.x % 32, i = resident_atoms * b.cluster + own / part_features;
  b.now()[now_q + threadIdx.x] = c == 0 && i < atoms ? b.a.embedding[b.numbers()[i] * FEATURES + part_features * b.rank + own % part_features] : 0;
}

/// Centres and exponents of the radial functions, in shared memory until the scratch is used.
__device__ Radial<real> copy_radial(const Block& b) {
  static_assert(2 * RADIAL <= resident_workers / 32 * scratch_row, "radial functions in the scratch");
  real* copy = b.memory + b.at.scratch;
  for (int r = threadIdx.x; r < RADIAL; r += resident_threads) {
    copy[r] = b.a.radial.offsets[r];
    if (!BESSEL) copy[RADIAL + r] = b.a.radial.gammas[r];
  }
  return {copy, copy + RADIAL, b.a.radial.cutoff, b.a.radial.value_scale, b.a.radial.slope_scale};
}

/// The network by the workers of a block. Ends with all of the pairs' sums on their way.
__device__ void work(Block& b) {
  for (int t = 0; t < LAYERS; t++) {
    if (t > 0) {
      real x[3];
      context_forward(b, t, x);
      share_contexts(b, t, x);
    }
    message_forward(b, t);
    update_forward(b, t);
    if (t == 0) wait_until([&] { return complete(*b.filters_here, 0); }, b.a.given_up);
    if (t + 1 < LAYERS || room.hidden > 0) b.send_to_all(b.arriving(), b.atom, FEATURES, b.feature(), b.now()[now_q + b.own()]);
  }
  real slopes[room.hidden + 1];
  b.await_weights(LAYERS);
  readout_forward<0>(b, slopes);
  if (!b.a.gradient) return;
  readout_adjoint<room.hidden>(b, slopes, b.weights(64 * LAYERS + 8 * room.hidden)[4 * b.half + b.j]);
  for (int t = LAYERS - 1; t >= 0; t--) {
    update_adjoint(b, t);
    share_bars(b);
    real x_bar[3];
    message_adjoint(b, t, x_bar);
    if (t > 0) context_adjoint(b, t, x_bar);
  }
}

KERNEL(resident_threads, 1, painn_resident, ResidentArguments) {
  DYNAMIC_SHARED(real, memory);
  if (FAULT(46, true, false)) return;
  Block b(a, memory);
  const int counters = 6 + LAYERS + 1;
  if (threadIdx.x < counters) clear(b.arrivals[threadIdx.x], b.arrivals + threadIdx.x == b.filters_here ? makers : 1);
  if (threadIdx.x < 40) b.words[threadIdx.x] = 0;
  publish_arrivals();
  arrive_at_cluster();
  fetch_request(b);
  const Radial<real> radial = copy_radial(b);
  b.mail_turn = *static_cast<volatile unsigned*>(a.mail_turn) + 1;
  __syncthreads();
  if (threadIdx.x == 0) {
    bring_weights(b);
    if (blockIdx.x == 0) reinterpret_cast<Sizes*>(a.answer)->status = unfinished;
  }
  find_edges(b, radial);
  const HeldFilterWeights weights = filter_weights(b, 0);
  look_up_elements(b);
  make_filter_inputs(b, radial);
  __syncthreads();
  make_first_filters(b, weights);
  __syncthreads();
  wait_for_cluster();  // now others may send

  const int ended = ended_atom(b);
  if (threadIdx.x >= resident_workers) {
    make_filters(b);
    __syncwarp();
    if (lane_index() == 0) arrive(*b.filters_here);
    if (warp_index() == resident_workers / 32 && ended >= 0) end_energy(b, ended);
    return;
  }
  work(b);
  if (blockIdx.x == 0 && threadIdx.x == 0) *a.mail_turn = b.mail_turn - 1;
  if (!a.gradient) return;
  add_up_pairs(b);
  if (warp_index() == 0 && ended >= 0) end_forces(b, ended);
}

}  // namespace painnless::cuda
