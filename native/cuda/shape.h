#pragma once
// How kernels are cut for a model, a precision and a card: everything that is compiled in, and nothing that depends on atoms, edges or elements.
#include <string>
#include <vector>

#include "../model.h"
#include "device.h"
#include "program.h"

namespace painnless::cuda {

/// Features come in whole warps: widths are padded by zero weights, which stay zero.
constexpr int padded(int count) { return (count + 31) / 32 * 32; }

struct Shape {
  int features, radial;          // padded; as they are
  std::vector<int> hidden;       // padded widths of the readout's hidden layers
  int lane_values, chunks;       // features a lane owns in a message kernel; warps that share a receiver's features
  int edge_group;                // edges whose filters are made together
  int small_tile, small_atoms;   // atoms of a block, and of a thread, in kernels that work on tiles; few atoms
  int large_tile, large_atoms;   // many atoms
  bool filters_in_shared;        // are the filters' weights copied to shared memory
  size_t message_shared, update_shared, last_shared, adjoint_shared;  // bytes; of the last three, per atom of a tile
  size_t real_bytes;
  bool painn, bessel;

  /// Throws InputError UNSUPPORTED where no tile fits the card.
  Shape(const Config& config, Precision precision, const DeviceInfo& info);

  std::vector<Source> sources() const;
};

}  // namespace painnless::cuda
