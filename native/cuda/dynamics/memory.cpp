#include "memory.h"

#include <algorithm>

namespace painnless::cuda {
namespace {

constexpr int64_t chunk_atoms = 40'000;  // that move in a chunk: some 20 ms of an H100, in which a run can be interrupted
constexpr size_t most_ring_bytes = 16 << 20;  // of a chunk, unless one row is larger

size_t all_atoms(const Setup& setup) { return static_cast<size_t>(setup.replicas) * setup.atoms(); }

/// Steps of which one chunk's rows have room.
int64_t fitting(int64_t every, size_t row_numbers, int64_t most_steps) {
  if (every == 0) return most_steps;
  return std::min(most_steps, every) * static_cast<int64_t>(std::max<size_t>(1, most_ring_bytes / (row_numbers * sizeof(double))));
}

/// Of two chunks.
int rows(int64_t steps, int64_t every) { return every == 0 ? 0 : static_cast<int>(2 * ((steps + every - 1) / every)); }

StepState take_state(Arena& arena, const Setup& setup) {
  const size_t atoms = 3 * all_atoms(setup), replicas = static_cast<size_t>(setup.replicas);
  auto* numbers = arena.take<double>(state_numbers(setup));
  const auto cut = [&](size_t count) {
    double* const part = numbers;
    numbers = reinterpret_cast<double*>(reinterpret_cast<Address>(numbers) + count * sizeof(double));
    return part;
  };
  StepState state;
  state.positions = cut(atoms), state.velocities = cut(atoms), state.forces = cut(atoms);
  state.potential = cut(replicas), state.heat = cut(replicas);
  return state;
}

}  // namespace

Chunks::Chunks(const Setup& setup, int64_t most_steps)
    : steps(std::min({std::clamp(chunk_atoms / static_cast<int64_t>(all_atoms(setup)), int64_t{1}, most_steps),
                      fitting(setup.record_every, record_numbers(setup), most_steps), fitting(setup.frame_every, frame_numbers(setup), most_steps)})),
      record_rows(rows(steps, setup.record_every)),
      frame_rows(rows(steps, setup.frame_every)) {}

size_t RunMemory::lay_out(Arena& arena, const Setup& setup, const Chunks& chunks) {
  const size_t n = setup.atoms();
  run = arena.take<RunConstants>(1);
  half_kick = arena.take<double>(n), spread = arena.take<double>(n), masses = arena.take<double>(n);
  ended = arena.take<int>(static_cast<size_t>(setup.replicas));
  progress = arena.take<Progress>(1);
  now = take_state(arena, setup);
  const size_t sent = arena.bytes();
  before = take_state(arena, setup);
  parts = arena.take<double>(static_cast<size_t>(setup.replicas) * static_cast<size_t>(parts_of(n)) * step_sums);
  records = arena.take<double>(static_cast<size_t>(chunks.record_rows) * record_numbers(setup));
  frames = arena.take<double>(static_cast<size_t>(chunks.frame_rows) * frame_numbers(setup));
  reports = arena.take<Progress>(2);
  return sent;
}

int parts_of(size_t atoms) { return static_cast<int>((atoms + most_step_threads - 1) / most_step_threads); }

size_t state_numbers(const Setup& setup) { return 9 * all_atoms(setup) + 2 * static_cast<size_t>(setup.replicas); }
size_t record_numbers(const Setup& setup) { return 4 * static_cast<size_t>(setup.replicas); }
size_t frame_numbers(const Setup& setup) { return 9 * all_atoms(setup) + 2 * static_cast<size_t>(setup.replicas); }

}  // namespace painnless::cuda
