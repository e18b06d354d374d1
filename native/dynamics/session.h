#pragma once
// A run under way: many steps a call with an engine's forces, or half steps with anybody's.
#include <atomic>

#include "../engine.h"
#include "stretch.h"

namespace painnless {

class Session {
 public:
  /// Stands at `start`, which holds forces and potential of its positions. Without velocities they are drawn. `report_start`: the first
  /// stretch notes the step of `start` too.
  Session(Setup setup, State start, bool report_start);
  Session(const Session&) = delete;

  const State& state() const { return state_; }
  int freedoms() const { return motion_.freedoms(0); }

  /// Up to `steps` steps, made by the engine itself where it can; ends early once `cancelled`. What the engine refuses is a stop. Allocates before
  /// the first step alone. Throws what else the engine throws; the session then stands at its last good step.
  Stretch advance(Engine& engine, int64_t steps, const std::atomic<bool>& cancelled);

  /// The same by hand: open, then for each step first_half and second_half with the forces (R, n, 3) and energies (R) of state().positions,
  /// then close. Each says whether the run can go on. `give_up` goes back to the last good step.
  bool open(int64_t steps);
  bool first_half();
  bool second_half(std::span<const double> potential, std::span<const double> forces);
  void give_up() { state_ = good_; }
  Stretch close();

 private:
  bool move(Mover& mover, int64_t last, const std::atomic<bool>& cancelled);
  bool step(Engine& engine);
  bool halt(std::optional<Stop> stop);
  int64_t searches() const;

  Setup setup_;
  State state_, good_;  // as it is, and at the last good step
  Motion motion_;
  Guards guards_;
  bool report_;
  std::vector<double> modified_;  // (R) of the step that led to where it stands
  Stretch stretch_;
  std::vector<int32_t> numbers_, offsets_;  // the replicas as one batch
  std::vector<double> cells_;
  std::vector<uint8_t> pbc_;
  std::vector<KeptNeighbors> kept_;
  int64_t moved_searches_ = 0;
  Evaluation evaluation_;
};

}  // namespace painnless
