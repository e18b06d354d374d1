#include "stretch.h"

#include <algorithm>

namespace painnless {
namespace {

/// Multiples of `every` among first .. last.
size_t multiples(int64_t first, int64_t last, int64_t every) {
  if (every == 0 || last < first) return 0;
  return static_cast<size_t>(multiples_up_to(last, every) - multiples_up_to(first - 1, every));
}

void append(Column<double>& column, Numbers values) { column.insert(column.end(), values.begin(), values.end()); }

}  // namespace

void Stretch::reserve(const Setup& setup, const State& state, int64_t last) {
  replicas = setup.replicas;
  noted_kinetic.resize(static_cast<size_t>(replicas));
  const size_t records = multiples(state.step, last, setup.record_every), frames = multiples(std::max<int64_t>(state.step, 0), last, setup.frame_every);
  const auto grow = [](Column<double>& column, size_t more) { column.reserve(column.size() + more); };
  grow(record_steps, records);
  for (auto* column : {&potential, &kinetic, &heat, &modified}) grow(*column, records * state.potential.size());
  grow(frame_steps, frames);
  for (auto* column : {&frame_potential, &frame_kinetic}) grow(*column, frames * state.potential.size());
  for (auto* column : {&positions, &velocities, &forces}) grow(*column, frames * state.positions.size());
}

void Stretch::note(const Setup& setup, const Motion& motion, const State& state, const std::vector<double>& modified_energy) {
  const bool recorded = is_due(state.step, setup.record_every), framed = state.step >= 0 && is_due(state.step, setup.frame_every);
  if (!recorded && !framed) return;
  for (int r = 0; r < replicas; r++) noted_kinetic[r] = motion.kinetic(state, r);
  if (recorded) record(state.step, state.potential, noted_kinetic, state.heat, modified_energy);
  if (framed) frame(state.step, state.positions, state.velocities, state.forces, state.potential, noted_kinetic);
}

void Stretch::record(int64_t step, Numbers potentials, Numbers kinetics, Numbers heats, Numbers modifieds) {
  record_steps.push_back(static_cast<double>(step));
  append(potential, potentials);
  append(kinetic, kinetics);
  append(heat, heats);
  append(modified, modifieds);
}

void Stretch::frame(int64_t step, Numbers where, Numbers how_fast, Numbers pulls, Numbers potentials, Numbers kinetics) {
  frame_steps.push_back(static_cast<double>(step));
  append(positions, where);
  append(velocities, how_fast);
  append(forces, pulls);
  append(frame_potential, potentials);
  append(frame_kinetic, kinetics);
}

}  // namespace painnless
