#pragma once
// The launches of a neighbour search (kernels/neighbors.cu).
#include "engine.h"
#include "workspace.h"

namespace painnless::cuda {

template <class Real> class Search {
 public:
  explicit Search(const Config& config);
  /// For batches of up to so many atoms; `bins`: are there structures of more than a few. `shifts` (edges, 3) is written unless null.
  void launch(Device& device, Programs& programs, const Workspace<Real>& workspace, int atoms, bool bins, int* shifts) const;
  /// The list of a batch that was sent and has so many edges, for which there is room.
  CudaNeighbors list(Device& device, Programs& programs, const Workspace<Real>& workspace, int atoms, bool bins, size_t edges) const;

 private:
  double largest_, direction_eps_;
};

}  // namespace painnless::cuda
