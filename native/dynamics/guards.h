#pragma once
// What a step must not do. A guard says what it found; the session then stands at the last good step.
#include <array>
#include <limits>
#include <optional>
#include <string>

#include "../neighbors/kept.h"
#include "motion.h"

namespace painnless {

constexpr double none = std::numeric_limits<double>::quiet_NaN();  // in place of a number

/// Why a run cannot go on.
struct Stop {
  const char* reason;  // of src/dynamics/session.ts
  int64_t step;        // the one that could not be made
  int replica = -1, atom = -1, other = -1;  // -1: no single one
  double value = none, limit = none;
  std::array<double, 3> position{};  // of the atom at the last good step, where there is one
  std::string detail{};              // what the potential said
};

class Guards {
 public:
  /// `setup` and `motion` must outlive this.
  Guards(const Setup& setup, const Motion& motion);

  /// New positions, before forces are asked for; `good` is the last good step.
  std::optional<Stop> positions(const State& state, const State& good);
  /// New forces and energies.
  std::optional<Stop> forces(const State& state, const State& good) const;
  /// Velocities of the finished step.
  std::optional<Stop> velocities(const State& state, const State& good) const;

 private:
  Stop at_atom(const char* reason, const State& good, size_t atom, double value, double limit) const;
  std::optional<Stop> collisions(const State& state, const State& good);

  const Setup& setup_;
  const Motion& motion_;
  std::vector<KeptNeighbors> close_;  // by replica: pairs nearer than the limit, of which there must be none
  NeighborList found_;
};

}  // namespace painnless
