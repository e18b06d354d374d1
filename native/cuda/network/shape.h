#pragma once
// How kernels are cut for a model, a precision and a card: everything that is compiled in, and nothing that depends on atoms, edges or elements.
#include <optional>
#include <string>
#include <vector>

#include "../../model/blocks.h"
#include "../card/device.h"
#include "../kernels/room.h"
#include "../card/program.h"

namespace painnless::cuda {

struct Shape {
  int features, radial, layers;  // features padded, the others as they are
  std::vector<int> hidden;       // padded widths of the readout's hidden layers
  int lane_values, chunks;       // features a lane owns in a message kernel; warps that share a receiver's features
  int edge_group;                // edges whose filters are made together
  bool tabulates;                // do filters come from a table, where one follows them
  int slices;                    // of 32 features, which messages are passed by where there are tensor cores for them; else 0
  bool slice_weights_in_shared;  // are a slice's weights copied to shared memory, on the way back
  bool whole_layers;             // where tiles are spread: is a layer one launch each way, its message too (kernels/painn_layer.cu); `relay` is where they are
  size_t slice_weights_shared;   // bytes, on the way back
  /// How the kernels that work on tiles of atoms are cut (layers/dense.cuh).
  struct Cut {
    int tile, atoms, split, threads;  // atoms of a block, of a thread; groups that share out inputs; threads of a block
    int members = 1;                  // blocks that share a tile
  } small, large, spread, relay;      // for few atoms, for many; for so few that a cluster shares a tile, and fewer whole layers of, no threads where that is not possible
  int tensor;                         // parts of a number in dense products on tensor cores (kernels/shapes.h); 0: multiply-adds
  int large_blocks, message_blocks;   // that a multiprocessor shall hold at once: bounds the registers of a thread
  bool filters_in_shared;        // are the filters' weights copied to shared memory
  size_t message_shared, update_shared, last_shared, adjoint_shared;  // bytes; of the last three, per atom of a tile, and beside them:
  size_t exchange_shared(const Cut& cut) const;
  size_t shared_bytes(const Cut& cut) const;  // the most that a kernel of so cut a block takes
  size_t layer_shared(const Cut& cut, bool first, bool last) const;  // bytes of a whole layer's
  size_t layer_adjoint_shared(const Cut& cut) const;
  size_t most_layer_shared(const Cut& cut) const;
  size_t pairs_shared() const;  // of the last launch of slices on the way back
  size_t real_bytes;
  bool painn, bessel;
  std::optional<ResidentRoom> resident;  // how the resident schedule cuts the model, where it takes it

  /// Throws InputError UNSUPPORTED where no tile fits the card.
  Shape(const Config& config, Precision precision, const DeviceInfo& info, const CudaTuning& tuning = {}, bool whole_range = false);

  CudaTuning tuning;  // nothing of it is compiled in; what it does not use is not compiled
  /// Of features, each of which has sums of a pair of its own.
  int sum_chunks() const { return slices > 0 ? slices : chunks; }

  std::vector<Source> sources() const;

 private:
  size_t layer_bytes(const Cut& cut, size_t of_atom, int own_rows, int of_warp) const;
};

}  // namespace painnless::cuda
