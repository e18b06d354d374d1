#pragma once
// From the pairs' sums to forces, and from atoms to their structures, in float64. Every atom has a block that ends it; the last to end sums up
// what is for all, in an order that does not depend on who that is. Twin of results.cu.
#include "answer.cuh"
#include "layers/lanes.cuh"
#include "layers/pairs.cuh"
#include "resident/block.cuh"

namespace painnless::cuda {

constexpr int share_numbers = 8;  // energy, virial; then edges and status as integers

/// Of this block, or -1: the atom of the cluster that it ends.
__device__ int ended_atom(const Block& b) {
  constexpr int step = members / resident_atoms;
  const int k = b.rank / step;
  return b.rank % step == 0 && resident_atoms * b.cluster + k < b.sizes().atoms ? k : -1;
}

/// A number of the answer, as one, whenever who reads it may look.
template <class Value> __device__ void tell(Value& at, Value value) { *static_cast<volatile Value*>(&at) = value; }

/// Counts an atom that has ended: true for the warp that was the last, and may read what all others wrote.
__device__ bool last_to_end(const Block& b, int which) {
  const int atoms = b.sizes().atoms;
  int before = 0;
  if (lane_index() == 0) {
    __threadfence();
    before = atomicAdd(b.a.done + which, 1);
    if (before + 1 == atoms) b.a.done[which] = 0;
    __threadfence();
  }
  return __shfl_sync(all_lanes, before, 0) + 1 == atoms;
}

/// What the atoms of a structure have as their number `n`, in the order of results.cu: 32 of them at a time.
__device__ double sum_of_atoms(const Block& b, const Structure& s, int n) {
  double total = 0;
  for (int k = lane_index(); k - lane_index() < s.atoms; k += 32)
    total += sum_of_warp(k < s.atoms ? static_cast<const volatile double*>(b.a.shares)[share_numbers * (s.first + k) + n] : 0);
  return total;
}

/// Has anybody waited in vain: then what has been computed is no answer. Asked after a warp's last wait.
__device__ bool is_lost(const Block& b) { return FAULT(42, true, *static_cast<volatile int*>(b.a.given_up) != 0); }
/// Behind what else this lane has stored of sizes: who gives up later than they are written has yet to end a force. No atomic, as this may be the host's memory:
/// beside that, nothing else that a status says counts.
__device__ void report_lost(const Answer& answer) {
  __threadfence();
  tell<int>(answer.sizes->status, unfinished);
}

/// T31's last layer and T33, by one warp: energy of an atom; by the last one those of the structures, and sizes.
__device__ void end_energy(const Block& b, int k) {
  const Request request{b.sizes().atoms, b.sizes().structures};
  const Answer answer(b.a.answer, request);
  const int atom = resident_atoms * b.cluster + k;
  if (lane_index() == 0) announce(*b.top_here, row_bytes(1, room.top()));
  wait_until([&] { return complete(*b.top_here, 0); }, b.a.given_up);
  const bool lost = is_lost(b);
  const real* h = b.memory + b.at.top;
  double sum = 0;
  for (int c = lane_index(); c < room.top(); c += 32) sum += b.a.last[c] * static_cast<double>(h[c]);
  sum = b.a.last_bias + sum_of_warp(sum);
  const double own_energy = b.a.energy_unit * sum;
  double* share = b.a.shares + share_numbers * atom;
  if (lane_index() == 0) {
    share[0] = own_energy;
    int* counts = reinterpret_cast<int*>(share + 7);
    counts[0] = b.first()[k + 1] - b.first()[k];
    counts[1] = b.sizes().status | (lost ? unfinished : 0);
  }
  const bool is_last = last_to_end(b, 0);
  if (lane_index() == 0) tell(answer.atom_energies[atom], own_energy);  // behind the fence, which would wait until it is at the host
  if (!is_last) return;
  Sizes sizes{request.atoms, request.structures, 0, 0, 0, 0, 1};
  for (int index = 0; index < request.structures; index++) {
    const Structure& s = structures_of(b.a)[index];
    const double energy = sum_of_atoms(b, s, 0);
    int edges = 0, status = 0;
    for (int i = s.first + lane_index(); i < s.first + s.atoms; i += 32) {
      const volatile int* counts = reinterpret_cast<const volatile int*>(b.a.shares + share_numbers * i + 7);
      edges += counts[0];
      status |= counts[1];
    }
    for (int mask = 16; mask > 0; mask /= 2) {
      edges += __shfl_xor_sync(all_lanes, edges, mask);
      status |= __shfl_xor_sync(all_lanes, status, mask);
    }
    sizes.found += edges;
    sizes.status |= status;
    if (lane_index() == 0) {
      tell(answer.energies[index], energy);
      tell(answer.edges[index], edges);
    }
    if (lane_index() < 6 && (!b.a.gradient || !(s.volume > 0))) tell(answer.stress[6 * index + lane_index()], 0.0);
  }
  sizes.edges = sizes.found;
  if (lane_index() != 0) return;
  if (request.structures % 2 == 1) tell(answer.edges[request.structures], 0);  // the gap is fetched too
  tell(answer.sizes->atoms, sizes.atoms);
  tell(answer.sizes->structures, sizes.structures);
  tell(answer.sizes->edges, sizes.edges);
  tell(answer.sizes->found, sizes.found);
  tell(answer.sizes->status, sizes.status);
  tell(answer.sizes->placed, sizes.placed);
  tell(answer.sizes->fresh, sizes.fresh);
  __threadfence();
  if (is_lost(b)) report_lost(answer);
}

/// Adds up the sums of pairs over features, layers and halves, a warp an edge, and sends them to the block that ends the edge's atom. All workers. As in slices: over
/// the four features of a lane, which are one set of numbers here, eight lanes, the layers; then as in results.cu, in float64.
__device__ void add_up_pairs(const Block& b) {
  constexpr int fours = FEATURES / 4, slices = FEATURES / slice_features;
  const int edges = b.first()[resident_atoms], own = b.rank < edges ? (edges - b.rank - 1) / members + 1 : 0;
  const int four = lane_index() % fours, half = lane_index() / 4 % 2, number = lane_index() % 4;  // eight lanes have both halves' numbers
  if (threadIdx.x == 0) announce(*b.pairs_here, static_cast<unsigned>(own * room.pair_sets() * room.pair_row() * static_cast<int>(sizeof(real))));
  wait_until([&] { return complete(*b.pairs_here, 0); }, b.a.given_up);
  for (int slot = warp_index(); slot < own; slot += resident_workers / 32) {
    const int e = slot * members + b.rank, standing = b.senders()[2 * e + 1] != 0 ? 0 : 1;  // the half made at the edge that stands for the pair
    const auto sum_of_layer = [&](int t) {
      const Pack<4> low = load<4>(b.pair_sums(t, 0, e, four)), high = t == 0 ? low : load<4>(b.pair_sums(t, 1, e, four));
      return sum_of_eight_lanes<1>(low.v, high.v) * (number == 0 ? b.of_slope(t) : b.of_value(t));
    };
    real sum = sum_of_layer(LAYERS - 1);
    for (int t = LAYERS - 2; t > 0; t--) sum += sum_of_layer(t);
    if constexpr (LAYERS > 1) {
      const real first = sum_of_layer(0);
      if (half == standing) sum += first;
    }
    double total = 0;
    for (int h = 0; h < (LAYERS > 1 ? 2 : 1); h++)
      for (int c = 0; c < slices - FAULT(32, 1, 0); c++) {
        const real part = __shfl_sync(all_lanes, sum, 8 * c + 4 * (h ^ standing) + number);
        total += h == 0 || number == 0 || FAULT(39, true, false) ? part : -part;  // seen from the other end, t points back
      }
    int k = 0;
    while (e >= b.first()[k + 1]) k++;
    Pack<2> words;
    memcpy(&words, &total, sizeof words);
    if (lane_index() < 4) send(reinterpret_cast<real*>(b.sums(e - b.first()[k]) + number), b.owner(k), words, *b.sums_here);
  }
}

/// T34 to T36, by one warp: force on an atom; by the last one the stresses of the structures, if any has a volume.
__device__ void end_forces(const Block& b, int k) {
  const Request request{b.sizes().atoms, b.sizes().structures};
  const Answer answer(b.a.answer, request);
  const int atom = resident_atoms * b.cluster + k, begin = b.first()[k], count = b.first()[k + 1] - begin;
  if (lane_index() == 0) announce(*b.sums_here, static_cast<unsigned>(count * 4 * static_cast<int>(sizeof(double))));
  wait_until([&] { return complete(*b.sums_here, 0); }, b.a.given_up);
  const bool lost = is_lost(b);
  double force[3] = {}, virial[6] = {};
  for (int n = lane_index(); n < count; n += 32) {
    const bool stands = b.senders()[2 * (begin + n) + 1] != 0;
    const double* own = b.vectors() + 3 * (begin + n);
    double r[3], g[3];
    for (int c = 0; c < 3; c++) r[c] = stands ? own[c] : -own[c];
    pair_gradient(b.sums(n), b.a.direction_eps, r, g);
    add_pair(stands, r, g, force, virial);
  }
  double of_lane = 0;  // components are stored together
  for (int c = 0; c < 3; c++) {
    const double sum = sum_of_warp(force[c]);
    if (lane_index() == c) of_lane = b.a.energy_unit * sum;
  }
  bool is_last = false;
  if (b.voluminous()) {
    for (int n = 0; n < 6; n++) {
      virial[n] = sum_of_warp(virial[n]);
      if (lane_index() == 0) b.a.shares[share_numbers * atom + 1 + n] = b.a.energy_unit * virial[n];
    }
    is_last = last_to_end(b, 1);
  }
  // A force that is lost stays away: who looks for it waits until the status that says so is there.
  if (!lost && lane_index() < FAULT(47, 2, 3)) tell(answer.forces[3 * atom + lane_index()], of_lane);
  if (lost && lane_index() == 0) report_lost(answer);
  if (!is_last) return;
  for (int index = 0; index < request.structures; index++) {
    const Structure& s = structures_of(b.a)[index];
    if (!(s.volume > 0)) continue;
    double stress = 0;
    for (int n = 0; n < 6; n++) {
      const double total = sum_of_atoms(b, s, 1 + n);
      if (lane_index() == n) stress = total / s.volume;
    }
    if (lane_index() < 6) tell(answer.stress[6 * index + lane_index()], stress);
  }
}

}  // namespace painnless::cuda
