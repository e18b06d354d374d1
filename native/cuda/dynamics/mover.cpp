#include "mover.h"

#include <limits>

namespace painnless::cuda {
namespace {

constexpr int many = 16;        // steps of the longer graph
constexpr double more = 1e-12;  // sums in another order may differ by less: a guard on the card may speak too early, never too late

/// Whole warps, at most what the kernels are compiled for; from the atoms of one replica alone, as sums depend on it.
int threads_for(size_t atoms) { return static_cast<int>(std::min<size_t>((atoms + 31) / 32 * 32, most_step_threads)); }

int64_t with_frames(int64_t step) { return std::max<int64_t>(step, -1); }  // equilibration has none

/// All replicas as one batch.
struct Replicas {
  std::vector<int32_t> numbers, offsets{0};
  std::vector<double> cells;
  std::vector<uint8_t> pbc;
  explicit Replicas(const Setup& setup) {
    for (int r = 0; r < setup.replicas; r++) {
      numbers.insert(numbers.end(), setup.numbers.begin(), setup.numbers.end());
      cells.insert(cells.end(), setup.cell.begin(), setup.cell.end());
      pbc.insert(pbc.end(), setup.pbc.begin(), setup.pbc.end());
      offsets.push_back(static_cast<int32_t>(numbers.size()));
    }
  }
  Batch at(const std::vector<double>& positions) const { return {numbers, positions, offsets, cells, pbc}; }
};

}  // namespace

CardMover::CardMover(Device& device, Programs& programs, Evaluator& evaluator, int chunk_steps)
    : device_(device), programs_(programs), evaluator_(evaluator), chunk_steps_(chunk_steps) {
  for (auto& mark : marks_) mark = device.create_mark();
}

Mover::Moved CardMover::move(const Setup& setup, const Constants& constants, State& state, int64_t last, const std::atomic<bool>& cancelled, Notes& notes) {
  Moved moved;
  try {
    evaluator_.or_as_before([&] { moved = steps(setup, constants, state, last, cancelled, notes); });
  } catch (const OutOfMemory&) {
    recorded_ = std::nullopt, one_.reset(), many_.reset();
    memory_ = {}, mirror_ = {};
    throw;
  }
  return moved;
}

Mover::Moved CardMover::steps(const Setup& setup, const Constants& constants, State& state, int64_t last, const std::atomic<bool>& cancelled, Notes& notes) {
  const Replicas replicas(setup);
  const Chunks chunks(setup, chunk_steps_);
  const bool conserves = setup.ensemble_at(state.step) == Ensemble::nve;
  undefined_.assign(state.potential.size(), std::numeric_limits<double>::quiet_NaN());
  lay_out(setup, chunks);
  Moved moved{.going = true, .searches = 0};
  while (moved.going && state.step < last && !cancelled.load(std::memory_order_relaxed)) {
    const Batch batch = replicas.at(state.positions);
    const Evaluator::Places places = evaluator_.prepare(batch, setup.limits.distance, setup.skin);
    record(batch, {setup.replicas, setup.atoms(), chunks, places});
    send(setup, constants, state, chunks);
    const Progress end = run(state.step, last, chunks.steps, cancelled, notes, conserves);
    moved.searches += int64_t{end.searches} * setup.replicas;
    fetch(state, end);
    if (end.alarm == too_many_edges || end.alarm == outgrown)
      evaluator_.grow(batch, end.found, places.skin);  // and that step is made again
    else
      moved.going = end.alarm == 0;
  }
  return moved;
}

void CardMover::lay_out(const Setup& setup, const Chunks& chunks) {
  const auto take = [&](RunMemory& memory, Address begin) {
    Arena arena(begin);
    sent_bytes_ = memory.lay_out(arena, setup, chunks);
    return arena.bytes();
  };
  const size_t bytes = take(card_, 0);
  if (bytes > memory_.bytes()) {
    recorded_ = std::nullopt;
    memory_ = {}, mirror_ = {};
    Buffer memory(device_, bytes);
    Pinned mirror(device_, bytes);
    memory_ = std::move(memory), mirror_ = std::move(mirror);  // both or none
    device_.fill(memory_.begin(), 0, bytes);  // rows of steps that an alarm kept from being made are fetched as well, and read by nobody
  }
  take(card_, memory_.begin());
  take(host_, reinterpret_cast<Address>(mirror_.begin()));
}

/// One step and many, unless they are recorded already.
void CardMover::record(const Batch& batch, const Recorded& wanted) {
  if (recorded_ == wanted) return;
  recorded_ = std::nullopt;
  const StepArguments<double> arguments{.run = card_.run,
                                        .half_kick = card_.half_kick,
                                        .spread = card_.spread,
                                        .masses = card_.masses,
                                        .progress = card_.progress,
                                        .now = card_.now,
                                        .before = card_.before,
                                        .parts = card_.parts,
                                        .ended = card_.ended,
                                        .records = card_.records,
                                        .frames = card_.frames,
                                        .evaluated = wanted.places.positions,
                                        .sizes = wanted.places.sizes,
                                        .energies = wanted.places.energies,
                                        .forces = wanted.places.forces};
  const Grid grid{static_cast<unsigned>(wanted.replicas), static_cast<unsigned>(parts_of(wanted.atoms))};
  const int threads = threads_for(wanted.atoms);
  const auto record_steps = [&](int count) {
    return evaluator_.record([&] {
      const auto launch = [&](auto kernel) { programs_.launch(kernel, grid, threads, 0, arguments); };
      launch(kernels::begin_step);
      for (int k = 1; k <= count; k++) {
        evaluator_.launch(batch, wanted.places.skin);
        if (k == count) launch(kernels::end_step);
        else if (grid.x * grid.y == 1) launch(kernels::next_step);
        else launch(kernels::end_step), launch(kernels::begin_step);
      }
    });
  };
  one_ = record_steps(1);
  many_ = record_steps(many);
  recorded_ = wanted;
}

void CardMover::send(const Setup& setup, const Constants& constants, const State& state, const Chunks& chunks) {
  const Ensemble ensemble = setup.ensemble_at(state.step);
  const int n = static_cast<int>(setup.atoms());
  const auto ring = [](const double* on_card, double* on_host, size_t numbers, int rows, int64_t every, int64_t step) {
    return Ring{on_card, on_host, numbers, rows, every, every == 0 ? 0 : multiples_up_to(step, every)};
  };
  records_ = ring(card_.records, host_.records, record_numbers(setup), chunks.record_rows, setup.record_every, state.step);
  frames_ = ring(card_.frames, host_.frames, frame_numbers(setup), chunks.frame_rows, setup.frame_every, with_frames(state.step));
  *host_.run = {.replicas = setup.replicas,
                .atoms = n,
                .langevin = ensemble == Ensemble::langevin,
                .rescales = ensemble == Ensemble::csvr,
                .internal = constants.internal,
                .freedoms = std::max(1, ensemble == Ensemble::langevin ? 3 * n : constants.internal),
                .timestep = setup.timestep,
                .thermal_energy = setup.thermal_energy,
                .kept = constants.kept,
                .renewed = constants.renewed,
                .relaxed = constants.relaxed,
                .displacement = setup.limits.displacement,
                .force = setup.limits.force,
                .temperature = setup.limits.temperature * (1 - more),
                .record_every = setup.record_every,
                .frame_every = setup.frame_every,
                .records_before = records_.before,
                .frames_before = frames_.before,
                .record_rows = chunks.record_rows,
                .frame_rows = chunks.frame_rows,
                .seed = setup.seed};
  *host_.progress = {.step = state.step, .making = state.step, .moving = 0, .alarm = 0, .found = 0, .searches = 0};
  const auto copy = [](double* to, const std::vector<double>& from) { std::copy(from.begin(), from.end(), to); };
  std::fill_n(host_.ended, replicas(), 0);
  copy(host_.half_kick, constants.half_kick), copy(host_.spread, constants.spread), copy(host_.masses, setup.masses);
  copy(host_.now.positions, state.positions), copy(host_.now.velocities, state.velocities), copy(host_.now.forces, state.forces);
  copy(host_.now.potential, state.potential), copy(host_.now.heat, state.heat);
  device_.upload(memory_.begin(), mirror_.begin(), sent_bytes_);
}

/// Steps of a run that was sent, two chunks under way at a time; what the last one reports.
Progress CardMover::run(int64_t first, int64_t last, int64_t steps_of_chunk, const std::atomic<bool>& cancelled, Notes& notes, bool conserves) {
  Progress end{};
  const auto after = [&](int64_t step, int slot) { return queue({step, std::min(last, step + steps_of_chunk), slot}); };
  for (std::optional<Chunk> chunk = after(first, 0); chunk;) {
    std::optional<Chunk> next;
    if (chunk->last < last && !cancelled.load(std::memory_order_relaxed)) next = after(chunk->last, 1 - chunk->slot);
    device_.wait_for(*marks_[chunk->slot]);
    end = host_.reports[chunk->slot];
    note(*chunk, end.alarm == 0 ? end.step : end.step - 1, notes, conserves);
    chunk = end.alarm == 0 ? next : std::nullopt;  // after an alarm nothing has moved
  }
  return end;
}

CardMover::Chunk CardMover::queue(Chunk chunk) {
  const Range range("chunk");
  int64_t steps = chunk.last - chunk.first;
  for (; steps >= many; steps -= many) device_.replay(*many_);
  for (; steps > 0; steps--) device_.replay(*one_);
  records_.fetch(device_, chunk.first, chunk.last);
  frames_.fetch(device_, with_frames(chunk.first), with_frames(chunk.last));
  device_.download(host_.reports + chunk.slot, reinterpret_cast<Address>(card_.progress), sizeof(Progress));
  device_.mark(*marks_[chunk.slot]);
  return chunk;
}

/// What the steps of a chunk up to the good one `last` have left.
void CardMover::note(const Chunk& chunk, int64_t last, Notes& notes, bool conserves) {
  const Range range("records");
  const auto part = [](const double* row, size_t at, size_t count) { return Numbers(row + at, count); };
  const size_t r = replicas(), n = entries();
  records_.visit(chunk.first, last, [&](int64_t step, const double* row) {
    notes.record(step, part(row, 0, r), part(row, r, r), part(row, 2 * r, r), conserves ? part(row, 3 * r, r) : Numbers(undefined_));
  });
  frames_.visit(with_frames(chunk.first), with_frames(last), [&](int64_t step, const double* row) {
    notes.frame(step, part(row, 0, n), part(row, n, n), part(row, 2 * n, n), part(row, 3 * n, r), part(row, 3 * n + r, r));
  });
}

/// The last good step.
void CardMover::fetch(State& state, const Progress& end) {
  const StepState &from = end.alarm == 0 ? card_.now : card_.before, &to = end.alarm == 0 ? host_.now : host_.before;
  device_.download(to.positions, reinterpret_cast<Address>(from.positions), (3 * entries() + 2 * replicas()) * sizeof(double));
  device_.wait();
  const auto copy = [](std::vector<double>& into, const double* numbers) { std::copy_n(numbers, into.size(), into.begin()); };
  copy(state.positions, to.positions), copy(state.velocities, to.velocities), copy(state.forces, to.forces);
  copy(state.potential, to.potential), copy(state.heat, to.heat);
  state.step = end.alarm == 0 ? end.step : end.step - 1;
}

}  // namespace painnless::cuda
