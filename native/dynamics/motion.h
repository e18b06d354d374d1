#pragma once
// One step in two halves, with the forces in between: velocity Verlet, Langevin dynamics (BAOAB), stochastic velocity rescaling
// (docs/theory.md, section on dynamics).
#include "../formulas/step.h"
#include "../run.h"

namespace painnless {

class Motion {
 public:
  /// `setup` must outlive this. positions (n, 3): the geometry that says which rotations there are.
  Motion(const Setup& setup, const double* positions);

  /// Maxwell-Boltzmann velocities of every replica, without momentum and, where no axis is periodic, without angular momentum.
  void draw_velocities(State& state) const;

  /// From a step to the positions of the next one; velocities are then half a step behind.
  void first_half(State& state) const;
  /// `state.forces` are those of the new positions: velocities catch up and the step is done. At step 0, where equilibration ends, the heat is
  /// counted from 0 again and, unless Langevin dynamics goes on, momentum is removed as above.
  void second_half(State& state) const;

  double kinetic(const State& state, int replica) const;
  /// The energy half-way through a step of velocity Verlet without its error of order dt^2, eV: `before` is the step begun, `state` has the new
  /// positions, energies and forces and the velocities of half-way. NaN under a thermostat.
  double modified(const State& before, const State& state, int replica) const;
  /// Degrees of freedom that carry kinetic energy under the ensemble of the step from `step` on.
  int freedoms(int64_t step) const { return setup_.ensemble_at(step) == Ensemble::langevin ? static_cast<int>(3 * setup_.atoms()) : constants_.internal; }
  const Constants& constants() const { return constants_; }

 private:
  PhiloxKey key(int replica) const { return key_of(setup_.seed + static_cast<uint64_t>(replica)); }
  void kick(State& state) const;
  void drift(State& state, double time) const;
  void exchange(State& state) const;
  void rescale(State& state, int64_t step) const;
  void remove_momentum(State& state) const;

  const Setup& setup_;
  Constants constants_{};
};

}  // namespace painnless
