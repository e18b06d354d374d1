// Neighbour search: the list of native/neighbors.h, edge for edge and bit for bit, on the card. Compiled without fused multiply-add, in float64,
// so that two machines agree on which pairs are edges. A hash table of bins as wide as the cutoff; candidates are found in any order and
// each receiver's edges put into theirs by rank, which needs no order of the finds.
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

/// Finds of a receiver for which there is room in shared memory.
constexpr int most_finds = 384;

/// One warp a receiver: its edges into their order by rank, to wherever there is room next. first[i] holds their count until the scan.
KERNEL(128, 1, find_neighbors, SearchArguments) {
  __shared__ unsigned long long room[4][most_finds];
  const int i = blockIdx.x * (blockDim.x / 32) + warp_index();
  if (i >= a.sizes->atoms) return;
  unsigned long long* finds = room[warp_index()];
  int count = 0, most = most_finds;
  const auto keep = [&](bool edge, int j, int translation) {
    const unsigned edges = __ballot_sync(all_lanes, edge);
    const int k = count + __popc(edges & ((1u << lane_index()) - 1));
    if (edge && k < most) finds[k] = static_cast<unsigned long long>(j) << 32 | static_cast<unsigned>(translation);
    count += __popc(edges);
  };
  visit(a, i, keep);
  int begin = 0;
  if (lane_index() == 0) {
    // Who comes when there is no room left takes none, so that the count cannot run over.
    begin = *static_cast<volatile int*>(&a.sizes->placed) > a.edge_capacity ? a.edge_capacity : atomicAdd(&a.sizes->placed, count);
    a.edges.first[i] = count;
    a.find_begin[i] = begin;
  }
  begin = __shfl_sync(all_lanes, begin, 0);
  if (count > a.edge_capacity - begin) return;  // the scan will say so
  if (count > most_finds) {  // once more, for where there is more room
    finds = a.spare + begin;
    most = count;
    count = 0;
    visit(a, i, keep);
  }
  __syncwarp();
  constexpr int together = 3;
  for (int base = lane_index(); base < count; base += 32 * together) {
    unsigned long long own[together];
    int rank[together] = {};
    for (int n = 0; n < together; n++) own[n] = finds[min(base + 32 * n, count - 1)];
    for (int other = 0; other < count; other++) {
      const unsigned long long key = finds[other];
      for (int n = 0; n < together; n++) rank[n] += key < own[n];
    }
    for (int n = 0; n < together; n++)
      if (base + 32 * n < count) a.found[begin + rank[n]] = own[n];
  }
}

KERNEL(1024, 1, scan_neighbors, SearchArguments) {
  const int atoms = a.sizes->atoms;
  scan(a.edges.first, atoms, a.edges.first, nullptr);
  __syncthreads();
  if (threadIdx.x > 0) return;
  const int sum = a.edges.first[atoms], found = sum < a.sizes->placed ? 0x7FFFFFFF : sum;  // a sum that ran over
  a.sizes->found = found;
  a.sizes->edges = found;
  if (found <= a.edge_capacity) return;
  a.sizes->edges = a.sizes->atoms = 0;  // whatever comes after finds nothing to do
  atomicOr(&a.sizes->status, too_many_edges);
}

/// One warp a receiver: senders, vectors, directions and shifts of its edges; and of the earlier edge of a pair the reverse one, by bisection of the
/// sender's list.
KERNEL(128, 1, finish_edges, SearchArguments) {
  const int i = blockIdx.x * (blockDim.x / 32) + warp_index();
  if (i >= a.sizes->atoms) return;
  const Placed& receiver = a.placed[i];
  const Structure& s = structures_of(a)[receiver.structure];
  const unsigned long long* finds = a.found + a.find_begin[i];
  const int first = a.edges.first[i], end = a.edges.first[i + 1], last = translations_of(s) - 1;
  for (int e = first + lane_index(); e < end; e += 32) {
    const unsigned long long key = finds[e - first];
    const int j = static_cast<int>(key >> 32), translation = static_cast<int>(key & 0xFFFFFFFFu);
    const Placed& sender = a.placed[j];
    int steps[3];
    translation_steps(s, translation, steps);
    const Separation between(receiver.position, sender.position, s, steps[0], steps[1], steps[2]);
    const double d = sqrt(between.square);
    a.edges.receivers[e] = i;
    a.edges.senders[e] = j;
    for (int c = 0; c < 3; c++) {
      a.edges.vectors[3 * static_cast<long long>(e) + c] = between.r[c];
      a.edges.direction[4 * static_cast<long long>(e) + c] = static_cast<real>(between.r[FAULT(1, c ^ (c < 2), c)] / (d + a.direction_eps));
      if (a.edges.shifts) a.edges.shifts[3 * static_cast<long long>(e) + c] = steps[c] - sender.wrap[c] + receiver.wrap[c];
    }
    const real rounded = static_cast<real>(d);
    a.edges.direction[4 * static_cast<long long>(e) + 3] = rounded;
    a.edges.rest[e] = static_cast<real>(d - rounded);

    if (j < i || (j == i && translation > last - translation)) continue;
    const unsigned long long wanted = static_cast<unsigned long long>(i) << 32 | static_cast<unsigned>(last - translation);
    const unsigned long long* theirs = a.found + a.find_begin[j];
    int low = 0, high = a.edges.first[j + 1] - a.edges.first[j] - 1;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (theirs[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    a.edges.reverse[e] = a.edges.first[j] + low;
    a.edges.reverse[a.edges.first[j] + low] = e;
  }
}

}  // namespace painnless::cuda
