#pragma once
// Which tiles of edges a warp works on in slices, and in what order.
#include "layers/filters.cuh"
#include "layers/message.cuh"

namespace painnless::cuda {

constexpr int slices = FEATURES / slice_features;

/// A tile of eight edges of receiver i, from e on, of a list that ends at `end`; beyond it the last is repeated, and its filters are zero. An empty list has a tile.
struct EdgeTile {
  int i, e, end;
  __device__ bool empty() const { return e >= end; }
  __device__ bool last() const { return e + tile_edges >= end; }
  /// The tile's n-th.
  __device__ int edge(int n) const { return max(min(e + n, end - 1), 0); }
  __device__ FilterInputs inputs(const unsigned* rows) const {
    const int column = lane_index() / 4;
    return {rows, edge(column), e + column < end};
  }
  /// This lane's edge n of two.
  __device__ int place(int n) const { return e + 2 * (lane_index() % 4) + n; }
  __device__ bool there(int n) const { return place(n) < end; }
};

/// Asks for what the edges of a list have, as far as the second-level cache.
template <class Value> __device__ void fetch_list(const Value* of_edges, int numbers, int begin, int end) {
  of_edges += static_cast<long long>(begin) * numbers;
  for (int at = 32 * lane_index(); at < (end - begin) * numbers; at += 32 * 32) fetch(of_edges + at);
}

/// The receivers of a warp of a grid that has all of them. Warps of a column of the grid take receivers next to each other, which have neighbours in common, twice
/// where there are many; columns of other slices take the same ones at the same time, and find their edges' inputs in the second-level cache.
class GridReceivers {
 public:
  static constexpr int warps = 1, part = 0;
  __device__ explicit GridReceivers(int atoms) : atoms(atoms) {
    constexpr int of_block = message_threads / 32;
    columns = gridDim.x / slices, of_column = gridDim.y * of_block, twice = atoms > 10 * columns * of_column;
    first = (blockIdx.x / slices << twice) * of_column + blockIdx.y * of_block + warp_index();
  }
  /// The n-th, below zero where there is none.
  __device__ int operator()(int n) const {
    const int i = first + (((n >> twice) * columns << twice) + (n & twice)) * of_column;
    return i < atoms ? i : -1;
  }

 private:
  int atoms, columns, of_column, twice, first;
};
/// One receiver, or none, of so many warps, which take its tiles by turns.
template <int WARPS> struct OneReceiver {
  static constexpr int warps = WARPS;
  int i, part;
  __device__ int operator()(int n) const { return n == 0 ? i : -1; }
};

/// The tiles of this warp's receivers, list after list. PAIRS: only the edges that may stand for their pair; SETS: of inputs.
template <bool PAIRS, int SETS, class Receivers> class Walk {
 public:
  EdgeTile tile;

  /// Where it begins; look_ahead() comes before the first step.
  __device__ Walk(const PainnMessageArguments<real>& arguments, const Receivers& receivers) : a(arguments), receivers(receivers) { tile = tile_of(list_of(0)); }
  __device__ void look_ahead() {
    next = list_of(1), then = list_of(2);
    fetch_next();
  }
  __device__ void step() {
    constexpr int turn = Receivers::warps * tile_edges;
    if (tile.e + turn < tile.end) {
      tile.e += turn;
      return;
    }
    round++;
    tile = tile_of(next);
    next = then;
    fetch_next();
    then = list_of(round + 2);
  }
  __device__ static bool ended(const EdgeTile& tile) { return tile.i < 0; }

 private:
  struct List {
    int begin, end;
  };
  const PainnMessageArguments<real>& a;
  const Receivers& receivers;
  int round = 0;
  List next, then;  // of the receivers after this one

  __device__ List list_of(int n) const {
    const int i = receivers(n);
    if (i < 0) return {0, 0};
    return {PAIRS ? a.edges.pairs[i] : a.edges.first[i], a.edges.first[i + 1]};
  }
  __device__ EdgeTile tile_of(const List& list) const {
    const int begin = list.begin + receivers.part * tile_edges;
    return {receivers.part > 0 && begin >= list.end ? -1 : receivers(round), begin, list.end};
  }
  __device__ void fetch_next() const {
    fetch_list(a.slices.values, input_words, next.begin, next.end);
    if (SETS > 1) fetch_list(a.slices.slopes, input_words, next.begin, next.end);
    fetch_list(a.edges.senders, 1, next.begin, next.end);
    fetch_list(a.edges.direction, 4, next.begin, next.end);
  }
};

}  // namespace painnless::cuda
