#pragma once
// PaiNN's message for structures of some hundred atoms (docs/theory.md, section 6), filters on tensor cores. A block owns a receiver and all that is written for
// it, each of its warps sixteen features. A warp takes its edges in tiles of sixteen: lane 4 g + t has rows g and g + 8 of a tile, and features 4 t to 4 t + 3. So
// the sums over an atom's edges are eight, by their place modulo eight, until sum_of_rows; sums over features go over a lane's four, then the lanes, then the
// warps in order.
#include "layers/filters.cuh"
#include "layers/message.cuh"

namespace painnless::cuda {

static_assert(LANE_VALUES == 4, "a lane's features in a slice of sixteen");

/// Weights of this warp's features, (blocks, 2, 32 lanes, groups, 2): of tile n, column c is feature 4 (c / 2) + 2 n + c % 2, so that a lane's columns of both are
/// its four features.
__device__ const unsigned* slice_fragments(const PainnMessageArguments<real>& a) {
  return a.slices.fragments + static_cast<long long>(blockIdx.y * SLICES + warp_index()) * slice_tiles * weight_words + lane_index() * 2 * input_groups;
}

/// One block of them; `fragments(tile)` gives the weights of eight features.
template <class Fragments> __device__ void tile_filter(const FilterInputs& in, const Fragments& fragments, int block, real (&w)[2][LANE_VALUES]) {
#pragma unroll
  for (int tile = 0; tile < 2; tile++) {
    float c[4];
    filter_of(in, fragments(2 * block + tile), c);
#pragma unroll
    for (int n = 0; n < 4; n++) w[n / 2][2 * tile + n % 2] = c[n];
  }
}

/// Weights where they lie.
struct StoredFragments {
  const unsigned* at;
  __device__ auto operator()(int tile) const {
    const unsigned* of_tile = at + tile * weight_words;
    return [of_tile](int group) { return parts_at(of_tile + 2 * group); };
  }
};

/// Weights in registers where they are few, else where they lie.
template <int BLOCKS> struct HeldFragments {
  static constexpr bool held = input_groups <= 3;
  const unsigned* at;
  Parts parts[held ? 2 * BLOCKS : 1][input_groups];
  __device__ explicit HeldFragments(const unsigned* from) : at(from) {
    if constexpr (held)
#pragma unroll
      for (int tile = 0; tile < 2 * BLOCKS; tile++)
#pragma unroll
        for (int group = 0; group < input_groups; group++) parts[tile][group] = parts_at(at + tile * weight_words + 2 * group);
  }
  __device__ auto operator()(int tile) const {
    return [this, tile](int group) { return held ? parts[tile][group] : parts_at(at + tile * weight_words + 2 * group); };
  }
};

/// This lane's two edges of the tile that begins at e, of a list that ends at `end`; beyond it the last is repeated, and its filters are zero.
struct Tile {
  int edge[2], sender[2];
  bool there[2];
  __device__ Tile(const Edges<real>& edges, int e, int end) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
      const int own = e + lane_index() / 4 + 8 * h;
      there[h] = own < end;
      edge[h] = max(0, min(own, end - 1));
      sender[h] = edges.senders[edge[h]];
    }
  }
  __device__ Pack<4> direction(const Edges<real>& edges, int h) const { return load<4>(edges.direction + 4 * static_cast<long long>(edge[h])); }
  __device__ FilterInputs inputs(const unsigned* rows) const {
    return {rows + static_cast<long long>(edge[0]) * input_words, there[0], rows + static_cast<long long>(edge[1]) * input_words, there[1]};
  }
};

/// The lanes' sums of a number at four features: each lane gets that of feature own_of_four().
__device__ int own_of_four() { return lane_index() / 8; }
__device__ real sum_of_rows(const real (&sums)[LANE_VALUES]) {
  const bool upper = lane_index() & 16, odd = lane_index() & 8;
  real half[2];
#pragma unroll
  for (int v = 0; v < 2; v++) half[v] = (upper ? sums[2 + v] : sums[v]) + __shfl_xor_sync(all_lanes, upper ? sums[v] : sums[2 + v], 16);
  const real one = (odd ? half[1] : half[0]) + __shfl_xor_sync(all_lanes, odd ? half[0] : half[1], 8);
  return one + __shfl_xor_sync(all_lanes, one, 4);
}

/// The feature of this warp's slice from which a lane's four begin.
__device__ int slice_feature() { return (blockIdx.y * SLICES + warp_index()) * slice_features + lane_index() % 4 * LANE_VALUES; }

/// Where the edges of an atom end; where they begin if it is not one of a structure for slices.
__device__ int end_of_slices(const PainnMessageArguments<real>& a, int i) { return a.edges.first[is_for_slices(a, i) ? i + 1 : i]; }

/// T16, T17 for receivers blockIdx.x, + gridDim.x ...: q and mid. The next tile's senders are asked for before a tile is worked on.
template <bool FIRST> __device__ void receive_messages(const PainnMessageArguments<real>& a) {
  constexpr int blocks = message_blocks<FIRST>;
  const int atoms = a.sizes->atoms, feature = slice_feature();
  int i = blockIdx.x;
  if (i >= atoms) return;
  const HeldFragments<blocks> fragments(slice_fragments(a));
  int begin = a.edges.first[i], end = end_of_slices(a, i);
  Tile next(a.edges, begin, end);
  for (; i < atoms;) {
    const int following = min(i + static_cast<int>(gridDim.x), atoms - 1), next_begin = a.edges.first[following], next_end = end_of_slices(a, following);
    Received<FIRST> sums;
#pragma unroll 1
    for (int e = begin; e < end; e += 16) {
      const Tile tile = next;
      const bool more = e + 16 < end;
      next = Tile(a.edges, more ? e + 16 : next_begin, more ? end : next_end);
      real w[blocks][2][LANE_VALUES];
      const FilterInputs inputs = tile.inputs(a.slices.values);
#pragma unroll
      for (int block = 0; block < blocks; block++) tile_filter(inputs, fragments, block, w[block]);
#pragma unroll
      for (int h = 0; h < 2; h++) sums.add(a, tile.sender[h], feature, tile.direction(a.edges, h), w[0][h], w[1][h], w[blocks - 1][h]);
    }
    if (begin == end) next = Tile(a.edges, next_begin, next_end);
    real m[3];
    const real q = sum_of_rows(sums.q) * a.slices.of_value;
    for (int k = 0; k < 3; k++) m[k] = sum_of_rows(sums.m[k]) * a.slices.of_value;
    const int own = feature + own_of_four();
    const long long row = static_cast<long long>(i) * FEATURES + own, rows = 3 * static_cast<long long>(i) * FEATURES + own;
    if (!is_for_slices(a, i)) {
      // What is written for it is another kernel's.
    } else if (lane_index() & 4) {
      a.q[row] = (FIRST ? a.embedding[static_cast<long long>(a.numbers[i]) * FEATURES + own] : a.q[row]) + q;
    } else {
      for (int k = 0; k < 3; k++) a.mid[rows + k * FEATURES] = (FIRST ? 0 : a.mu[rows + k * FEATURES]) + m[k];
    }
    i += gridDim.x;
    begin = next_begin;
    end = next_end;
  }
}

/// T19 to T21 for receivers blockIdx.x, + gridDim.x ... x, mu: the layer's inputs; q_bar, mu_bar: bars of its results. x_bar is set and mu_bar_out is the bar of
/// mu, except in layer 0, where nothing below depends on positions; s_e and t_e are added for the edges that stand for their pair.
template <bool FIRST> struct ReturnedMessages {
  static constexpr int blocks = message_blocks<FIRST>;
  const PainnMessageArguments<real>& a;
  StoredFragments fragments;
  real* passed;  // of the block: two of (SLICES, passed_edges, 4)
  int turn = 0, feature = slice_feature();

  /// `memory`: the block's dynamic shared memory. Every thread of the block calls it.
  __device__ ReturnedMessages(const PainnMessageArguments<real>& arguments, real* memory) : a(arguments), fragments{slice_fragments(arguments)}, passed(memory) {
#if FRAGMENTS_SHARED
    unsigned* copy = reinterpret_cast<unsigned*>(memory + SLICES * passed_shared());
    constexpr int words = SLICES * slice_tiles * weight_words;
    const unsigned* from = a.slices.fragments + static_cast<long long>(blockIdx.y) * words;
    for (int p = 4 * threadIdx.x; p < words; p += 4 * blockDim.x) *reinterpret_cast<Pack<4, unsigned>*>(copy + p) = *reinterpret_cast<const Pack<4, unsigned>*>(from + p);
    __syncthreads();
    fragments.at = copy + warp_index() * slice_tiles * weight_words + lane_index() * 2 * input_groups;
#endif
  }

  /// s and t of a tile's pairs at all of the warp's features, a number a lane, to where warps pass them on.
  __device__ void pair_sums(const Tile& tile, int i, const real (&w_r)[2][LANE_VALUES], const Values (&q_bar_j)[2], const Vectors (&mu_bar_j)[2],
                            real* to) const {
    const real* own = x_of<FIRST>(a, i, feature);
    const Vectors mu_bar(vectors_of(a.mu_bar, i, feature));
    const FilterInputs inputs = tile.inputs(a.slices.slopes);
    real s[2] = {}, t[2][3] = {};
    {
      const Scalars x(own);
      const Values q_bar = bar(i);
      real q_slope[2][LANE_VALUES], r_slope[2][LANE_VALUES];
      tile_filter(inputs, fragments, 0, q_slope);
      tile_filter(inputs, fragments, 1, r_slope);
#pragma unroll
      for (int h = 0; h < 2; h++)
        add_scalar_pair(x, q_bar, mu_bar, Scalars(x_of<FIRST>(a, tile.sender[h], feature)), q_bar_j[h], mu_bar_j[h], tile.direction(a.edges, h), w_r[h], q_slope[h],
                        r_slope[h], s[h], t[h]);
    }
    if constexpr (!FIRST) {
      const Values xm = values_at(own + 2 * FEATURES);
      const Vectors mu(vectors_of(a.mu, i, feature));
      real m_slope[2][LANE_VALUES];
      tile_filter(inputs, fragments, 2, m_slope);
#pragma unroll
      for (int h = 0; h < 2; h++)
        add_vector_pair(xm, mu, mu_bar, values_at(x_of<FIRST>(a, tile.sender[h], feature) + 2 * FEATURES), Vectors(vectors_of(a.mu, tile.sender[h], feature)),
                        mu_bar_j[h], m_slope[h], s[h]);
    }
#pragma unroll
    for (int h = 0; h < 2; h++) to[4 * (lane_index() / 4 + 8 * h) + lane_index() % 4] = sum_of_four_lanes(s[h], t[h][0], t[h][1], t[h][2]);
  }

  __device__ Values bar(int atom) const { return values_at(a.q_bar + static_cast<long long>(atom) * FEATURES + feature); }

  /// Adds up what the warps passed on of the edges from e on, a number a thread, in the order of the warps.
  __device__ void add_passed(int e, int end) {
    __syncthreads();
    const real* from = passed + turn * SLICES * 4 * passed_edges;
    for (int p = threadIdx.x; p < 4 * min(passed_edges, end - e); p += blockDim.x) {
      const int edge = e + p / 4;
      if (!(edge < a.edges.reverse[edge])) continue;
      real sum = from[p];
      for (int w = 1; w < FAULT(32, SLICES - 1, SLICES); w++) sum += from[w * 4 * passed_edges + p];
      real& at = a.sums[(static_cast<long long>(blockIdx.y) * a.edge_capacity + edge) * 4 + p % 4];
      sum *= p % 4 == 0 ? a.slices.of_slope : a.slices.of_value;
      at = a.set_sums ? sum : at + sum;
    }
    turn ^= 1;  // who comes here again has met all others, so two places are enough
  }

  __device__ void receiver(int i) {
    const int begin = a.edges.first[i], end = a.edges.first[i + 1];
    Returned sums;
    for (int first = begin; first < end; first += passed_edges) {
      real* to = passed + (turn * SLICES + warp_index()) * 4 * passed_edges;
      bool any = false;
#pragma unroll 1
      for (int e = first; e < min(first + passed_edges, end); e += 16, to += 4 * 16) {
        const Tile tile(a.edges, e, end);
        const bool pairs = __ballot_sync(all_lanes, tile.edge[1] < a.edges.reverse[tile.edge[1]] || tile.edge[0] < a.edges.reverse[tile.edge[0]]) != 0;
        if (FIRST && !pairs) continue;
        any |= pairs;
        const FilterInputs inputs = tile.inputs(a.slices.values);
        const Values q_bar_j[2] = {bar(tile.sender[0]), bar(tile.sender[1])};
        const Vectors mu_bar_j[2] = {Vectors(vectors_of(a.mu_bar, tile.sender[0], feature)), Vectors(vectors_of(a.mu_bar, tile.sender[1], feature))};
        real w_r[2][LANE_VALUES];
        if constexpr (!FIRST) {
          real w[2][LANE_VALUES];
          tile_filter(inputs, fragments, 0, w);
          sums.add_scalars(q_bar_j[0], w[0]);
          sums.add_scalars(q_bar_j[1], w[1]);
          tile_filter(inputs, fragments, 2, w);
          sums.add_vectors(mu_bar_j[0], w[0]);
          sums.add_vectors(mu_bar_j[1], w[1]);
        }
        tile_filter(inputs, fragments, 1, w_r);
        if constexpr (!FIRST) {
#pragma unroll
          for (int h = 0; h < 2; h++) sums.add_along(mu_bar_j[h], tile.direction(a.edges, h), w_r[h]);
        }
        __syncwarp();  // what the pairs alone need is loaded behind it: there are no registers for all at once
        if (pairs) pair_sums(tile, i, w_r, q_bar_j, mu_bar_j, to);
      }
      if (any) add_passed(first, end);
    }
    if constexpr (!FIRST) {
      const real q = sum_of_rows(sums.q) * a.slices.of_value, r = sum_of_rows(sums.r) * a.slices.of_value;
      real m[3];
      for (int k = 0; k < 3; k++) m[k] = sum_of_rows(sums.m[k]) * a.slices.of_value;
      const int own = feature + own_of_four();
      const long long rows = 3 * static_cast<long long>(i) * FEATURES + own;
      if (lane_index() & 4) {
        const real* mu = a.mu + rows;
        a.x_bar[rows] = q;
        a.x_bar[rows + FEATURES] = r;
        a.x_bar[rows + 2 * FEATURES] = three_products(mu[0], m[0], mu[FEATURES], m[1], mu[2 * FEATURES], m[2]);
      } else {
        const real xm = a.x[rows + 2 * FEATURES];
        for (int k = 0; k < 3; k++) a.mu_bar_out[rows + k * FEATURES] = a.mu_bar[rows + k * FEATURES] + xm * m[k];
      }
    }
  }
};

template <bool FIRST> __device__ void return_messages(const PainnMessageArguments<real>& a, real* memory) {
  ReturnedMessages<FIRST> message(a, memory);
  for (int i = blockIdx.x; i < a.sizes->atoms; i += gridDim.x)
    if (is_for_slices(a, i)) message.receiver(i);
}

}  // namespace painnless::cuda
