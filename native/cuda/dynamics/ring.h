#pragma once
// Rows that steps leave on the card, one for each step that `every` divides, round and round; the same rows on the host, where they are read.
#include <algorithm>

#include "../../formulas/step.h"
#include "../card/device.h"

namespace painnless::cuda {

struct Ring {
  const double* on_card;
  double* on_host;
  size_t numbers;  // of a row
  int rows;
  int64_t every;   // 0: there are none
  int64_t before;  // multiples of `every` up to where the run was sent from

  /// Queues the copy of the rows of steps from + 1 .. to, which must not be more than there are.
  void fetch(Device& device, int64_t from, int64_t to) const {
    for (int64_t row = count(from), end = count(to); row < end;) {
      const int64_t at = row % rows, together = std::min(end - row, rows - at);  // up to where the ring begins again
      device.download(on_host + at * numbers, reinterpret_cast<Address>(on_card + at * numbers), static_cast<size_t>(together) * numbers * sizeof(double));
      row += together;
    }
  }

  /// Calls take(step, row) for the rows of steps from + 1 .. to.
  template <class Take> void visit(int64_t from, int64_t to, Take take) const {
    for (int64_t row = count(from); row < count(to); row++) take((before + row + 1) * every, on_host + row % rows * static_cast<int64_t>(numbers));
  }

 private:
  int64_t count(int64_t step) const { return every == 0 ? 0 : multiples_up_to(step, every) - before; }
};

}  // namespace painnless::cuda
