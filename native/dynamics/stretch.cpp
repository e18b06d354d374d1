#include "stretch.h"

#include <algorithm>

namespace painnless {
namespace {

/// Multiples of `every` among first .. last.
size_t multiples(int64_t first, int64_t last, int64_t every) {
  if (every == 0 || last < first) return 0;
  const auto floor = [&](int64_t step) { return step >= 0 ? step / every : -((every - 1 - step) / every); };
  return static_cast<size_t>(floor(last) - floor(first - 1));
}

void append(Column<double>& column, const std::vector<double>& values) { column.insert(column.end(), values.begin(), values.end()); }

}  // namespace

void Stretch::reserve(const Setup& setup, const State& state, int64_t last) {
  replicas = setup.replicas;
  const size_t records = multiples(state.step, last, setup.record_every), frames = multiples(std::max<int64_t>(state.step, 0), last, setup.frame_every);
  const auto grow = [](Column<double>& column, size_t more) { column.reserve(column.size() + more); };
  grow(record_steps, records);
  for (auto* column : {&potential, &kinetic, &heat, &modified}) grow(*column, records * state.potential.size());
  grow(frame_steps, frames);
  for (auto* column : {&frame_potential, &frame_kinetic}) grow(*column, frames * state.potential.size());
  for (auto* column : {&positions, &velocities, &forces}) grow(*column, frames * state.positions.size());
}

void Stretch::note(const Setup& setup, const Motion& motion, const State& state, const std::vector<double>& modified_energy) {
  const auto due = [&](int64_t every) { return every > 0 && state.step % every == 0; };
  if (due(setup.record_every)) {
    record_steps.push_back(static_cast<double>(state.step));
    append(potential, state.potential);
    append(heat, state.heat);
    append(modified, modified_energy);
    for (int r = 0; r < replicas; r++) kinetic.push_back(motion.kinetic(state, r));
  }
  if (state.step >= 0 && due(setup.frame_every)) {
    frame_steps.push_back(static_cast<double>(state.step));
    append(positions, state.positions);
    append(velocities, state.velocities);
    append(forces, state.forces);
    append(frame_potential, state.potential);
    for (int r = 0; r < replicas; r++) frame_kinetic.push_back(motion.kinetic(state, r));
  }
}

}  // namespace painnless
