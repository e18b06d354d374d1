// Neighbour search: the list of native/neighbors.h, edge for edge and bit for bit, on the card. Compiled without fused multiply-add, in float64,
// so that two machines agree on which pairs are edges. Candidates come from a hash table of bins as wide as the cutoff,
// in any order, and each receiver's edges are put into theirs by rank, which needs no order of the finds.
#include "search/binned.cuh"
#include "search/finds.cuh"
#include "search/kept.cuh"

namespace painnless::cuda {

/// One thread an atom: into the cell, its bin, and one more for that bin's slot. Atoms of small structures have slots too, where there are any, as receivers are
/// taken in the order of these: neighbouring warps then look into the same bins.
KERNEL(128, 1, place_atoms, SearchArguments) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, atoms = request_of(a).atoms;
  if (i == 0) {
    a.sizes->atoms = atoms;
    a.sizes->structures = request_of(a).structures;
    if (!a.kept.pairs) a.sizes->fresh = 1;
  }
  if (i >= atoms) return;
  a.numbers[i] = numbers_of(a)[i];
  place(a, i);
  if (a.kept.pairs && !still_holds(a, i)) atomicOr(&a.sizes->fresh, 1);
  Placed& p = a.placed[i];
  for (int c = 0; c < 3; c++) a.senders[i].position[c] = p.position[c];
  if (a.slots == 0) return;
  const Structure& s = structures_of(a)[p.structure];
  const int own = i - s.first;
  p.slot = s.few ? slot_of(a, p.structure, own & 3, own >> 2 & 3, own >> 4 & 3) : slot_of(a, p.structure, p.bin[0], p.bin[1], p.bin[2]);
  atomicAdd(&a.slot_end[p.slot], 1);
}

/// slot_end holds the counts, and then where the next atom of each slot goes. One thread four slots; blocks come in any order, and so do their slots.
KERNEL(scan_threads, 1, scan_slots, SearchArguments) {
  __shared__ int begin;
  if (!a.sizes->fresh) return;
  const int first = 4 * (blockIdx.x * blockDim.x + threadIdx.x);
  const Four counts(a.slot_end, first, a.slots);
  const BlockSum sum(counts.sum());
  if (threadIdx.x == 0) begin = atomicAdd(a.slots_taken, sum.total);
  __syncthreads();
  if (first >= a.slots) return;
  Pack<4, int> begins;
  int running = begin + sum.before;
  for (int k = 0; k < 4; k++) {
    begins.v[k] = running;
    running += counts.v[k];
  }
  *reinterpret_cast<Pack<4, int>*>(a.slot_begin + first) = *reinterpret_cast<Pack<4, int>*>(a.slot_end + first) = begins;
}

KERNEL(128, 1, fill_slots, SearchArguments) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i >= a.sizes->atoms || !a.sizes->fresh) return;
  const Placed& p = a.placed[i];
  InSlot& at = a.in_slots[atomicAdd(&a.slot_end[p.slot], 1)];
  for (int c = 0; c < 3; c++) at.position[c] = static_cast<float>(p.position[c]);
  at.atom = i;
}

/// The receiver of a warp, or none: -1. Slots are those of the last search.
__device__ int own_receiver(const SearchArguments<real>& a) {
  const int index = blockIdx.x * find_warps + warp_index();
  return index >= a.sizes->atoms ? -1 : a.slots > 0 ? a.in_slots[index].atom : index;
}

/// One warp a receiver: its edges, or pairs to keep, into their order by rank, to wherever there is room next. first[i] holds the count of edges until the scan.
template <bool KEEPS> __device__ void find(const SearchArguments<real>& a, int i) {
  __shared__ Pack<4, unsigned> room[find_warps][most_finds / 2 + 1];
  __shared__ int counts[find_warps], place;
  const bool there = i >= 0;
  const int capacity = KEEPS ? a.kept.capacity : a.edge_capacity;
  const Reach& reach = KEEPS ? a.kept.reach : a.reach;
  const Structure& s = structures_of(a)[there ? a.placed[i].structure : 0];
  const int translations = translations_of(s), bits = 32 - __clz(translations);
  Finds finds;
  finds.narrow = room[warp_index()][0].v;
  finds.wide = reinterpret_cast<unsigned long long*>(finds.narrow);
  finds.first = s.first;
  finds.bits = bits;
  finds.fit = static_cast<unsigned long long>(s.atoms) << bits <= 1ull << 31;
  finds.most = finds.fit ? 2 * most_finds : most_finds;
  const auto take = [&](bool edge, int j, int translation) { finds.add(edge, j, translation); };
  int begin = 0, taken = 0;
  for (bool again = false;; again = true) {
    finds.count = 0;
    if (there && s.few) visit(a, reach, i, take);
    else if (there && visit_bins(a, reach, i, take) && !KEEPS && finds.count <= finds.most) keep_edges(a, s, i, finds);
    if (again) break;
    if (lane_index() == 0) counts[warp_index()] = finds.count;
    __syncthreads();
    if (threadIdx.x == 0) {
      int sum = 0;
      for (int w = 0; w < find_warps; w++) sum += counts[w];
      // Who comes when there is no room left takes none, so that the count cannot run over.
      place = *static_cast<volatile int*>(&a.sizes->placed) > capacity ? capacity : atomicAdd(&a.sizes->placed, sum);
    }
    __syncthreads();
    begin = place;
    taken = finds.count;
    for (int w = 0; w < warp_index(); w++) begin += counts[w];
    if (!there) return;
    if (taken > capacity - begin || taken <= finds.most) break;
    finds.fit = false;  // once more, for where there is more room
    finds.wide = (KEEPS ? a.found : a.spare) + begin;
    finds.most = taken;
  }
  const int count = finds.count;
  const bool fits = taken <= capacity - begin;  // else the scan will say so
  if (lane_index() == 0) {
    int* const sums = a.group_edges + i / scan_items * group_stride;
    a.senders[i].begin = begin;
    if (KEEPS) {
      KeptAtom& kept = a.kept.atoms[i];
      // Without room nothing holds: the steps that are queued behind this one must not take what there is for all.
      for (int k = 0; k < 3; k++) kept.position[k] = fits ? positions_of(a)[3 * i + k] : far_away, kept.wrap[k] = a.placed[i].wrap[k];
      kept.pairs = fits ? count : 0;
      atomicAdd(sums + 2, min(taken, most_counted));
    } else {
      a.edges.first[i] = count;
      atomicAdd(sums, count);
      if (taken > count) atomicAdd(a.group_edges + 1, taken - count);
    }
  }
  if (!fits) return;
  __syncwarp();
  const int middle = translations / 2;
  unsigned long long* const to = (KEEPS ? a.kept.pairs : a.found) + begin;
  int earlier;
  if (finds.fit) {
    if (lane_index() < 3) finds.narrow[count + lane_index()] = 0x7FFFFFFFu;
    __syncwarp();
    earlier = put_in_order(room[warp_index()], count, finds.narrowed(i, middle), to, [&](unsigned key) { return finds.widened(key); });
  } else {
    earlier = put_in_order(reinterpret_cast<const Pack<1, unsigned long long>*>(finds.wide), count,
                           static_cast<unsigned long long>(i) << 32 | static_cast<unsigned>(middle), to, [](unsigned long long key) { return key; });
  }
  if (!KEEPS && lane_index() == 0) a.senders[i].earlier = earlier;
}

KERNEL(find_threads, 6, find_neighbors, SearchArguments) { find<false>(a, own_receiver(a)); }

/// Where pairs are kept: they are searched for where they hold no more.
KERNEL(find_threads, 6, keep_neighbors, SearchArguments) {
  const int i = own_receiver(a);
  if (a.sizes->fresh) find<true>(a, i);
  if (i >= 0) choose_edges(a, i);
}

/// One block a group of receivers, one thread four of them; the last group's says how many edges there are.
KERNEL(scan_threads, 1, scan_neighbors, SearchArguments) {
  const int atoms = request_of(a).atoms, group = blockIdx.x, last = max(atoms - 1, 0) / scan_items;  // sizes->atoms may be 0 by now
  if (group > last) return;
  int earlier = 0;
  for (int g = threadIdx.x; g < group; g += blockDim.x) earlier += a.group_edges[g * group_stride];
  const int begin = BlockSum(earlier).total, first = scan_items * group + 4 * threadIdx.x;
  const Four counts(a.edges.first, first, atoms);
  const BlockSum own(counts.sum());
  int running = begin + own.before;
  for (int k = 0; k < 4 && first + k < atoms; k++) {
    a.edges.first[first + k] = running;
    running += counts.v[k];
  }
  if (group < last || threadIdx.x > 0) return;
  // A sum that ran over is known by the places taken; and where more of these were asked for than there are, by finds that were no edges, somebody had none.
  const int placed = a.sizes->placed, sum = begin + own.total;
  const int for_pairs = a.kept.pairs ? edges_for_pairs(a, last + 1) : 0;
  const int found = a.kept.pairs ? max(sum, for_pairs) : sum < placed - a.group_edges[1] ? 0x7FFFFFFF : placed > a.edge_capacity ? max(sum, placed) : sum;
  a.edges.first[atoms] = sum;
  a.sizes->found = found;
  a.sizes->edges = found;
  if (found <= a.edge_capacity && for_pairs == 0) return;
  a.sizes->edges = a.sizes->atoms = 0;  // whatever comes after finds nothing to do
  atomicOr(&a.sizes->status, too_many_edges);
}

/// One warp a receiver: senders, vectors, directions and shifts of its edges, and where those begin that come first of their pair, but for images of the receiver;
/// and of the earlier edge of a pair the reverse one, by bisection of the sender's list.
KERNEL(128, 1, finish_edges, SearchArguments) {
  const int i = blockIdx.x * (blockDim.x / 32) + warp_index();
  if (i >= a.sizes->atoms) return;
  const Structure& s = structures_of(a)[a.placed[i].structure];
  const Sender receiver = a.senders[i];
  const unsigned long long* finds = a.found + receiver.begin;
  const int first = a.edges.first[i], end = a.edges.first[i + 1], last = translations_of(s) - 1;
  int before = 0;
  for (int e = first + lane_index(); e < end; e += 32) {
    const unsigned long long key = finds[e - first];
    const int j = static_cast<int>(key >> 32), translation = static_cast<int>(key & 0xFFFFFFFFu);
    const Sender sender = a.senders[j];
    before += j < i;
    int steps[3];
    translation_steps(s, translation, steps);
    const Separation between(receiver.position, sender.position, s, steps[0], steps[1], steps[2]);
    const double d = sqrt(between.square);
    a.edges.receivers[e] = i;
    a.edges.senders[e] = j;
    Pack<4> direction;
    for (int c = 0; c < 3; c++) {
      a.edges.vectors[3 * static_cast<long long>(e) + c] = between.r[c];
      direction.v[c] = static_cast<real>(between.r[FAULT(1, c ^ (c < 2), c)] / (d + a.direction_eps));
      if (a.edges.shifts) a.edges.shifts[3 * static_cast<long long>(e) + c] = steps[c] - a.placed[j].wrap[c] + a.placed[i].wrap[c];
    }
    direction.v[3] = static_cast<real>(d);
    store(a.edges.direction + 4 * static_cast<long long>(e), direction);
    a.edges.rest[e] = static_cast<real>(d - direction.v[3]);

    if (j < i || (j == i && translation > last - translation)) continue;
    const unsigned long long wanted = static_cast<unsigned long long>(i) << 32 | static_cast<unsigned>(last - translation);
    const unsigned long long* theirs = a.found + sender.begin;
    // Of a sender behind its receiver that edge is among those that come before the sender itself; of an image of the receiver, among those behind.
    int low = j == i ? sender.earlier : 0, high = (j == i ? end - first : sender.earlier) - 1;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (theirs[middle] < wanted) low = middle + 1;
      else high = middle;
    }
    const int back = a.edges.first[j] + low;
    a.edges.reverse[e] = back;
    a.edges.reverse[back] = e;
  }
  __syncwarp();
  for (int mask = 16; mask > 0; mask /= 2) before += __shfl_xor_sync(all_lanes, before, mask);
  if (lane_index() == 0) a.edges.pairs[i] = first + before;
}

}  // namespace painnless::cuda
