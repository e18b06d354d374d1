#include "session.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace painnless {
namespace {

State with_velocities(State start, const Setup& setup) {
  if (!start.velocities.empty()) return start;
  start.velocities.resize(start.positions.size());
  Motion(setup, start.positions.data()).draw_velocities(start);
  return start;
}

template <class Value> void append(std::vector<Value>& to, const std::vector<Value>& from) { to.insert(to.end(), from.begin(), from.end()); }

}  // namespace

Session::Session(Setup setup, State start, bool report_start)
    : setup_(std::move(setup)),
      state_(with_velocities(std::move(start), setup_)),
      good_(state_),
      motion_(setup_, state_.positions.data()),
      guards_(setup_, motion_),
      report_(report_start),
      modified_(static_cast<size_t>(setup_.replicas), none) {
  offsets_.push_back(0);
  for (int r = 0; r < setup_.replicas; r++) {
    append(numbers_, setup_.numbers);
    append(cells_, setup_.cell);
    append(pbc_, setup_.pbc);
    offsets_.push_back(static_cast<int32_t>(numbers_.size()));
    kept_.emplace_back(setup_.skin);
  }
}

Stretch Session::advance(Engine& engine, int64_t steps, const std::atomic<bool>& cancelled) {
  const auto start = std::chrono::steady_clock::now();
  const auto wanted = [&](int64_t last) { return state_.step < last && !cancelled.load(std::memory_order_relaxed); };
  const int64_t before = searches();
  Mover* const mover = engine.mover(setup_);
  bool going = open(steps);
  try {
    for (const int64_t last = state_.step + steps; going && wanted(last);) {
      if (mover && move(*mover, last, cancelled)) continue;
      if (wanted(last)) going = step(engine);
    }
  } catch (const InputError& error) {
    if (error.code != "BAD_STRUCTURE") {
      give_up();
      throw;
    }
    halt(Stop{.reason = "refused", .step = good_.step + 1, .detail = error.what()});
  } catch (...) {
    give_up();
    throw;
  }
  stretch_.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  stretch_.searches = searches() - before;
  return close();
}

/// As many steps as the engine makes by itself. False: the next one is ours.
bool Session::move(Mover& mover, int64_t last, const std::atomic<bool>& cancelled) {
  const int64_t reach = state_.step < 0 ? std::min<int64_t>(last, -1) : last;  // step 0 ends equilibration, which no mover knows
  if (state_.step >= reach) return false;
  good_ = state_;
  const Mover::Moved moved = mover.move(setup_, motion_.constants(), good_, reach, cancelled, stretch_);
  state_ = good_;
  moved_searches_ += moved.searches;
  return moved.going;
}

bool Session::step(Engine& engine) {
  if (!first_half()) return false;
  engine.evaluate({numbers_, state_.positions, offsets_, cells_, pbc_}, {.forces = true, .stress = false}, evaluation_, kept_);
  return second_half(evaluation_.net_energy, evaluation_.forces);
}

bool Session::open(int64_t steps) {
  stretch_.stop = std::nullopt;  // the rest is there if a call before this one threw
  stretch_.reserve(setup_, state_, state_.step + steps);
  if (!std::exchange(report_, false)) return true;
  stretch_.note(setup_, motion_, state_, modified_);
  return !halt(guards_.positions(state_, state_)) && !halt(guards_.forces(state_, state_)) && !halt(guards_.velocities(state_, state_));
}

bool Session::first_half() {
  good_ = state_;
  motion_.first_half(state_);
  return !halt(guards_.positions(state_, good_));
}

bool Session::second_half(std::span<const double> potential, std::span<const double> forces) {
  state_.potential.assign(potential.begin(), potential.end());
  state_.forces.assign(forces.begin(), forces.end());
  if (halt(guards_.forces(state_, good_))) return false;
  for (int r = 0; r < setup_.replicas; r++) modified_[r] = motion_.modified(good_, state_, r);
  motion_.second_half(state_);
  if (halt(guards_.velocities(state_, good_))) return false;
  stretch_.note(setup_, motion_, state_, modified_);
  return true;
}

Stretch Session::close() { return std::exchange(stretch_, {}); }

bool Session::halt(std::optional<Stop> stop) {
  if (!stop) return false;
  state_ = good_;
  stretch_.stop = std::move(stop);
  return true;
}

int64_t Session::searches() const {
  int64_t sum = moved_searches_;
  for (const KeptNeighbors& kept : kept_) sum += kept.searches();
  return sum;
}

}  // namespace painnless
