#include "motion.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "rigid.h"

namespace painnless {

Motion::Motion(const Setup& setup, const double* positions) : setup_(setup) {
  for (int r = 0; r < setup.replicas; r++) noise_.emplace_back(setup.seed + static_cast<uint64_t>(r));
  for (const double mass : setup.masses) {
    half_kick_.push_back(0.5 * setup.timestep / mass);
    spread_.push_back(std::sqrt(setup.thermal_energy / mass));
  }
  kept_ = std::exp(-setup.friction * setup.timestep);
  renewed_ = std::sqrt(1 - kept_ * kept_);
  const size_t entries = 3 * setup.atoms();
  internal_ = static_cast<int>(entries) - RigidMotions({positions, entries}, setup.masses, !setup.periodic()).count();
}

void Motion::draw_velocities(State& state) const {
  const size_t n = setup_.atoms();
  for (int r = 0; r < setup_.replicas; r++)
    for (size_t i = 0; i < n; i++) {
      const auto normals = noise_[r].normals(Purpose::velocities, 0, static_cast<int32_t>(i));
      for (int c = 0; c < 3; c++) state.velocities[3 * (n * r + i) + c] = spread_[i] * normals[c];
    }
  remove_momentum(state);
}

void Motion::first_half(State& state) const {
  kick(state);
  if (ensemble(state.step) == Ensemble::langevin) {
    drift(state, 0.5 * setup_.timestep);
    exchange(state);
    drift(state, 0.5 * setup_.timestep);
  } else {
    drift(state, setup_.timestep);
  }
}

void Motion::second_half(State& state) const {
  kick(state);
  if (ensemble(state.step) == Ensemble::csvr) rescale(state, state.step);
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
  for (size_t i = 0; i < n; i++, v += 3) sum += setup_.masses[i] * (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  return 0.5 * sum;
}

/// (U + U') / 2 + m v^2 / 2 + dt v (F' - F) / 6 + dt^2 (F^2 + F'^2) / 24m, v being half-way: what velocity Verlet conserves to order dt^4.
double Motion::modified(const State& before, const State& state, int replica) const {
  if (ensemble(before.step) != Ensemble::nve) return std::numeric_limits<double>::quiet_NaN();
  const size_t n = setup_.atoms(), first = 3 * n * static_cast<size_t>(replica);
  const double *v = &state.velocities[first], *from = &before.forces[first], *to = &state.forces[first], dt = setup_.timestep;
  double power = 0, squares = 0;
  for (size_t i = 0; i < n; i++)
    for (int c = 0; c < 3; c++, v++, from++, to++) {
      power += *v * (*to - *from);
      squares += (*from * *from + *to * *to) / setup_.masses[i];
    }
  return 0.5 * (before.potential[replica] + state.potential[replica]) + kinetic(state, replica) + dt / 6 * power + dt * dt / 24 * squares;
}

/// v += F dt / 2m
void Motion::kick(State& state) const {
  double* v = state.velocities.data();
  const double* force = state.forces.data();
  for (int r = 0; r < setup_.replicas; r++)
    for (const double factor : half_kick_)
      for (int c = 0; c < 3; c++) *v++ += factor * *force++;
}

void Motion::drift(State& state, double time) const {
  for (size_t k = 0; k < state.positions.size(); k++) state.positions[k] += time * state.velocities[k];
}

/// The O of BAOAB: friction and noise of a whole step, exactly.
void Motion::exchange(State& state) const {
  const size_t n = setup_.atoms();
  for (int r = 0; r < setup_.replicas; r++) {
    const double before = kinetic(state, r);
    for (size_t i = 0; i < n; i++) {
      const auto normals = noise_[r].normals(Purpose::langevin, state.step, static_cast<int32_t>(i));
      double* v = &state.velocities[3 * (n * r + i)];
      for (int c = 0; c < 3; c++) v[c] = kept_ * v[c] + renewed_ * spread_[i] * normals[c];
    }
    state.heat[r] += kinetic(state, r) - before;
  }
}

/// Bussi, Donadio, Parrinello (2007), eq. A7: the kinetic energy makes a step of its own stochastic dynamics.
void Motion::rescale(State& state, int64_t step) const {
  if (internal_ == 0) return;
  const size_t entries = 3 * setup_.atoms();
  const double kept = std::exp(-setup_.timestep / setup_.relaxation);
  for (int r = 0; r < setup_.replicas; r++) {
    const double before = kinetic(state, r);
    if (!(before > 0)) continue;  // velocities of zero have no direction to grow in
    const auto [squares, deviate] = noise_[r].rescaling(step, internal_ - 1);
    const double unit = (1 - kept) * 0.5 * setup_.thermal_energy / before;
    const double square = kept + unit * (squares + deviate * deviate) + 2 * deviate * std::sqrt(kept * unit);
    const double factor = std::copysign(std::sqrt(std::max(square, 0.0)), deviate + std::sqrt(kept / unit));
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
