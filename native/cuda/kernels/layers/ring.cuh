#pragma once
// Weights of a dense product on their way to a block of many atoms (cards from sm_90 on): they come through stages in shared memory, which go round. A stage
// takes what all warps of the block multiply by in one step, so that it is fetched once for all of them, whole steps ahead, and waits in no register.
#include "cluster.cuh"

namespace painnless::cuda {

/// Every warp of the block takes every step, in order; its first warp asks for them. Between products of different steps the block has met.
struct Ring {
  real* stages;
  Arrivals *filled, *emptied;  // (ring_stages)
  // Of each stage, a bit: the parity of the next filling and of the next emptying that is waited for. What was never filled counts as emptied.
  mutable unsigned fillings = 0, emptyings = ~0u;
  mutable int stage = 0;  // of the step that is taken next

  /// `next` is where free shared memory begins, after it. It may be used when the block has met.
  __device__ explicit Ring(real*& next) : stages(next), filled(reinterpret_cast<Arrivals*>(next + ring_words)), emptied(filled + ring_stages) {
    next += ring_shared;
    if (threadIdx.x != 0) return;
    for (int p = 0; p < ring_stages; p++) {
      clear(filled[p], 1);
      clear(emptied[p], blockDim.x / 32);
    }
    publish_arrivals();
  }

  /// Asks for a step into a stage, as soon as the one that was there has been taken: of each of the COLUMNS columns of a matrix, `stride` apart, WORDS.
  template <int COLUMNS, int WORDS> __device__ void ask(int p, const real* from, int stride) const {
    static_assert(WORDS * sizeof(real) % 16 == 0);  // what a copy may begin and end with
    if (warp_index() != 0) return;
    wait_for(emptied[p], emptyings >> p & 1);
    emptyings ^= 1u << p;
    const int column = lane_index();
    if (column == 0) announce(filled[p], COLUMNS * WORDS * sizeof(real));
    __syncwarp();
    if (column < COLUMNS) bring(stages + (p * COLUMNS + column) * WORDS, from + column * stride, WORDS * sizeof(real), filled[p]);
  }
  /// Waits for the step of a stage. Its words are the warp's to read until it says `taken`.
  template <int COLUMNS, int WORDS> __device__ const unsigned* take(int p) const {
    if (FAULT(35, false, true)) wait_for(filled[p], fillings >> p & 1);
    fillings ^= 1u << p;
    return reinterpret_cast<const unsigned*>(stages) + p * COLUMNS * WORDS;
  }
  __device__ void taken(int p) const {
    __syncwarp();
    if (lane_index() == 0) arrive(emptied[p]);
  }
};

}  // namespace painnless::cuda
