#include "motion.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rigid.h"

namespace painnless {

Motion::Motion(const Setup& setup, const double* positions) : setup_(setup) {
  for (const double mass : setup.masses) {
    constants_.half_kick.push_back(0.5 * setup.timestep / mass);
    constants_.spread.push_back(std::sqrt(setup.thermal_energy / mass));
  }
  constants_.kept = std::exp(-setup.friction * setup.timestep);
  constants_.renewed = std::sqrt(1 - constants_.kept * constants_.kept);
  constants_.relaxed = std::exp(-setup.timestep / setup.relaxation);
  const size_t entries = 3 * setup.atoms();
  constants_.internal = static_cast<int>(entries) - RigidMotions({positions, entries}, setup.masses, !setup.periodic()).count();
}

void Motion::draw_velocities(State& state) const {
  const size_t n = setup_.atoms();
  for (int r = 0; r < setup_.replicas; r++)
    for (size_t i = 0; i < n; i++) {
      const ThreeNormals normals = three_normals(key(r), Purpose::velocities, 0, static_cast<int>(i));
      for (int c = 0; c < 3; c++) state.velocities[3 * (n * r + i) + c] = constants_.spread[i] * normals.along[c];
    }
  remove_momentum(state);
}

void Motion::first_half(State& state) const {
  kick(state);
  if (setup_.ensemble_at(state.step) == Ensemble::langevin) {
    drift(state, 0.5 * setup_.timestep);
    exchange(state);
    drift(state, 0.5 * setup_.timestep);
  } else {
    drift(state, setup_.timestep);
  }
}

void Motion::second_half(State& state) const {
  kick(state);
  if (setup_.ensemble_at(state.step) == Ensemble::csvr) rescale(state, state.step);
  state.step++;
  if (state.step == 0 && setup_.equilibration > 0) {
    std::fill(state.heat.begin(), state.heat.end(), 0.0);
    if (setup_.ensemble != Ensemble::langevin) remove_momentum(state);
  }
}

double Motion::kinetic(const State& state, int replica) const {
  const size_t n = setup_.atoms();
  const double* v = &state.velocities[3 * n * static_cast<size_t>(replica)];
  double sum = 0;
  for (size_t i = 0; i < n; i++, v += 3) sum += setup_.masses[i] * square_of(v);
  return 0.5 * sum;
}

/// T55
double Motion::modified(const State& before, const State& state, int replica) const {
  if (setup_.ensemble_at(before.step) != Ensemble::nve) return std::numeric_limits<double>::quiet_NaN();
  const size_t n = setup_.atoms(), first = 3 * n * static_cast<size_t>(replica);
  const double *v = &state.velocities[first], *from = &before.forces[first], *to = &state.forces[first];
  ModifiedSums sums;
  for (size_t i = 0; i < n; i++)
    for (int c = 0; c < 3; c++) add_to(sums, *v++, *from++, *to++, setup_.masses[i]);
  return modified_energy(sums, before.potential[replica] + state.potential[replica], kinetic(state, replica), setup_.timestep);
}

/// v += F dt / 2m
void Motion::kick(State& state) const {
  double* v = state.velocities.data();
  const double* force = state.forces.data();
  for (int r = 0; r < setup_.replicas; r++)
    for (const double half_kick : constants_.half_kick)
      for (int c = 0; c < 3; c++, v++) *v = kicked(*v, half_kick, *force++);
}

void Motion::drift(State& state, double time) const {
  for (size_t k = 0; k < state.positions.size(); k++) state.positions[k] = drifted(state.positions[k], time, state.velocities[k]);
}

/// The O of BAOAB: friction and noise of a whole step, exactly.
void Motion::exchange(State& state) const {
  const size_t n = setup_.atoms();
  for (int r = 0; r < setup_.replicas; r++) {
    const double before = kinetic(state, r);
    for (size_t i = 0; i < n; i++) {
      const ThreeNormals normals = three_normals(key(r), Purpose::langevin, state.step, static_cast<int>(i));
      double* v = &state.velocities[3 * (n * r + i)];
      for (int c = 0; c < 3; c++) v[c] = exchanged(v[c], constants_.kept, constants_.renewed, constants_.spread[i], normals.along[c]);
    }
    state.heat[r] += kinetic(state, r) - before;
  }
}

/// Bussi, Donadio, Parrinello (2007), eq. A7: the kinetic energy makes a step of its own stochastic dynamics.
void Motion::rescale(State& state, int64_t step) const {
  if (constants_.internal == 0) return;
  const size_t entries = 3 * setup_.atoms();
  for (int r = 0; r < setup_.replicas; r++) {
    const double before = kinetic(state, r);
    if (!(before > 0)) continue;  // velocities of zero have no direction to grow in
    const double factor = rescaling_factor(key(r), step, constants_.internal, constants_.relaxed, setup_.thermal_energy, before);
    for (size_t k = 0; k < entries; k++) state.velocities[entries * r + k] *= factor;
    state.heat[r] += kinetic(state, r) - before;
  }
}

void Motion::remove_momentum(State& state) const {
  const size_t entries = 3 * setup_.atoms();
  for (int r = 0; r < setup_.replicas; r++)
    RigidMotions({&state.positions[entries * r], entries}, setup_.masses, !setup_.periodic()).remove_from({&state.velocities[entries * r], entries});
}

}  // namespace painnless
