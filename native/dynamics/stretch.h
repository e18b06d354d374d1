#pragma once
// What some steps leave behind: energies and frames, in memory taken before the first of them.
#include <optional>

#include "guards.h"

namespace painnless {

struct Stretch final : Notes {
  int replicas = 0;
  Column<double> record_steps, potential, kinetic, heat, modified;  // (records), (records, R)
  Column<double> frame_steps, positions, velocities, forces, frame_potential, frame_kinetic;  // (frames), (frames, R, n, 3), (frames, R)
  std::vector<double> noted_kinetic;  // (R) of the step being noted
  std::optional<Stop> stop;
  double seconds = 0;
  int64_t searches = 0;  // of neighbours, over all replicas

  /// Makes room for every record and frame of the steps from `state` to `last`.
  void reserve(const Setup& setup, const State& state, int64_t last);
  /// Notes the step of `state` where it is due.
  void note(const Setup& setup, const Motion& motion, const State& state, const std::vector<double>& modified_energy);

  void record(int64_t step, Numbers potentials, Numbers kinetics, Numbers heats, Numbers modifieds) override;
  void frame(int64_t step, Numbers where, Numbers how_fast, Numbers pulls, Numbers potentials, Numbers kinetics) override;
};

}  // namespace painnless
