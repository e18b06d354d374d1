#pragma once
// What a step does to one coordinate, one atom or one replica (docs/theory.md, T51 to T55): the same text on the CPU and on a card.
#include "formulas/noise.h"

namespace painnless {

constexpr double farthest = 1e6;  // Å from the origin along an axis: beyond it differences of coordinates lose digits that forces need

FORMULA double square_of(const double* v) { return v[0] * v[0] + v[1] * v[1] + v[2] * v[2]; }

/// @param half_kick dt / 2m
FORMULA double kicked(double velocity, double half_kick, double force) { return velocity + half_kick * force; }
FORMULA double drifted(double position, double time, double velocity) { return position + time * velocity; }

/// The O of BAOAB: friction and noise of a whole step, exactly. @param kept c of T52, renewed sqrt(1 - c²), spread sqrt(kT / m)
FORMULA double exchanged(double velocity, double kept, double renewed, double spread, double normal) {
  return kept * velocity + renewed * spread * normal;
}

/// α of T53, of a kinetic energy above 0. @param kept c; freedoms f
FORMULA double rescaling_factor(PhiloxKey key, long long step, int freedoms, double kept, double thermal_energy, double kinetic) {
  const Rescaling random = rescaling(key, step, freedoms - 1);
  const double unit = (1 - kept) * 0.5 * thermal_energy / kinetic;
  const double square = kept + unit * (random.sum_of_squares + random.deviate * random.deviate) + 2 * random.deviate * sqrt(kept * unit);
  return copysign(sqrt(square < 0 ? 0 : square), random.deviate + sqrt(kept / unit));
}

/// Sums of T55 over coordinates.
struct ModifiedSums {
  double power = 0, squares = 0;
};
/// @param velocity half-way; before, after: the force at either end
FORMULA void add_to(ModifiedSums& sums, double velocity, double before, double after, double mass) {
  sums.power += velocity * (after - before);
  sums.squares += (before * before + after * after) / mass;
}
/// T55. @param potentials E + E', kinetic half-way
FORMULA double modified_energy(const ModifiedSums& sums, double potentials, double kinetic, double timestep) {
  return 0.5 * potentials + kinetic + timestep / 6 * sums.power + timestep * timestep / 24 * sums.squares;
}

/// Multiples of `every` up to `step`, counted from a fixed one: what is due at a step that is one has this number less 1 before it.
FORMULA long long multiples_up_to(long long step, long long every) { return step >= 0 ? step / every : -((every - 1 - step) / every); }
FORMULA bool is_due(long long step, long long every) { return every > 0 && step % every == 0; }

}  // namespace painnless
