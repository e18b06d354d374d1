#pragma once
// The contract between the session (dynamics/) and what makes its steps: constants of a run, its state, and what steps leave behind. Units: Å, fs,
// eV, eV/Å; masses in eV fs^2/Å^2, so that F / m is in Å/fs^2 and m v^2 in eV.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace painnless {

enum class Ensemble { nve, langevin, csvr };

/// What stops a run.
struct Limits {
  double force;         // eV/Å on an atom
  double temperature;   // kB T of a replica, eV
  double distance;      // Å between two atoms, at least
  double displacement;  // Å of an atom in one step
};

/// R independent copies of one structure of n atoms.
struct Setup {
  int replicas;
  std::vector<int32_t> numbers;  // (n)
  std::vector<double> masses;    // (n)
  std::vector<double> cell;      // (3, 3) rows are lattice vectors
  std::vector<uint8_t> pbc;      // (3)
  Ensemble ensemble, equilibration_ensemble;
  int64_t equilibration;  // steps before step 0
  double timestep;
  double thermal_energy;  // kB T
  double friction;        // 1/fs
  double relaxation;      // fs
  uint64_t seed;          // of replica 0; that of replica r is seed + r
  double skin;            // Å
  int64_t record_every, frame_every;  // steps; 0: never
  Limits limits;

  size_t atoms() const { return numbers.size(); }
  bool periodic() const { return pbc[0] || pbc[1] || pbc[2]; }
  /// Of the step from `step` on.
  Ensemble ensemble_at(int64_t step) const { return step < 0 ? equilibration_ensemble : ensemble; }
};

/// What follows from a setup and the geometry it begins with (docs/theory.md, section 19).
struct Constants {
  std::vector<double> half_kick;  // (n) dt / 2m
  std::vector<double> spread;     // (n) of a thermal velocity, sqrt(kT / m)
  double kept, renewed;           // T52: c and sqrt(1 - c²)
  double relaxed;                 // T53: c
  int internal;                   // degrees of freedom without the motions that are removed
};

/// Everything that changes: with the setup and the potential it determines all that follows, to the last bit.
struct State {
  int64_t step;
  std::vector<double> positions, velocities, forces;  // (R, n, 3); positions are never wrapped into the cell
  std::vector<double> potential;                      // (R)
  std::vector<double> heat;                           // (R) what the thermostat has put in
};

using Numbers = std::span<const double>;

/// Where steps are noted. The arrays are the caller's again when the call is over.
class Notes {
 public:
  virtual ~Notes() = default;
  /// Energies after a step, each (R).
  virtual void record(int64_t step, Numbers potential, Numbers kinetic, Numbers heat, Numbers modified) = 0;
  /// positions, velocities, forces (R, n, 3); potential, kinetic (R)
  virtual void frame(int64_t step, Numbers positions, Numbers velocities, Numbers forces, Numbers potential, Numbers kinetic) = 0;
};

/// An engine that makes steps by itself, without asking the host in between.
class Mover {
 public:
  virtual ~Mover() = default;
  struct Moved {
    bool going;        // false: the next step is the session's to make, which finds and says what is wrong with it
    int64_t searches;  // of neighbours, over all replicas
  };
  /// Moves `state` up to step `last`, under the ensemble of its first step; no farther than the last good step, and ends early once `cancelled`.
  /// Throws what evaluate throws; `state` is then a good step.
  virtual Moved move(const Setup& setup, const Constants& constants, State& state, int64_t last, const std::atomic<bool>& cancelled, Notes& notes) = 0;
};

}  // namespace painnless
