#pragma once
// How the work of one evaluation is dealt to the threads of a team. Edge work is dealt in granules of features, and sums over features are made
// granule by granule, so that their order does not depend on the number of threads.
#include "../model/blocks.h"
#include "dense.h"
#include "team.h"

namespace painnless::PAINNLESS_ISA {

/// Reals from one row to the next where messages gather from rows: an odd number of cache lines, so that one granule of many rows fills
/// every set of the caches. Rows a multiple of 512 bytes apart meet in a quarter of the sets.
template <class Real> constexpr int row_stride(int count) { return count + 64 / static_cast<int>(sizeof(Real)); }

/// One thread's part. Few atoms: threads share every row and own columns; they meet between products. Many atoms: a thread owns rows.
struct Share {
  int thread, threads;
  bool by_columns;
  int row0, row1;
  Barrier* barrier;

  Share(int thread_, int threads_, bool by_columns_, int atoms, Barrier* barrier_)
      : thread(thread_), threads(threads_), by_columns(by_columns_), barrier(barrier_) {
    row0 = by_columns ? 0 : static_cast<int>(static_cast<int64_t>(atoms) * thread / threads);
    row1 = by_columns ? atoms : static_cast<int>(static_cast<int64_t>(atoms) * (thread + 1) / threads);
  }
  /// This thread's columns of `blocks` blocks of `width` padded features.
  template <class Real> Columns columns(int blocks, int width) const {
    if (!by_columns) return {blocks, width, 0, width};
    const int panels = width / panel<Real>;
    return {blocks, width, panels * thread / threads * panel<Real>, panels * (thread + 1) / threads * panel<Real>};
  }
  void meet() const { barrier->wait(thread); }
  /// Where the next step reads columns that other threads write.
  void meet_columns() const {
    if (by_columns) meet();
  }
};

}  // namespace painnless::PAINNLESS_ISA
