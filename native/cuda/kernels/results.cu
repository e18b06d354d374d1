// From the sums of pairs to forces, stress and energies, in float64 (docs/theory.md, sections 9 and 10), put together where the host fetches
// them. The gradient of a pair is computed from the same numbers at both its ends, so forces cancel to the last bit of their sums.
#include "answer.cuh"
#include "layers/pairs.cuh"
#include "request.cuh"

namespace painnless::cuda {

using Arguments = ResultArguments<real>;

/// Adds what one chunk, or slice, of features has of a pair's s and t; `back`: at its reverse edge, from where t points back.
__device__ void add_part(const Pack<4>& part, bool back, double* sum) {
  for (int k = 0; k < 4; k++) sum[k] += !back || k == 0 || FAULT(39, true, false) ? part.v[k] : -part.v[k];
}

/// s_e and t_e of the pair that `stands` stands for, all chunks of features; `back`: where its reverse edge has a half of them. MOST chunks are on their way together
/// with both halves; 0: as many as there are, one after the other.
template <int MOST> __device__ void pair_sums(const Arguments& a, int chunks, int stands, int back, double* sum) {
  const auto part = [&](int c, int half) { return load<4>(a.sums + (static_cast<long long>(c) * a.edge_capacity + (half == 0 ? stands : back)) * 4); };
  if constexpr (MOST == 0) {
#pragma unroll 1
    for (int half = 0; half < (a.halves ? 2 : 1); half++)
      for (int c = 0; c < chunks; c++) add_part(part(c, half), half == 1, sum);
  } else {
    // Without a branch: zeros change nothing, as a sum that begins at zero is never a negative one.
    Pack<4> parts[2][MOST];
#pragma unroll
    for (int n = 0; n < 2 * MOST; n++) parts[n / MOST][n % MOST] = part(min(n % MOST, a.chunks - 1), n / MOST);
#pragma unroll
    for (int n = 0; n < 2 * MOST; n++) {
      const int half = n / MOST, c = n % MOST;
      add_part(c < chunks && (half == 0 || a.halves) ? parts[half][c] : Pack<4>{}, half == 1, sum);
    }
  }
}

/// Sums over the lanes of eight numbers each, every one in sum_of_warp's order; lanes 4 k to 4 k + 3 receive sum k.
__device__ double sums_of_warp(double (&x)[8]) {
#pragma unroll
  for (int width = 4, mask = 16; width > 0; width /= 2, mask /= 2) {
    const bool upper = lane_index() & mask;
#pragma unroll
    for (int k = 0; k < width; k++) {
      const double kept = upper ? x[k + width] : x[k], given = upper ? x[k] : x[k + width];
      x[k] = kept + __shfl_xor_sync(all_lanes, given, mask);
    }
  }
  for (int mask = 2; mask > 0; mask /= 2) x[0] += __shfl_xor_sync(all_lanes, x[0], mask);
  return x[0];
}

/// T34 and each atom's share of T35: one warp an atom, its lanes over the atom's edges, AT_ONCE each.
template <int AT_ONCE, int MOST> __device__ void sum_forces_of_atoms(const Arguments& a) {
  const int i = blockIdx.x * (blockDim.x / 32) + warp_index();
  if (i >= a.sizes->atoms) return;
  const int chunks = a.chunks - FAULT(32, 1, 0), end = a.edges.first[i + 1];
  double force[3] = {}, virial[6] = {};
#pragma unroll 1
  for (int first = a.edges.first[i] + lane_index(); first < end; first += 32 * AT_ONCE) {
    bool stands[AT_ONCE];
    double r[AT_ONCE][3], sum[AT_ONCE][4] = {}, g[3];
#pragma unroll
    for (int n = 0; n < AT_ONCE; n++) {
      const int e = n == 0 ? first : min(first + 32 * n, end - 1), back = a.edges.reverse[e], pair = min(e, back);
      const double* own = a.edges.vectors + 3 * static_cast<long long>(e);
      stands[n] = pair == e;
      for (int k = 0; k < 3; k++) r[n][k] = stands[n] ? own[k] : -own[k];  // to the last bit that of the edge that stands
      pair_sums<MOST>(a, chunks, pair, max(e, back), sum[n]);
    }
#pragma unroll
    for (int n = 0; n < AT_ONCE; n++) {
      if (n > 0 && first + 32 * n >= end) break;
      pair_gradient(sum[n], a.direction_eps, r[n], g);
      add_pair(stands[n], r[n], g, force, virial);
    }
  }
  double parts[8];
  for (int k = 0; k < 8; k++) parts[k] = k < 3 ? force[k] : virial[k - 3];
  const double sum = a.energy_unit * sums_of_warp(parts), last = a.energy_unit * sum_of_warp(virial[5]);
  const int k = lane_index() / 4;
  double* const virials = a.virials + 6 * static_cast<long long>(i);
  if (lane_index() % 4 == 0 && k < 3) Answer(a.answer, request_of(a)).forces[3 * i + k] = sum;
  else if (lane_index() % 4 == 0 && FAULT(22, false, true)) virials[k - 3] = sum;
  else if (lane_index() == 31 && FAULT(22, false, true)) virials[5] = last;
}

/// Several edges at once would take registers from other warps,
KERNEL(result_threads, 6, sum_forces, ResultArguments) { sum_forces_of_atoms<1, 0>(a); }
/// of which there are none where the card holds all blocks at once.
KERNEL(result_threads, 1, sum_forces_few, ResultArguments) { sum_forces_of_atoms<2, few_chunks>(a); }

/// Sums over the block of what each thread has seven of, in a fixed tree; sum k for thread k.
__device__ double sum_of_block(const double* own) {
  __shared__ double parts[7][result_threads / 32];
  for (int k = 0; k < 7; k++) {
    const double of_warp = sum_of_warp(own[k]);
    if (lane_index() == 0) parts[k][warp_index()] = of_warp;
  }
  __syncthreads();
  double total = 0;
  if (threadIdx.x < 7)
    for (int w = 0; w < blockDim.x / 32; w++) total += parts[threadIdx.x][w];
  __syncthreads();  // before the next sums
  return total;
}

/// What a block of sum_structures adds up: a chunk of a structure's atoms. Of chunks behind a structure's first there begins at most one in each window of as
/// many atoms of the batch, so blocks beyond those of the structures look for one in a window each.
struct AtomChunk {
  int structure, index, window;
  __device__ AtomChunk(const Arguments& a, int block) : structure(block), index(0), window(0) {
    const Structure* s = structures_of(a);
    const int structures = request_of(a).structures;
    if (block < a.structure_blocks) {
      if (block < structures) window = s[block].first / atom_chunk;
      else structure = -1;
      return;
    }
    window = 1 + block - a.structure_blocks;
    const int atom = atom_chunk * window;
    structure = -1;
    if (atom >= request_of(a).atoms) return;
    int low = 0, high = structures - 1;
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (s[middle].first <= atom) low = middle;
      else high = middle - 1;
    }
    index = (atom - s[low].first + atom_chunk - 1) / atom_chunk;
    if (index > 0 && atom_chunk * index < s[low].atoms) structure = low;
  }
};

/// T33 and T36: a block a chunk; thread t adds atoms t, t + threads, .., then the threads' sums in a fixed tree. Chunks of a structure of several are added by
/// the block that ends last, likewise: the order is that of the structure alone. `with_virial` says that sum_forces has run.
__device__ void sum_structure(const Arguments& a, bool with_virial) {
  __shared__ bool is_last;
  const int structures = request_of(a).structures;
  if (blockIdx.x == 0 && threadIdx.x == 0) *reinterpret_cast<Sizes*>(a.answer) = *a.sizes;
  if (a.sizes->atoms == 0) return;
  const AtomChunk chunk(a, blockIdx.x);
  if (chunk.structure < 0) return;
  const Structure& s = structures_of(a)[chunk.structure];
  const Answer answer(a.answer, request_of(a));
  if (blockIdx.x == 0 && threadIdx.x == 0 && structures % 2 == 1) answer.edges[structures] = 0;  // the gap is fetched too
  double sum[7] = {};
  const int begin = atom_chunk * chunk.index, end = min(s.atoms, begin + atom_chunk);
  for (int i = s.first + begin + threadIdx.x; i < s.first + end; i += blockDim.x) {
    const double energy = a.energy_unit * a.energies[i];
    answer.atom_energies[i] = energy;
    sum[0] += energy;
    if (with_virial)
      for (int k = 0; k < 6; k++) sum[1 + k] += a.virials[6 * static_cast<long long>(i) + k];
  }
  double total = sum_of_block(sum);
  const int chunks = (s.atoms + atom_chunk - 1) / atom_chunk;
  if (chunks > 1) {
    // One structure's first chunk and the next one's last may be of one window.
    double *heads = a.chunk_sums, *others = heads + 8 * a.windows;
    const int window = chunk.window - chunk.index;  // of the structure's first
    if (threadIdx.x < 7) {
      (chunk.index == 0 ? heads : others)[8 * chunk.window + threadIdx.x] = total;
      __threadfence();
    }
    __syncthreads();
    if (threadIdx.x == 0) {
      is_last = atomicAdd(a.chunks_done + window, 1) + 1 == chunks;
      if (is_last) a.chunks_done[window] = 0;
      __threadfence();
    }
    __syncthreads();
    if (!is_last) return;
    for (int k = 0; k < 7; k++) sum[k] = 0;
    for (int c = threadIdx.x; c < chunks; c += blockDim.x) {
      const volatile double* of_chunk = c == 0 ? heads + 8 * window : others + 8 * (window + c);
      for (int k = 0; k < 7; k++) sum[k] += of_chunk[k];
    }
    total = sum_of_block(sum);
  }
  if (threadIdx.x == 0) {
    answer.energies[chunk.structure] = total;
    answer.edges[chunk.structure] = a.edges.first[s.first + s.atoms] - a.edges.first[s.first];
  } else if (threadIdx.x < 7) {
    answer.stress[6 * chunk.structure + threadIdx.x - 1] = with_virial && s.volume > 0 ? total / s.volume : 0;
  }
}

KERNEL(result_threads, 1, sum_structures, ResultArguments) { sum_structure(a, true); }
KERNEL(result_threads, 1, sum_energies, ResultArguments) { sum_structure(a, false); }

}  // namespace painnless::cuda
