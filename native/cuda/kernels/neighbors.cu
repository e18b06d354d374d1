// Neighbour search: the list of native/neighbors.h, edge for edge and bit for bit, on the card. Compiled without fused multiply-add, in float64,
// so that two machines agree on which pairs are edges. A hash table of bins as wide as the cutoff; candidates are found by any order and
// each receiver's edges then put into theirs by rank, which needs no order of the finds.
#include "search/candidates.cuh"

namespace painnless::cuda {

/// One thread an atom: into the cell, its bin, and one more for that bin's slot.
KERNEL(128, 1, place_atoms, SearchArguments) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, atoms = request_of(a).atoms;
  if (i == 0) {
    a.sizes->atoms = atoms;
    a.sizes->structures = request_of(a).structures;
  }
  if (i >= atoms) return;
  a.numbers[i] = numbers_of(a)[i];
  place(a, i);
  const Placed& p = a.placed[i];
  if (!structures_of(a)[p.structure].few) atomicAdd(&a.slot_end[p.slot], 1);
}

/// slot_end holds the counts, and then where the next atom of each slot goes.
KERNEL(1024, 1, scan_slots, SearchArguments) { scan(a.slot_end, a.slots, a.slot_begin, a.slot_end); }

KERNEL(128, 1, fill_slots, SearchArguments) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= a.sizes->atoms) return;
  const Placed& p = a.placed[i];
  if (structures_of(a)[p.structure].few) return;
  InSlot& at = a.in_slots[atomicAdd(&a.slot_end[p.slot], 1)];
  for (int c = 0; c < 3; c++) {
    at.position[c] = p.position[c];
    at.bin[c] = p.bin[c];
  }
  at.structure = p.structure;
  at.atom = i;
}

/// One warp a receiver. first[i] holds its count until the scan.
KERNEL(128, 1, count_neighbors, SearchArguments) {
  const int i = blockIdx.x * (blockDim.x / 32) + warp_index();
  if (i >= a.sizes->atoms) return;
  int count = 0;
  visit(a, i, [&](bool edge, int, int) { count += __popc(__ballot_sync(all_lanes, edge)); });
  if (lane_index() == 0) a.edges.first[i] = count;
}

KERNEL(1024, 1, scan_neighbors, SearchArguments) {
  const int atoms = a.sizes->atoms;
  scan(a.edges.first, atoms, a.edges.first, nullptr);
  __syncthreads();
  if (threadIdx.x > 0) return;
  const int found = a.edges.first[atoms];
  a.sizes->found = found;
  a.sizes->edges = found;
  if (found <= a.edge_capacity) return;
  a.sizes->edges = a.sizes->atoms = 0;  // whatever comes after finds nothing to do
  atomicOr(&a.sizes->status, too_many_edges);
}

/// One warp a receiver: writes the same candidates that were counted, in the order of the finds.
KERNEL(128, 1, find_neighbors, SearchArguments) {
  const int i = blockIdx.x * (blockDim.x / 32) + warp_index();
  if (i >= a.sizes->atoms || a.sizes->edges == 0) return;
  int at = a.edges.first[i];
  visit(a, i, [&](bool edge, int j, int translation) {
    const unsigned edges = __ballot_sync(all_lanes, edge);
    if (edge) {
      const int e = at + __popc(edges & ((1u << lane_index()) - 1));
      a.found[e] = static_cast<unsigned long long>(j) << 32 | static_cast<unsigned>(translation);
      a.edges.receivers[e] = i;
    }
    at += __popc(edges);
  });
}

/// One thread an edge: its place is the number of smaller keys among its receiver's.
KERNEL(128, 1, sort_neighbors, SearchArguments) {
  for (int e = blockIdx.x * blockDim.x + threadIdx.x; e < a.sizes->edges; e += gridDim.x * blockDim.x) {
    const int i = a.edges.receivers[e], begin = a.edges.first[i], end = a.edges.first[i + 1];
    const unsigned long long key = a.found[e];
    int rank = 0;
    for (int other = begin; other < end; other++) rank += a.found[other] < key;
    a.keys[begin + rank] = key;
  }
}

/// One thread an edge: sender, vector, direction, shift, and the reverse edge by bisection of the sender's list.
KERNEL(128, 1, finish_edges, SearchArguments) {
  for (int e = blockIdx.x * blockDim.x + threadIdx.x; e < a.sizes->edges; e += gridDim.x * blockDim.x) {
    const int i = a.edges.receivers[e], j = static_cast<int>(a.keys[e] >> 32), translation = static_cast<int>(a.keys[e] & 0xFFFFFFFFu);
    const Placed &receiver = a.placed[i], &sender = a.placed[j];
    const Structure& s = structures_of(a)[receiver.structure];
    int steps[3];
    translation_steps(s, translation, steps);
    const Separation between(receiver.position, sender.position, s, steps[0], steps[1], steps[2]);
    const double d = sqrt(between.square);
    a.edges.senders[e] = j;
    for (int c = 0; c < 3; c++) {
      a.edges.vectors[3 * static_cast<long long>(e) + c] = between.r[c];
      a.edges.direction[4 * static_cast<long long>(e) + c] = static_cast<real>(between.r[FAULT(1, c ^ (c < 2), c)] / (d + a.direction_eps));
      if (a.edges.shifts) a.edges.shifts[3 * static_cast<long long>(e) + c] = steps[c] - sender.wrap[c] + receiver.wrap[c];
    }
    const real rounded = static_cast<real>(d);
    a.edges.direction[4 * static_cast<long long>(e) + 3] = rounded;
    a.edges.rest[e] = static_cast<real>(d - rounded);

    const unsigned long long wanted = static_cast<unsigned long long>(i) << 32 | static_cast<unsigned>(translations_of(s) - 1 - translation);
    int low = a.edges.first[j], high = a.edges.first[j + 1] - 1;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (a.keys[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    a.edges.reverse[e] = low;
  }
}

}  // namespace painnless::cuda
