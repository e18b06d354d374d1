#pragma once
// PaiNN's message on tensor cores (docs/theory.md, section 6). A warp owns a receiver and a slice of 32 features of all that is written for it, and takes its edges
// in tiles of eight (walk.cuh): as tensor cores leave filters, lane 4 r + q has features 4 r to 4 r + 3 of edges 2 q and 2 q + 1 of a tile. Senders' rows come into
// shared memory, eight lanes a line, a tile ahead of where they are read, even if that is the next receiver's. Sums over an atom's edges are four, by half their
// place modulo four, until sum_of_four_lanes; sums over features go over a lane's four, then the lanes, then the slices.
#include "copies.cuh"
#include "layers/relay.cuh"

namespace painnless::cuda {

static_assert(LANE_VALUES == 4, "a lane's features in a slice");

/// Weights of a block's slice, (blocks, 2 halves, half_words).
constexpr int slice_words = slice_halves * half_words;

/// Weights where they lie.
struct StoredWeights {
  const unsigned* at;
  __device__ FilterWeights operator()(int half) const { return {at + half * half_words}; }
};

/// Weights in registers where they are few, else where they lie.
template <int BLOCKS, bool HELD = input_groups <= 3> struct HeldWeights : StoredWeights {
  __device__ explicit HeldWeights(const unsigned* from) : StoredWeights{from} {}
};
template <int BLOCKS> struct HeldWeights<BLOCKS, true> {
  HeldFilterWeights halves[2 * BLOCKS];
  __device__ explicit HeldWeights(const unsigned* from) {
#pragma unroll
    for (int half = 0; half < 2 * BLOCKS; half++) halves[half].fetch(StoredWeights{from}(half));
  }
  __device__ const HeldFilterWeights& operator()(int half) const { return halves[half]; }
};

/// Of one edge at a lane's features.
using Filter = real[LANE_VALUES];

/// A block of features of W for this lane's two edges; or of W and then of W', where there are inputs of both.
template <int SETS, class Weights> __device__ void tile_filters(const FilterInputs (&in)[SETS], const Weights& weights, int block, Filter (&w)[2 * SETS]) {
#pragma unroll
  for (int half = 0; half < 2; half++) {
#pragma unroll
    for (int set = 0; set < SETS; set++) {
      float c[4];
      filter_of(in[set], weights(2 * block + half), c);
#pragma unroll
      for (int n = 0; n < 4; n++) w[2 * set + n % 2][2 * half + n / 2] = c[n];
    }
  }
}

/// W of a tile, and W' where SETS is 2.
template <int BLOCKS, int SETS> struct TileFilters {
  Filter w[BLOCKS][2 * SETS];
  template <class Weights> __device__ TileFilters(const FilterInputs (&in)[SETS], const Weights& weights) {
#pragma unroll
    for (int block = 0; block < BLOCKS; block++) tile_filters(in, weights, block, w[block]);
  }
};

/// A block's slice. Blocks of a column of the grid have one slice, and lie on one multiprocessor, as cards share them out, where slices divide multiprocessors: so
/// senders' rows are found near. Of a cluster each has its own, or shares it with the one that comes as many later.
__device__ int own_slice() { return blockIdx.x % slices; }
/// The first of a lane's four features, of slice `slice`.
__device__ int slice_feature(int slice) { return slice * slice_features + lane_index() / 4 * LANE_VALUES; }

/// What a warp reads of a tile's edges in one of its two stages: ROWS rows of each sender's slice, and directions. Rows lie such that the lanes that read at once,
/// of four edges and two packs of features, and those that write at once, of one edge, find all banks.
template <int ROWS> struct Stage {
  static constexpr int row_words = tile_edges * slice_features;
  real* memory;
  int own;  // place of this lane's pack of its first edge
  /// Where a row of an edge has a pack.
  __device__ static int place(int edge, int pack) { return edge * slice_features + (pack ^ (edge & 6)) * LANE_VALUES; }
  __device__ static int own_place() { return place(2 * (lane_index() % 4), lane_index() / 4); }
  /// Of this lane's edge n of two.
  __device__ Values values(int row, int n) const { return load<LANE_VALUES>(memory + own + row * row_words + n * slice_features); }
  __device__ Vectors vectors(int row, int n) const { return {values(row, n), values(row + 1, n), values(row + 2, n)}; }
  __device__ Pack<4> direction(int n) const { return load<4>(memory + ROWS * row_words + 4 * (2 * (lane_index() % 4) + n)); }
};

/// Senders of the two edges of a tile whose rows a lane copies: eight lanes a row.
struct Copied {
  int sender[2];
  __device__ Copied(const Edges<real>& edges, const EdgeTile& tile) {
    for (int n = 0; n < 2; n++) sender[n] = tile.empty() ? 0 : edges.senders[tile.edge(edge(n))];
  }
  __device__ static int edge(int n) { return 4 * n + lane_index() / 8; }
};

/// What an edge's filters are made from, of all SETS: values, and slopes where there are two.
template <int SETS> struct TileInputs {
  FilterInputs sets[SETS];
  __device__ TileInputs(const PainnMessageArguments<real>& a, const EdgeTile& tile) {
    sets[0] = tile.inputs(a.slices.values);
    if constexpr (SETS > 1) sets[1] = tile.inputs(a.slices.slopes);
  }
};

/// COUNT rows of a sender's slice into a stage's, from row FIRST on, one behind the other in memory. `to`: this lane's pack of row 0.
template <int FIRST, int COUNT> __device__ void copy_rows(real* to, const real* from) {
  constexpr int row = Stage<1>::row_words;
  copy_ahead<FIRST * row, 0>(to, from);
  if constexpr (COUNT > 1) copy_ahead<(FIRST + 1) * row, FEATURES>(to, from);
  if constexpr (COUNT > 2) copy_ahead<(FIRST + 2) * row, 2 * FEATURES>(to, from);
}
/// Where a lane copies from, of what has so many rows an atom.
template <int COUNT> __device__ const real* rows_of(const real* all, int atom) { return all + static_cast<long long>(atom) * COUNT * FEATURES; }
/// The first number of a lane's pack in a row that it copies of a slice.
__device__ int copied_feature(int slice) { return slice * slice_features + lane_index() % 8 * LANE_VALUES; }

/// A receiver's own slice, one row behind the other.
struct Own {
  const real* memory;
  __device__ Values values(int row) const { return load<LANE_VALUES>(memory + row * slice_features + lane_index() / 4 * LANE_VALUES); }
  __device__ Vectors vectors(int row) const { return {values(row), values(row + 1), values(row + 2)}; }
};

/// Takes the tiles of a warp's walk, in order, while what the next one needs comes: what make(inputs) gives before rows are waited for, add(tile, made, stage, own)
/// adds, which is not called for an empty list; finish(i, own) ends a receiver; begin() comes once, before the first tile is made, of a warp without tiles too.
/// `memory`: of this warp; copy(to, sender) and copy_own(to, i) copy a sender's rows and a receiver's.
template <int ROWS, int OWN, bool PAIRS, int SETS, class Receivers, class Copy, class CopyOwn, class Begin, class Make, class Add, class Finish>
__device__ void for_tiles(const PainnMessageArguments<real>& a, const Receivers& receivers, real* memory, const Copy& copy, const CopyOwn& copy_own, const Begin& begin, const Make& make,
                          const Add& add, const Finish& finish) {
  using OfTile = Stage<ROWS>;
  using OfWarp = Walk<PAIRS, SETS, Receivers>;
  constexpr int words = slice_stage_words(ROWS), own_words = OWN * slice_features;
  real* const owns = memory + 2 * words;
  const int own = held(OfTile::own_place()), copied_to[2] = {held(OfTile::place(Copied::edge(0), lane_index() % 8)), held(OfTile::place(Copied::edge(1), lane_index() % 8))};
  const auto ask = [&](int turn, const EdgeTile& tile, const Copied& copied) {
    if (tile.empty()) return;
#pragma unroll
    for (int n = 0; n < 2; n++) copy(memory + turn * words + copied_to[n], copied.sender[n]);
    if (lane_index() < tile_edges)
      copy_ahead<ROWS * OfTile::row_words>(memory + turn * words + 4 * lane_index(), a.edges.direction + 4 * static_cast<long long>(tile.edge(lane_index())));
  };
  OfWarp walk(a, receivers);
  EdgeTile now = walk.tile;
  if (!OfWarp::ended(now)) copy_own(owns, now.i);
  ask(0, now, Copied(a.edges, now));
  end_copies();
  TileInputs<SETS> inputs(a, now);
  walk.look_ahead();
  walk.step();
  EdgeTile ahead = walk.tile;
  Copied next(a.edges, ahead);
  begin();
  if (OfWarp::ended(now)) return;
  int turn = 0, owner = 0;
#pragma unroll 1
  while (true) {
    if (!OfWarp::ended(ahead)) {
      if (now.last()) copy_own(owns + (owner ^ 1) * own_words, ahead.i);
      ask(turn ^ 1, ahead, next);
    }
    end_copies();
    walk.step();
    const EdgeTile after = walk.tile;
    next = Copied(a.edges, after);
    const auto made = make(inputs);
    inputs = TileInputs<SETS>(a, ahead);
    if (FAULT(35, false, true)) wait_for_copies<1>();
    __syncwarp();
    const Own mine{owns + owner * own_words};
    if (!now.empty()) add(now, made, OfTile{memory + turn * words, own}, mine);
    if (now.last()) {
      finish(now.i, mine);
      owner ^= 1;
    }
    __syncwarp();  // before others' copies come into this stage
    if (OfWarp::ended(ahead)) return;
    turn ^= 1;
    now = ahead;
    ahead = after;
  }
}
/// Of this warp, behind what else is in the block's shared memory.
template <int ROWS, int OWN> __device__ real* memory_of_warp(real* memory) { return memory + warp_index() * slice_warp_words(ROWS, OWN); }

/// Sums over the edges, which lie on four lanes: lanes 4 r get those of `scalar`, the others those of a component.
__device__ Values sums_of_edges(const real (&scalar)[LANE_VALUES], const real (&vector)[3][LANE_VALUES]) {
  Values sums;
#pragma unroll
  for (int v = 0; v < LANE_VALUES; v++) sums.v[v] = sum_of_four_lanes<1>(scalar[v], vector[0][v], vector[1][v], vector[2][v]);
  return sums;
}
__device__ Values scaled(Values values, real factor) {
  for (int v = 0; v < LANE_VALUES; v++) values.v[v] *= factor;
  return values;
}
__device__ Values sum_of(Values a, const Values& b) {
  for (int v = 0; v < LANE_VALUES; v++) a.v[v] += b.v[v];
  return a;
}

/// What an edge's sender says at a lane's features.
template <bool FIRST> struct Sent {
  Values q, r;
  Pack<4> direction;
  template <int ROWS> __device__ Sent(const Stage<ROWS>& stage, int n) : q(stage.values(0, n)), r(stage.values(1, n)), direction(stage.direction(n)) {}
};
template <> struct Sent<false> : Sent<true> {
  Vectors passed;
  __device__ Sent(const Stage<received_rows(false)>& stage, int n) : Sent<true>(stage, n), passed(stage.vectors(2, n)) {}
};

/// T16, T17: q and mid of the receivers, for keep(i, values): of a lane's features, lanes 4 r have q and those after it the components of mid. `memory`: of the
/// block, where its warps' is.
template <bool FIRST, class Receivers, class Sharing, class Keep>
__device__ void receive_messages(const PainnMessageArguments<real>& a, const Receivers& receivers, real* memory, Sharing& relay, const Keep& keep) {
  constexpr int blocks = message_blocks<FIRST>, rows = received_rows(FIRST), own_rows = received_own(FIRST);
  const int slice = own_slice(), copied = copied_feature(slice), q = lane_index() % 4;
  const HeldWeights<blocks> weights(a.slices.weights + static_cast<long long>(slice) * slice_words);
  const real *const x = held(a.x + copied), *const passed = FIRST ? nullptr : held(a.passed + copied);
  const auto copy = [&](real* to, int sender) {
    copy_rows<0, 2>(to, rows_of<3>(x, FIRST ? a.numbers[sender] : sender));
    if constexpr (!FIRST) copy_rows<2, 3>(to, rows_of<3>(passed, sender));
  };
  const auto copy_own = [&](real* to, int i) {
    const int row = lane_index() / 8;
    const real* from = FIRST ? rows_of<1>(a.embedding, a.numbers[i]) : row == 0 ? rows_of<1>(a.q, i) : rows_of<3>(a.mu, i) + (row - 1) * FEATURES;
    if (row < own_rows) copy_ahead(to + lane_index() * LANE_VALUES, from + copied);
  };
  Received<FIRST> sums;
  for_tiles<rows, own_rows, false, 1>(
      a, receivers, memory_of_warp<rows, own_rows>(memory), copy, copy_own, [&] { relay.begin(); },
      [&](const TileInputs<1>& inputs) { return TileFilters<blocks, 1>(inputs.sets, weights); },
      [&](const EdgeTile& tile, const TileFilters<blocks, 1>& filters, const Stage<rows>& stage, const Own&) {
        const auto add = [&](int n, const Sent<FIRST>& sent) {
          sums.add_scalars(sent.q, sent.r, sent.direction, filters.w[0][n], filters.w[1][n]);
          if constexpr (!FIRST) sums.add_passed(sent.passed, filters.w[2][n]);
        };
        if constexpr (Sharing::shares) {
          const Sent<FIRST> sent[2] = {{stage, 0}, {stage, 1}};  // read before it waits
          relay.take(sums);
          for (int n = 0; n < 2; n++) add(n, sent[n]);
          relay.hand_on(tile, sums);
        } else {
#pragma unroll
          for (int n = 0; n < 2; n++) add(n, {stage, n});
        }
      },
      [&](int i, const Own& own) {
        const Values total = scaled(sums_of_edges(sums.q, sums.m), a.slices.of_value), before = FIRST && q > 0 ? Values{} : own.values(q);
        keep(i, sum_of(before, total));
        sums = {};
      });
}
/// The same of a warp that has its receivers for itself, to memory.
template <bool FIRST, class Receivers> __device__ void receive_messages(const PainnMessageArguments<real>& a, const Receivers& receivers, real* memory) {
  NoRelay alone;
  receive_messages<FIRST>(a, receivers, memory, alone, [&](int i, const Values& values) {
    const int q = lane_index() % 4;
    const long long row = static_cast<long long>(i) * FEATURES + slice_feature(own_slice());
    store(q == 0 ? a.q + row : a.mid + row + (2 * static_cast<long long>(i) + q - 1) * FEATURES, values);
  });
}

}  // namespace painnless::cuda
