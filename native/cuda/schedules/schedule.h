#pragma once
// A schedule is a way to get from a request to its answer: what it keeps on the card, and the launches of one evaluation. All schedules of an
// engine work on one workspace and give the same bits for what they take.
#include <algorithm>
#include <cmath>

#include "workspace.h"

namespace painnless::cuda {

/// The next size of a geometric ladder, 19 % apart: what is recorded or laid out for it serves all sizes below.
inline int next_bucket(int size, int least) {
  double step = least;
  while (step < size) step *= 1.189207115002721;
  return static_cast<int>(std::min(std::ceil(step), 2147483647.0));
}

constexpr int most_edges = 1 << 28;  // as the CPU's search

/// Memory that a batch begins with.
inline Capacity capacity_for(int atoms, int structures) {
  const int room = next_bucket(atoms, 16);
  return {room, next_bucket(structures, 1), static_cast<int>(std::min<int64_t>(int64_t{room} * first_edges_per_atom, most_edges))};
}

template <class Real> class Schedule {
 public:
  virtual ~Schedule() = default;
  virtual const char* name() const = 0;
  /// Does it take a batch of so many atoms?
  virtual bool takes(int atoms, int structures) const = 0;
  /// Is told that a batch of so many atoms had more edges than it has room for, or how many there were: the next is likely to be like it.
  virtual void outgrow(int atoms) = 0;
  virtual void learn(int atoms, int edges) = 0;
  /// Up to how many atoms launches serve that were recorded for so many.
  virtual int bucket(int atoms) const = 0;
  /// Are neighbours found by its own launches? Else the search goes before.
  virtual bool searches() const = 0;
  /// Puts the weights.
  virtual void pack(WeightStore& store) = 0;
  /// Takes the arrays that grow with a batch, and only it uses.
  virtual void lay_out(Arena& arena, Capacity capacity) = 0;
  /// Of that memory, what must begin as zeros and outlives an evaluation; nothing else that one leaves is read by the next.
  struct Kept {
    Address begin = 0;
    size_t bytes = 0;
  };
  virtual Kept kept() const = 0;
  /// May its launches write the answer to the host's memory: few numbers, each of them once.
  virtual bool answers_host() const = 0;
  /// From the edges, or from the request where it searches, to the answer, for batches of up to so many atoms and structures; forces and stresses if
  /// `gradient`.
  virtual void launch(const Workspace<Real>& workspace, unsigned char* answer, int atoms, int structures, bool gradient) = 0;
};

}  // namespace painnless::cuda
