#pragma once
// How those who work on a tile of atoms get what each of them has made. The threads of a block meet; blocks of a cluster send letters, whose bytes each of them
// counts: a barrier of the cluster would wait until the card can see all that the block has stored for the way back.
// Every block sends in every exchange, its last letter only after its last look at what this product and those before read: products end with barriers of the block.
// So who has all of one exchange knows that nobody reads any more what came with the one before: the next may come over it. A block has received every exchange
// before it ends.
#include "layers/cut.cuh"

namespace painnless::cuda {

#if defined(SPREAD_THREADS)
/// Before anything is fetched, so that other blocks' wait for it is over by then.
template <class Cut> __device__ void clear_counters(const Tile<Cut>& tile) {
  if (threadIdx.x < 2) {
    clear(tile.arrivals[threadIdx.x], 1);
    publish_arrivals();
  }
  arrive_at_cluster_unseen();
}
/// All have what they have fetched, and may send.
template <class Cut> __device__ void begin() {
  __syncthreads();
  wait_for_cluster();
}
/// Sends what a warp has put: NUMBERS of each of ROWS rows of x, from row `first_row` and place `from` on. To its own block too: so all count the same.
template <int NUMBERS, int ROWS, class Cut, class X> __device__ void hand_on_rows(const Tile<Cut>& tile, const X& x, int first_row, int from) {
  constexpr int row = X::bytes(NUMBERS) / (X::rows * X::planes * 16), letters = X::planes * ROWS * row;
  static_assert(X::bytes(NUMBERS) == 16 * X::planes * X::rows * row, "whole letters");
  __syncwarp();
  Arrivals& there = tile.arrivals[tile.turn % 2];
#pragma unroll
  for (int first = 0; first < letters; first += 32) {
    const int n = first + lane_index();
    if (n >= letters) break;
    real* at = x.at(n / (ROWS * row), first_row + n / row % ROWS, from) + n % row * 4;
    const Pack<4> letter = load<4>(at);
#pragma unroll
    for (int block = 0; block < FAULT(34, 1, Cut::members); block++) send(at, block, letter, there);
  }
}
/// The same of all rows: those of its sixteen features.
template <int NUMBERS, class Cut, class X> __device__ void hand_on(const Tile<Cut>& tile, const X& x, int from) { hand_on_rows<NUMBERS, X::rows>(tile, x, 0, from); }
/// All have what each has put, so many bytes of WIDTH features, when they have received it. Who has none of the features sends what nobody reads.
template <int WIDTH, class Cut> __device__ void meet(Tile<Cut>& tile, int bytes) {
  constexpr int columns = WIDTH / 16, senders = (columns + columns_each<Cut>(columns) - 1) / columns_each<Cut>(columns), letter = sizeof(Pack<4>);
  Arrivals& here = tile.arrivals[tile.turn % 2];
  if (senders < Cut::members && member<Cut>() >= senders && threadIdx.x < Cut::members) send(tile.unread, threadIdx.x, Pack<4>{}, here);
  if (threadIdx.x == 0) announce(here, bytes + (Cut::members - senders) * letter);
  tile.turn++;
}
/// Before what the last meeting brought is read. Products do so when their first weights are on their way.
template <class Cut> __device__ void receive(const Tile<Cut>& tile) {
  if (tile.turn == 0 || FAULT(40, tile.turn, 0) == 4) return;
  await(tile.arrivals[(tile.turn - 1) % 2], (tile.turn - 1) / 2 % 2);
}
/// All see what each has stored in global memory: letters say nothing about that.
template <class Cut> __device__ void see_stores() {
  arrive_at_cluster();
  wait_for_cluster();
}
#else
template <class Cut> __device__ void clear_counters(const Tile<Cut>&) {}
template <class Cut> __device__ void begin() { __syncthreads(); }
template <int NUMBERS, class Cut, class X> __device__ void hand_on(const Tile<Cut>&, const X&, int) {}
template <int WIDTH, class Cut> __device__ void meet(Tile<Cut>&, int) { __syncthreads(); }
template <class Cut> __device__ void receive(const Tile<Cut>&) {}
template <class Cut> __device__ void see_stores() {}
#endif

}  // namespace painnless::cuda
