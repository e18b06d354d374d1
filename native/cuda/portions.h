#pragma once
// A set too large to go in one, as batches that follow each other.
#include <vector>

#include "../engine.h"

namespace painnless::cuda {

/// Some consecutive structures of a batch.
class Portion {
 public:
  Portion(const Batch& whole, int first, int last);
  Batch batch() const { return {of_whole_.numbers, of_whole_.positions, offsets_, of_whole_.cells, of_whole_.pbc}; }
  struct Place {
    int structure, atom;
  };
  /// Where it begins in the whole.
  const Place place;

 private:
  Batch of_whole_;                // without offsets
  std::vector<int32_t> offsets_;  // from 0 on
};

/// The batch in atoms / `least` portions, as like as whole structures allow, or fewer.
std::vector<Portion> portions_of(const Batch& batch, int least);

}  // namespace painnless::cuda
