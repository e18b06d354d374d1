#pragma once
// What a run is: its constants and its state. Units: Å, fs, eV, eV/Å; masses in eV fs^2/Å^2, so that F / m is in Å/fs^2 and m v^2 in eV.
#include <cstddef>
#include <cstdint>
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
};

/// Everything that changes: with the setup and the potential it determines all that follows, to the last bit.
struct State {
  int64_t step;
  std::vector<double> positions, velocities, forces;  // (R, n, 3); positions are never wrapped into the cell
  std::vector<double> potential;                      // (R)
  std::vector<double> heat;                           // (R) what the thermostat has put in
};

}  // namespace painnless
