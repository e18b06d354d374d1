#pragma once
// The edges of a cluster's four atoms and their filters: each block finds all of them, and makes the filters of its eight features.
#include "layers/filters.cuh"
#include "resident/block.cuh"
#include "search/candidates.cuh"

namespace painnless::cuda {

/// Whatever the batch, as much of the request as its atoms can need, in one go. All threads.
__device__ void fetch_request(const Block& b) {
  real* to = b.memory + b.at.filters;
  for (int p = threadIdx.x; 16 * p < b.a.request_bytes; p += resident_threads)
    store(to + 4 * p, load<4>(reinterpret_cast<const real*>(b.a.request + 16 * p)));
}

/// One edge as neighbors.cu finishes it, and its cutoff function.
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
  envelope(radial, rounded, rest, b.cutoff(e)[0], b.cutoff(e)[1]);
}

/// The search of neighbors.cu, in shared memory: candidates of a structure of few atoms come in the order of its list. All threads.
__device__ void find_edges(const Block& b, const Radial<real>& radial) {
  constexpr int parts = resident_threads / 32 / resident_atoms;  // warps that share a receiver
  SearchArguments<real> search{};
  search.request = b.request();
  search.sizes = &b.sizes();
  search.reach.largest = b.a.largest;
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
  if (receiver < atoms) visit(search, search.reach, receiver, [&](bool edge, int, int) { count += __popc(__ballot_sync(all_lanes, edge)); }, part, parts);
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
    visit(search, search.reach, receiver, [&](bool edge, int j, int translation) {
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

/// What filters are made from, as painn_radial has it. All threads.
__device__ void make_filter_inputs(const Block& b, const Radial<real>& radial) {
  constexpr int tasks = 4 * input_groups;  // of an edge
  for (int task = threadIdx.x; task < b.first()[resident_atoms] * tasks; task += resident_threads) {
    const int e = task / tasks, group = task % tasks / 4, t = task % 4;
    Parts value, slope;
    filter_inputs(radial, group, t, b.memory[b.at.direction + 4 * e + 3], b.memory[b.at.rest + e], b.cutoff(e)[0], b.cutoff(e)[1], value, slope);
    const bool paired = group / 2 < input_pairs;
    unsigned* to = b.inputs(e) + (paired ? pair_at(group / 2, t) + group % 2 : rest_at(t));
#pragma unroll
    for (int part = 0; part < 2; part++) {
      to[part * (paired ? 2 : 1)] = value.part[part];
      to[part * (paired ? 2 : 1) + input_words] = slope.part[part];
    }
  }
}

/// This block's weights of two of its filters (ResidentRoom::filters).
__device__ HeldFilterWeights filter_weights(const Block& b, int two) {
  HeldFilterWeights weights;
  weights.fetch({b.a.filters + static_cast<long long>(b.rank * room.filter_pairs() + two) * half_words});
  return weights;
}

/// W, or W', of two filters for eight edges, as slices have them (layers/filters.cuh): scaled.
template <bool SLOPES> __device__ void make_filters_of(const Block& b, int two, const HeldFilterWeights& weights, int tile) {
  const int edges = b.first()[resident_atoms], column = tile * tile_edges + lane_index() / 4;
  float w[4];
  filter_of(FilterInputs(b.inputs(min(column, edges - 1)) + SLOPES * input_words, 0, column < edges), weights, w);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    const int e = tile * tile_edges + 2 * (lane_index() % 4) + i % 2, n = 2 * two + i / 2, t = room.filter_layer(n);
    if (e < edges && n < room.filters()) b.filter(t, e)[(SLOPES * (t == 0 ? 2 : 3) + room.filter_block(n)) * part_features + lane_index() / 4] = w[i];
  }
}

/// Filters of layer 0, which is waited for. Rows (edge; W q, R; W' q, R), each eight features. All warps.
__device__ void make_first_filters(const Block& b, const HeldFilterWeights& weights) {
  for (int tile = warp_index(); tile * tile_edges < b.first()[resident_atoms]; tile += resident_threads / 32) make_filters_of<false>(b, 0, weights, tile);
}

constexpr int makers = (resident_threads - resident_workers) / 32;  // warps

/// The slopes of layer 0 and all of the other layers, rows (edge; W q, R, m; W' q, R, m). By those who are not workers.
__device__ void make_filters(const Block& b) {
  constexpr int pairs = room.filter_pairs(), groups = larger(1, makers / pairs);
  for (int task = warp_index() - resident_workers / 32; task < pairs * groups; task += makers) {
    const int two = task % pairs;
    const HeldFilterWeights weights = filter_weights(b, two);
    for (int tile = task / pairs; tile * tile_edges < b.first()[resident_atoms]; tile += groups) {
      if (two > 0) make_filters_of<false>(b, two, weights, tile);
      make_filters_of<true>(b, two, weights, tile);
    }
  }
}

}  // namespace painnless::cuda
