#pragma once
// The launches of a neighbour search (kernels/neighbors.cu).
#include "../engine.h"
#include "workspace.h"

namespace painnless::cuda {

template <class Real> class Search {
 public:
  explicit Search(const Config& config);
  /// For batches of up to so many atoms; `bins`: are there structures of more than a few. `shifts` (edges, 3) is written unless null. With a `skin`, Å, pairs are
  /// kept in the workspace from one search to the next: the request is one for reach(skin), and forget() goes before the first.
  void launch(Device& device, Programs& programs, const Workspace<Real>& workspace, int atoms, bool bins, int* shifts, double skin = 0) const;
  void forget(Device& device, const Workspace<Real>& workspace, int atoms) const;
  double reach(double skin) const { return cutoff_ + skin; }
  /// Pairs to keep where there is room for so many edges; none without a skin.
  int pairs_for(int edges, double skin) const;
  /// The list of a batch that was sent and has so many edges, for which there is room.
  CudaNeighbors list(Device& device, Programs& programs, const Workspace<Real>& workspace, int atoms, bool bins, size_t edges) const;

 private:
  double cutoff_, largest_, direction_eps_;
};

}  // namespace painnless::cuda
