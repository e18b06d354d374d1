#pragma once
// What host and step kernels agree on (kernels/dynamics.cu). One run of R replicas of n atoms; eV, Å, fs. All of it stays on the card, so that one
// recorded step serves any run of the same sizes.

#include "signatures.h"

namespace painnless::cuda {

constexpr int most_step_threads = 256;  // a thread an atom; a replica has as many blocks as that takes, its parts
constexpr int step_sums = 4;            // of a part

/// Constants of the steps at hand.
struct RunConstants {
  int replicas, atoms;
  int langevin, rescales;  // which thermostat there is
  int internal, freedoms;  // degrees of freedom without those that are removed; those that carry kinetic energy
  double timestep, thermal_energy;
  double kept, renewed, relaxed;            // T52, T53
  double displacement, force, temperature;  // limits: Å, eV/Å, kB T in eV
  long long record_every, frame_every;
  long long records_before, frames_before;  // multiples of these up to where the run was sent from: rows of the rings are counted from there
  int record_rows, frame_rows;
  unsigned long long seed;
};

/// Which step is made. Nothing is written that another block of the same launch may read, but for alarm, to which end_step only adds.
struct Progress {
  long long step;    // the last one that was made
  long long making;  // the one between begin_step and end_step
  int moving;        // is there one? No step is begun after an alarm
  int alarm;         // Trouble bits of the step that was made last: the one before is the last good one
  int found;         // edges of that step
  int searches;      // of neighbours, since the run was sent
};

enum { guard_alarm = 1 << 16 };  // beside the search's Trouble bits: a limit was passed, or a number is not finite

/// A state (native/run.h), its arrays one behind the other.
struct StepState {
  double *positions, *velocities, *forces;  // (R, n, 3)
  double *potential, *heat;                 // (R)
};

template <class Real> struct StepArguments {
  const RunConstants* run;
  const double *half_kick, *spread, *masses;  // (n)
  Progress* progress;
  StepState now, before;
  double* parts;  // (R, parts, step_sums)
  int* ended;     // (R) parts that have their sums; 0 before and after a launch
  double *records, *frames;  // rings of rows: potential, kinetic, heat, modified (R); positions, velocities, forces (R, n, 3), potential, kinetic (R)
  // The evaluation between begin_step and end_step: where it reads positions, and what it says of them.
  double* evaluated;
  const Sizes* sizes;
  const double *energies, *forces;
};

}  // namespace painnless::cuda
