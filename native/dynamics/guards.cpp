#include "guards.h"

#include <cmath>

#include "../engine.h"

namespace painnless {
namespace {

constexpr double skin = 1;  // Å, of the search for atoms on top of each other: seldom renewed, and few pairs are so near

double length(const double* v) { return std::sqrt(square_of(v)); }

}  // namespace

Guards::Guards(const Setup& setup, const Motion& motion) : setup_(setup), motion_(motion) {
  if (setup.limits.distance > 0) close_.assign(static_cast<size_t>(setup.replicas), KeptNeighbors(skin));
}

/// @param atom counted over all replicas
Stop Guards::at_atom(const char* reason, const State& good, size_t atom, double value, double limit) const {
  const double* x = &good.positions[3 * atom];
  const size_t n = setup_.atoms();
  return {.reason = reason, .step = good.step + 1, .replica = static_cast<int>(atom / n), .atom = static_cast<int>(atom % n), .value = value,
          .limit = limit, .position = {x[0], x[1], x[2]}};
}

std::optional<Stop> Guards::positions(const State& state, const State& good) {
  for (size_t i = 0; i < state.positions.size() / 3; i++) {
    const double *to = &state.positions[3 * i], *from = &good.positions[3 * i];
    const std::array<double, 3> way{to[0] - from[0], to[1] - from[1], to[2] - from[2]};
    const double distance = length(way.data());
    if (!(distance <= setup_.limits.displacement)) return at_atom("displacement", good, i, distance, setup_.limits.displacement);
    for (int c = 0; c < 3; c++)
      if (!(std::abs(to[c]) <= farthest)) return at_atom("position", good, i, to[c], farthest);
  }
  return collisions(state, good);
}

std::optional<Stop> Guards::collisions(const State& state, const State& good) {
  const size_t n = setup_.atoms();
  for (size_t r = 0; r < close_.size(); r++) {
    try {
      close_[r].search({&state.positions[3 * n * r], 3 * n}, setup_.cell, setup_.pbc, setup_.limits.distance, true, found_);
    } catch (const InputError& error) {  // nearer than it can say a direction for
      return Stop{.reason = "refused", .step = good.step + 1, .replica = static_cast<int>(r), .detail = error.what()};
    }
    if (found_.senders.empty()) continue;
    Stop stop = at_atom("distance", good, n * r + static_cast<size_t>(found_.receivers[0]), length(found_.vectors.data()), setup_.limits.distance);
    stop.other = found_.senders[0];
    return stop;
  }
  return std::nullopt;
}

std::optional<Stop> Guards::forces(const State& state, const State& good) const {
  for (int r = 0; r < setup_.replicas; r++)
    if (!std::isfinite(state.potential[r])) return Stop{.reason = "not-finite", .step = good.step + 1, .replica = r, .value = state.potential[r]};
  for (size_t i = 0; i < state.forces.size() / 3; i++) {
    const double force = length(&state.forces[3 * i]);
    if (!std::isfinite(force)) return at_atom("not-finite", good, i, force, none);
    if (!(force <= setup_.limits.force)) return at_atom("force", good, i, force, setup_.limits.force);
  }
  return std::nullopt;
}

std::optional<Stop> Guards::velocities(const State& state, const State& good) const {
  for (int r = 0; r < setup_.replicas; r++) {
    const int freedoms = std::max(1, motion_.freedoms(state.step));
    const double thermal = 2 * motion_.kinetic(state, r) / freedoms;
    if (thermal <= setup_.limits.temperature) continue;
    const size_t n = setup_.atoms(), first = n * static_cast<size_t>(r);
    size_t fastest = first;
    for (size_t i = first; i < first + n; i++) {
      const auto energy = [&](size_t k) { return setup_.masses[k % n] * length(&state.velocities[3 * k]) * length(&state.velocities[3 * k]); };
      if (energy(i) > energy(fastest)) fastest = i;
    }
    return at_atom("temperature", good, fastest, thermal, setup_.limits.temperature);
  }
  return std::nullopt;
}

}  // namespace painnless
