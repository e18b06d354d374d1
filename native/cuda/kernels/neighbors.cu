// Neighbour search: the list of native/neighbors.h, edge for edge and bit for bit, on the card. Compiled without fused multiply-add, in float64,
// so that two machines agree on which pairs are edges. A hash table of bins as wide as the cutoff; candidates are found by any order and
// each receiver's edges then put into theirs by rank, which needs no order of the finds.
#include "prelude.cuh"

namespace painnless::cuda {

using Arguments = SearchArguments<real>;

constexpr double coincident_square = 1e-6 * 1e-6;  // Å^2
constexpr double far_bin = 1 << 30;                // along an open axis; what lies beyond shares a bin

__device__ const Request& request_of(const Arguments& a) { return *reinterpret_cast<const Request*>(a.request); }
__device__ const Structure* structures_of(const Arguments& a) { return reinterpret_cast<const Structure*>(a.request + sizeof(Request)); }
__device__ const double* positions_of(const Arguments& a) {
  return reinterpret_cast<const double*>(structures_of(a) + request_of(a).structures);
}
__device__ const int* numbers_of(const Arguments& a) { return reinterpret_cast<const int*>(positions_of(a) + 3 * request_of(a).atoms); }

__device__ double dot3(const double* a, const double* b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

__device__ int open_bin(double fraction, double reach) {
  const double bin = floor(fraction / reach);
  return static_cast<int>(bin < -far_bin ? -far_bin : bin > far_bin ? far_bin : bin);
}

__device__ int slot_of(const Arguments& a, int structure, int x, int y, int z) {
  unsigned long long key = static_cast<unsigned>(structure);
  key = (key ^ static_cast<unsigned>(x)) * 0x9E3779B97F4A7C15ull;
  key = (key ^ (key >> 29) ^ static_cast<unsigned>(y)) * 0xBF58476D1CE4E5B9ull;
  key = (key ^ (key >> 32) ^ static_cast<unsigned>(z)) * 0x94D049BB133111EBull;
  return static_cast<int>((key >> 33) & static_cast<unsigned>(a.slots - 1));
}

__device__ int structure_of(const Arguments& a, int atom) {
  const Structure* s = structures_of(a);
  int low = 0, high = request_of(a).structures - 1;
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    if (s[middle].first <= atom) low = middle;
    else high = middle - 1;
  }
  return low;
}

/// One thread an atom: into the cell, its bin, and one more for that bin's slot.
KERNEL(128, 1, place_atoms, SearchArguments) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x, atoms = request_of(a).atoms;
  if (i == 0) {
    a.sizes->atoms = atoms;
    a.sizes->structures = request_of(a).structures;
  }
  if (i >= atoms) return;
  a.numbers[i] = numbers_of(a)[i];
  Placed& p = a.placed[i];
  p.structure = structure_of(a, i);
  const Structure& s = structures_of(a)[p.structure];
  const double* given = positions_of(a) + 3 * i;
  double position[3] = {given[0], given[1], given[2]};
  for (int k = 0; k < 3; k++) {
    double fraction = dot3(s.inverse + 3 * k, given);
    p.wrap[k] = 0;
    if (s.bins[k] > 0) {
      const double cells = floor(fraction);
      if (!(cells < 1e9 && cells > -1e9)) {
        atomicOr(&a.sizes->status, far_from_origin);
      } else {
        fraction -= cells;
        p.wrap[k] = static_cast<int>(cells);
        for (int c = 0; c < 3; c++) position[c] -= cells * s.lattice[3 * k + c];
      }
      p.bin[k] = min(static_cast<int>(fraction * s.bins[k]), s.bins[k] - 1);
    } else {
      p.bin[k] = open_bin(fraction, s.reach[k]);
    }
    p.fraction[k] = fraction;
  }
  for (int c = 0; c < 3; c++) p.position[c] = position[c];
  p.slot = 0;
  if (s.few) return;
  p.slot = slot_of(a, p.structure, p.bin[0], p.bin[1], p.bin[2]);
  atomicAdd(&a.slot_end[p.slot], 1);
}

/// What stands before each of `count` numbers: begin[k] = numbers[0] + .. + numbers[k - 1], and begin[count]. One block; a thread takes eight
/// numbers at a time.
__device__ void scan(const int* numbers, int count, int* begin, int* end) {
  __shared__ int of_warp[33];
  int before = 0;
  for (int base = 0; base < count; base += 8 * blockDim.x) {
    const int first = base + 8 * threadIdx.x;
    int own[8], sum = 0;
    for (int k = 0; k < 8; k++) sum += own[k] = first + k < count ? numbers[first + k] : 0;
    int inclusive = sum;
    for (int by = 1; by < 32; by *= 2) {
      const int below = __shfl_up_sync(all_lanes, inclusive, by);
      if (lane_index() >= by) inclusive += below;
    }
    if (lane_index() == 31) of_warp[warp_index()] = inclusive;
    __syncthreads();
    if (threadIdx.x == 0) {
      int total = 0;
      const int warps = blockDim.x / 32;
      for (int w = 0; w < warps; w++) {
        const int here = of_warp[w];
        of_warp[w] = total;
        total += here;
      }
      of_warp[32] = total;
    }
    __syncthreads();
    int running = before + of_warp[warp_index()] + inclusive - sum;
    for (int k = 0; k < 8; k++)
      if (first + k < count) {
        begin[first + k] = running;
        if (end) end[first + k] = running;
        running += own[k];
      }
    before += of_warp[32];
    __syncthreads();
  }
  if (threadIdx.x == 0) begin[count] = before;
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

/// r of native/neighbors/placing.h: it changes its sign exactly when the atoms change places.
struct Separation {
  double r[3], square;
  __device__ Separation(const double* receiver, const double* sender, const Structure& s, int x, int y, int z) {
    for (int c = 0; c < 3; c++) {
      const double offset = x * s.lattice[c] + y * s.lattice[3 + c] + z * s.lattice[6 + c];
      r[c] = (sender[c] - receiver[c]) + offset;
    }
    square = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
  }
};

__device__ int translations_of(const Structure& s) { return (2 * s.images[0] + 1) * (2 * s.images[1] + 1) * (2 * s.images[2] + 1); }
__device__ int translation_index(const Structure& s, int x, int y, int z) {
  return ((x + s.images[0]) * (2 * s.images[1] + 1) + y + s.images[1]) * (2 * s.images[2] + 1) + z + s.images[2];
}
__device__ void translation_steps(const Structure& s, int index, int* steps) {
  steps[2] = index % (2 * s.images[2] + 1) - s.images[2];
  index /= 2 * s.images[2] + 1;
  steps[1] = index % (2 * s.images[1] + 1) - s.images[1];
  steps[0] = index / (2 * s.images[1] + 1) - s.images[0];
}

/// Calls take(is an edge, sender, translation) for every candidate of one receiver; all lanes of its warp take part each time.
template <class Take> __device__ void visit(const Arguments& a, int i, Take take) {
  const Placed& p = a.placed[i];
  const Structure& s = structures_of(a)[p.structure];
  const int lane = lane_index();
  bool coincident = false;
  const auto offer = [&](bool candidate, int j, const double* position, int x, int y, int z) {
    bool edge = false;
    if (candidate && !(j == i && x == 0 && y == 0 && z == 0)) {
      const Separation between(p.position, position, s, x, y, z);
      coincident |= between.square < coincident_square;
      edge = between.square <= a.largest;
    }
    take(edge, j, edge ? translation_index(s, x, y, z) : 0);
  };

  if (s.few) {
    const int translations = translations_of(s), total = s.atoms * translations;
    for (int base = 0; base < total; base += 32) {
      const int c = base + lane, j = s.first + min(c, total - 1) / translations;
      int steps[3];
      translation_steps(s, min(c, total - 1) % translations, steps);
      offer(c < total, j, a.placed[j].position, steps[0], steps[1], steps[2]);
    }
  } else {
    int low[3], size[3];
    for (int k = 0; k < 3; k++) {
      const double from = p.fraction[k] - s.reach[k], to = p.fraction[k] + s.reach[k];
      low[k] = s.bins[k] > 0 ? static_cast<int>(floor(from * s.bins[k])) : open_bin(from, s.reach[k]);
      size[k] = (s.bins[k] > 0 ? static_cast<int>(floor(to * s.bins[k])) : open_bin(to, s.reach[k])) - low[k] + 1;
    }
    const int bins = size[0] * size[1] * size[2];
    for (int base = 0; base < bins; base += 32) {
      // Each lane opens one bin; then all lanes go through the atoms of these 32 bins, 32 atoms at a time.
      const int b = base + lane;
      int bin[3] = {low[0] + b / (size[1] * size[2]), low[1] + b / size[2] % size[1], low[2] + b % size[2]}, steps[3] = {};
      int begin = 0, count = 0;
      if (b < bins) {
        for (int k = 0; k < 3; k++)
          if (s.bins[k] > 0) {
            steps[k] = bin[k] >= 0 ? bin[k] / s.bins[k] : -((s.bins[k] - 1 - bin[k]) / s.bins[k]);
            bin[k] -= steps[k] * s.bins[k];
          }
        const int slot = slot_of(a, p.structure, bin[0], bin[1], bin[2]);
        begin = a.slot_begin[slot];
        count = a.slot_begin[slot + 1] - begin;
      }
      int upto = count;
      for (int by = 1; by < 32; by *= 2) {
        const int below = __shfl_up_sync(all_lanes, upto, by);
        if (lane >= by) upto += below;
      }
      const int total = __shfl_sync(all_lanes, upto, 31);
      for (int c0 = 0; c0 < total; c0 += 32) {
        const int c = c0 + lane;
        int owner = 0;  // the first lane with upto > c
        for (int half = 16; half > 0; half /= 2)
          if (__shfl_sync(all_lanes, upto, owner + half - 1) <= c) owner += half;
        const int start = __shfl_sync(all_lanes, begin, owner), before = __shfl_sync(all_lanes, upto - count, owner);
        int at[3], by[3];
        for (int k = 0; k < 3; k++) {
          at[k] = __shfl_sync(all_lanes, bin[k], owner);
          by[k] = __shfl_sync(all_lanes, steps[k], owner);
        }
        const InSlot& other = a.in_slots[c < total ? start + c - before : 0];
        const bool here = c < total && other.structure == p.structure && other.bin[0] == at[0] && other.bin[1] == at[1] && other.bin[2] == at[2];
        offer(here, here ? other.atom : 0, other.position, by[0], by[1], by[2]);
      }
    }
  }
  if (coincident) atomicOr(&a.sizes->status, coincident_atoms);
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
