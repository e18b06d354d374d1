#pragma once
// The edges of a cluster's four atoms and their filters: each block finds all of them, and makes the filters of its eight features.
#include "layers/radial.cuh"
#include "layers/sums.cuh"
#include "resident/block.cuh"
#include "search/candidates.cuh"

namespace painnless::cuda {

/// Whatever the batch, as much of the request as its atoms can need, in one go. All threads.
__device__ void fetch_request(const Block& b) {
  real* to = b.memory + b.at.filters;
  for (int p = threadIdx.x; 16 * p < b.a.request_bytes; p += resident_threads)
    store(to + 4 * p, load<4>(reinterpret_cast<const real*>(b.a.request + 16 * p)));
}

/// One edge as neighbors.cu finishes it, and its cutoff function, which is the last of its radial inputs.
__device__ void finish_edge(const Block& b, const SearchArguments<real>& search, const Radial<real>& radial, int e, int i) {
  const int j = b.senders()[2 * e], translation = b.senders()[2 * e + 1];
  const Structure& s = structures_of(search)[b.placed()[i].structure];
  int steps[3];
  translation_steps(s, translation, steps);
  const Separation between(b.placed()[i].position, b.placed()[j].position, s, steps[0], steps[1], steps[2]);
  const double d = sqrt(between.square);
  real* direction = b.memory + b.at.direction + 4 * e;
  for (int c = 0; c < 3; c++) {
    b.vectors()[3 * e + c] = between.r[c];
    direction[c] = static_cast<real>(between.r[c] / (d + b.a.direction_eps));
  }
  const real rounded = static_cast<real>(d), rest = static_cast<real>(d - rounded);
  direction[3] = rounded;
  b.memory[b.at.rest + e] = rest;
  b.senders()[2 * e + 1] = i < j || (i == j && translation < translations_of(s) - 1 - translation);  // does it come before its reverse
  real* row = b.radial_row(e) + RADIAL;
  envelope(radial, rounded, rest, row[0], row[room.radial_row() / 2]);
}

/// The search of neighbors.cu, in shared memory: candidates of a structure of few atoms come in the order of its list. All threads.
__device__ void find_edges(const Block& b, const Radial<real>& radial) {
  constexpr int parts = resident_threads / 32 / resident_atoms;  // warps that share a receiver
  SearchArguments<real> search{};
  search.request = b.request();
  search.sizes = &b.sizes();
  search.largest = b.a.largest;
  search.placed = b.placed();
  const int atoms = request_of(search).atoms, k = warp_index() / parts, part = warp_index() % parts, receiver = resident_atoms * b.cluster + k;
  int *first = b.first(), *counts = b.counts();
  for (int i = threadIdx.x; i < atoms; i += resident_threads) {
    place(search, i);
    b.numbers()[i] = numbers_of(search)[i];
  }
  if (threadIdx.x == 32) {
    b.sizes().atoms = atoms;
    b.sizes().structures = request_of(search).structures;
    for (int s = 0; s < request_of(search).structures; s++) b.voluminous() |= structures_of(search)[s].volume > 0;
  }
  __syncthreads();
  int count = 0;
  if (receiver < atoms) visit(search, receiver, [&](bool edge, int, int) { count += __popc(__ballot_sync(all_lanes, edge)); }, part, parts);
  if (lane_index() == 0) counts[warp_index()] = count;
  __syncthreads();
  int at = 0, total = 0;  // before this warp's, and all
  for (int w = 0; w < resident_threads / 32; w++) {
    if (w == warp_index()) at = total;
    total += counts[w];
  }
  const bool fits = total <= b.a.room_edges;  // nothing is computed from a list that is not whole
  if (fits && part == 0 && lane_index() == 0) first[k] = at;
  if (threadIdx.x == 0) {
    b.sizes().found = total;
    if (fits) first[resident_atoms] = total;
    else b.sizes().status |= outgrown;
  }
  if (fits && receiver < atoms)
    visit(search, receiver, [&](bool edge, int j, int translation) {
      const unsigned edges = __ballot_sync(all_lanes, edge);
      if (edge) {
        const int e = at + __popc(edges & ((1u << lane_index()) - 1));
        b.senders()[2 * e] = j;
        b.senders()[2 * e + 1] = translation;
      }
      at += __popc(edges);
    }, part, parts);
  __syncthreads();
  for (int e = threadIdx.x; e < first[resident_atoms]; e += resident_threads) {
    int n = 0;
    while (e >= first[n + 1]) n++;
    finish_edge(b, search, radial, e, resident_atoms * b.cluster + n);
  }
  __syncthreads();
}

/// f phi_r and its derivative, the inputs of the filters. All threads.
__device__ void make_radial_inputs(const Block& b, const Radial<real>& radial) {
  constexpr int half = room.radial_row() / 2;
  for (int task = threadIdx.x; task < b.first()[resident_atoms] * RADIAL; task += resident_threads) {
    const int e = task / RADIAL, r = task % RADIAL;
    real* row = b.radial_row(e);
    real phi, phi_slope;
    radial_function(radial, r, b.memory[b.at.direction + 4 * e + 3], b.memory[b.at.rest + e], phi, phi_slope);
    row[r] = row[RADIAL] * phi;
    row[half + r] = two_products(row[half + RADIAL], phi, row[RADIAL], phi_slope);
  }
}

/// Weights of COLUMNS neighbouring features of a filter, inputs ascending, the cutoff's last.
template <int COLUMNS> struct FilterWeights {
  real w[RADIAL + 1][COLUMNS];
  /// `block` 0 to 2: q, R, m; `feature` of this block's eight.
  __device__ FilterWeights(const Block& b, int t, int block, int feature) {
    const real* from = b.a.filters + (t * (RADIAL + 1) * 3 + block) * FEATURES + part_features * b.rank + feature;
#pragma unroll
    for (int k = 0; k <= RADIAL; k++)
#pragma unroll
      for (int c = 0; c < COLUMNS; c++) w[k][c] = __ldg(from + 3 * k * FEATURES + c);
  }
  /// T10 or T11 from one half of the radial inputs.
  __device__ void add(const real* inputs, real (&sum)[COLUMNS]) const {
#pragma unroll
    for (int c = 0; c < COLUMNS; c++) sum[c] = 0;
#pragma unroll
    for (int k = 0; k < whole_packs(RADIAL + 1); k += 4) {
      const Pack<4> in = load<4>(inputs + k);
#pragma unroll
      for (int i = 0; i < 4; i++)
#pragma unroll
        for (int c = 0; c < COLUMNS; c++)
          if (k + i <= RADIAL) sum[c] += in.v[i] * w[k + i][c];
    }
  }
};

/// Filters of layer 0, which is waited for. Rows (edge; W q, R; W' q, R), each eight features. All threads.
__device__ void make_first_filters(const Block& b, const FilterWeights<1>& weights) {
  for (int e = threadIdx.x / 16; e < b.first()[resident_atoms]; e += resident_threads / 16) {
    real value[1];
    weights.add(b.radial_row(e), value);
    b.filter(0, e)[threadIdx.x % 16] = value[0];
  }
}

/// The slopes of layer 0 and all of the other layers, rows (edge; W q, R, m; W' q, R, m), two features a thread. By those who are not workers.
__device__ void make_filters(const Block& b) {
  constexpr int pairs = 8 + 12 * (LAYERS - 1), threads = resident_threads - resident_workers, groups = larger(1, threads / pairs);
  const int edges = b.first()[resident_atoms];
  for (int task = threadIdx.x - resident_workers; task < pairs * groups; task += threads) {
    const int pair = task % pairs, t = pair < 8 ? 0 : 1 + (pair - 8) / 12, column = 2 * (pair < 8 ? pair : (pair - 8) % 12);
    const FilterWeights<2> weights(b, t, column / part_features, column % part_features);
    for (int e = task / pairs; e < edges; e += groups) {
      real *row = b.filter(t, e) + column, value[2], slope[2];
      if (t > 0) {
        weights.add(b.radial_row(e), value);
        store(row, Pack<2>{value[0], value[1]});
      }
      weights.add(b.radial_row(e) + room.radial_row() / 2, slope);
      store(row + (t == 0 ? 16 : 24), Pack<2>{slope[0], slope[1]});
    }
  }
}

}  // namespace painnless::cuda
