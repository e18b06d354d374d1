#pragma once
// The engine as a run on its card uses it: evaluations of positions that are there already.
#include <functional>

#include "card/device.h"
#include "kernels/signatures.h"

namespace painnless::cuda {

class Evaluator {
 public:
  virtual ~Evaluator() = default;

  /// Where evaluations of a batch read and write on the card.
  struct Places {
    double* positions;              // (atoms, 3)
    const Sizes* sizes;
    const double *energies, *forces;  // (structures) net, (atoms, 3)
    double skin;                    // Å, of pairs that are kept; 0: each evaluation searches
    bool bins;                      // does the search have them
    int layout;                     // another number: what was recorded before is of no use
    bool operator==(const Places&) const = default;
  };
  /// Makes room for a batch and sends it; its search will report pairs up to `nearest` Å, and may keep pairs within the cutoff and `skin` Å. Throws what evaluate throws.
  virtual Places prepare(const Batch& batch, double nearest, double skin) = 0;
  /// Queues search, energies and forces of a prepared batch; `skin` of its places.
  virtual void launch(const Batch& batch, double skin) = 0;
  /// Room for so many edges of a prepared batch, which is prepared anew then, with the same skin. Throws InputError BAD_STRUCTURE (too many), MISSING (memory).
  virtual void grow(const Batch& batch, int edges, double skin) = 0;
  /// Runs what may take memory; where there is none, all that it took is given back.
  virtual void or_as_before(const std::function<void()>& work) = 0;
  /// What `launches` queues, to be replayed. Throws what it throws.
  virtual std::unique_ptr<Graph> record(const std::function<void()>& launches) = 0;
};

}  // namespace painnless::cuda
