#pragma once
// A schedule is a way to get from a request to its answer: what it keeps on the card, and the launches of one evaluation. All schedules of an
// engine work on one workspace and give the same bits.
#include "workspace.h"

namespace painnless::cuda {

template <class Real> class Schedule {
 public:
  virtual ~Schedule() = default;
  virtual const char* name() const = 0;
  /// Does it take a batch of so many atoms?
  virtual bool takes(int atoms, int structures) const = 0;
  /// Are neighbours found by its own launches? Else the search goes before.
  virtual bool searches() const = 0;
  /// Puts the weights; called twice (pack.h).
  virtual void pack(WeightStore& store) = 0;
  /// Takes the arrays that grow with a batch, and only it uses.
  virtual void lay_out(Arena& arena, Capacity capacity) = 0;
  /// From the edges, or from the request where it searches, to the answer, for batches of up to so many atoms and structures; forces and
  /// stresses if `gradient`.
  virtual void launch(const Workspace<Real>& workspace, int atoms, int structures, bool gradient) = 0;
};

}  // namespace painnless::cuda
