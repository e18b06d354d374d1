// The CPU engine for one instruction set (PAINNLESS_ISA): neighbours, units of work, the network, results.
#include <atomic>
#include <chrono>
#include <numeric>
#include <string>

#include "../neighbors/basis.h"
#include "../neighbors/curve.h"
#include "../neighbors/kept.h"
#include "distiller.h"
#include "engine.h"
#include "painn.h"

namespace painnless::PAINNLESS_ISA {

namespace {

constexpr int joint_atoms = 256;  // a structure of more atoms is shared by all threads; smaller ones are dealt out whole
constexpr int chunk_atoms = 64;   // structures up to here are put together to some so many; the atoms of larger ones are worked on in the order of a curve through space

/// Structures [begin, end) with their atoms and pairs.
struct Chunk {
  int begin, end, atoms, pairs;
};

template <class Network, class Real> class CpuEngine final : public Engine {
 public:
  CpuEngine(const Config& config, const Tensors& tensors, const CpuOptions& options)
      : config_(config), options_(options), network_(Weights(config, tensors), options.precision == Precision::f32), team_(options.threads), solo_(team_.size()) {
    searches_.resize(team_.size());
  }

  void evaluate(const Batch& batch, Want want, Evaluation& result, std::span<KeptNeighbors> kept) override {
    const int structures = batch.structures();
    result.net_energy.assign(structures, 0);
    result.energies.assign(batch.atoms(), 0);
    result.forces.assign(want.forces ? 3 * static_cast<size_t>(batch.atoms()) : 0, 0);
    result.stress.assign(want.stress ? 6 * static_cast<size_t>(structures) : 0, 0);
    result.edges.assign(structures, 0);
    if (lists_.size() < static_cast<size_t>(structures)) lists_.resize(structures);

    deal(structures, [&](int s, int thread) {
      const int first = batch.offsets[s], count = batch.offsets[s + 1] - first;
      const auto search = [&](auto& neighbors) {
        neighbors.search(batch.positions.subspan(3 * static_cast<size_t>(first), 3 * static_cast<size_t>(count)),
                         batch.cells.subspan(9 * static_cast<size_t>(s), 9), batch.pbc.subspan(3 * static_cast<size_t>(s), 3), config_.cutoff,
                         config_.edge_at_cutoff, lists_[s]);
      };
      kept.empty() ? search(searches_[thread]) : search(kept[s]);
      result.edges[s] = static_cast<int32_t>(lists_[s].senders.size());
    });

    plan_chunks(batch);
    if (chunks_.size() == 1) {
      work_together(batch, want, chunks_[0], result);
      return;
    }
    deal(static_cast<int>(chunks_.size()), [&](int c, int thread) {
      if (chunks_[c].atoms <= joint_atoms) work_alone(batch, want, chunks_[c], solo_[thread], result);
    });
    for (const Chunk& chunk : chunks_)
      if (chunk.atoms > joint_atoms) work_together(batch, want, chunk, result);
  }

  Plan plan(int atoms, int pairs) const override {
    const Schedule schedule = schedule_for(atoms, team_.size());
    const size_t bytes = Arena::count([&](Arena& arena) {
      Workspace scratch;
      lay_out(arena, scratch, schedule, atoms, pairs);
    });
    return CpuPlan{options_.instruction_set, team_.size(), network_.filters.tabulated(), network_.filters.intervals(), schedule.keep_activations,
            network_.weight_bytes(), static_cast<double>(bytes)};
  }

 private:
  struct Workspace {
    Arena arena;
    SpaceCurve curve;
    Unit<Real> unit;
    typename Network::Activations activations;
  };

  /// item(index, thread) for every index, in any order, one thread taking the next when it is done with the last.
  template <class Item> void deal(int count, Item item) {
    if (count <= 1 || team_.size() == 1) {
      for (int i = 0; i < count; ++i) item(i, 0);
      return;
    }
    std::atomic<int> next{0};
    team_.run([&](int thread) {
      for (int i; (i = next.fetch_add(1)) < count;) item(i, thread);
    });
  }

  /// Small structures in parts of nearly equal size, as many for each thread; larger ones by themselves.
  void plan_chunks(const Batch& batch) {
    const auto atoms_of = [&](int s) { return batch.offsets[s + 1] - batch.offsets[s]; };
    int total = 0, small = 0;
    for (int s = 0; s < batch.structures(); ++s)
      if (atoms_of(s) <= chunk_atoms) total += atoms_of(s), ++small;
    const int workers = small < team_.size() ? 1 : team_.size();  // fewer than there are threads are worked on together
    const double part_atoms = static_cast<double>(total) / (workers * ((total - 1) / (workers * chunk_atoms) + 1));

    chunks_.clear();
    int part = -1, before = 0;  // part of the last chunk, or -1 where it takes no more; atoms of small structures so far
    for (int s = 0; s < batch.structures(); ++s) {
      const int atoms = atoms_of(s), pairs = pair_count(lists_[s]);
      const int own_part = atoms <= chunk_atoms ? static_cast<int>((before + 0.5 * atoms) / part_atoms) : -1;
      if (own_part >= 0 && own_part == part) {
        Chunk& last = chunks_.back();
        last = {last.begin, s + 1, last.atoms + atoms, last.pairs + pairs};
      } else {
        chunks_.push_back({s, s + 1, atoms, pairs});
      }
      part = own_part;
      if (part >= 0) before += atoms;
    }
  }

  Schedule schedule_for(int atoms, int threads) const { return {threads, network_.kept_bytes(atoms) <= options_.activation_bytes}; }

  void lay_out(Arena& arena, Workspace& work, const Schedule& schedule, int atoms, int pairs) const {
    work.unit.lay_out(arena, network_.filters, network_.layers, schedule.threads, atoms, pairs);
    network_.lay_out(arena, schedule, atoms, work.activations);
  }

  void load(const Batch& batch, const Chunk& chunk, const Schedule& schedule, Workspace& work) const {
    work.arena.arrange([&](Arena& arena) { lay_out(arena, work, schedule, chunk.atoms, chunk.pairs); });
    Unit<Real>& unit = work.unit;
    unit.atoms = chunk.atoms;
    unit.pairs.count = 0;
    for (int s = chunk.begin; s < chunk.end; ++s) {
      const int first = batch.offsets[s], place0 = first - batch.offsets[chunk.begin];
      const size_t atoms = batch.offsets[s + 1] - first;
      const std::span atom_at(unit.atom_at + place0, atoms), place_of(unit.place_of + place0, atoms);
      if (atoms > static_cast<size_t>(chunk_atoms)) {
        work.curve.arrange(batch.positions.subspan(3 * static_cast<size_t>(first), 3 * atoms), batch.cells.subspan(9 * static_cast<size_t>(s), 9),
                           batch.pbc.subspan(3 * static_cast<size_t>(s), 3), config_.cutoff / 2, atom_at, place_of);
      } else {
        std::iota(atom_at.begin(), atom_at.end(), 0);
        std::iota(place_of.begin(), place_of.end(), 0);
      }
      for (size_t place = 0; place < atoms; ++place) unit.numbers[place0 + place] = batch.numbers[first + atom_at[place]];
      unit.pairs.add(lists_[s], atom_at, place_of, place0, network_.direction_eps);
    }
  }

  void compute(const Share& share, const Schedule& schedule, Want want, Workspace& work) const {
    const Unit<Real>& unit = work.unit;
    network_.filters.prepare(unit.inputs, unit.pairs.distance, unit.pair_begin(share, share.thread), unit.pair_begin(share, share.thread + 1));
    const bool backward = want.forces || want.stress;
    network_.compute(share, schedule, unit, work.activations, backward);
    if (!backward) return;
    unit.pair_gradients(share, network_.filters.granules(), network_.direction_eps);
  }

  void work_alone(const Batch& batch, Want want, const Chunk& chunk, Workspace& work, Evaluation& result) {
    const Schedule schedule = schedule_for(chunk.atoms, 1);
    load(batch, chunk, schedule, work);
    Barrier alone(1);
    compute(Share(0, 1, false, chunk.atoms, &alone), schedule, want, work);
    collect(batch, want, chunk, work.unit, result);
  }

  void work_together(const Batch& batch, Want want, const Chunk& chunk, Evaluation& result) {
    const int threads = team_.useful_threads(chunk.atoms);
    team_.timed(chunk.atoms, [&] { threads == 1 ? work_alone(batch, want, chunk, joint_, result) : work_on(threads, batch, want, chunk, joint_, result); });
  }

  void work_on(int threads, const Batch& batch, Want want, const Chunk& chunk, Workspace& work, Evaluation& result) {
    const Schedule schedule = schedule_for(chunk.atoms, threads);
    load(batch, chunk, schedule, work);
    const bool by_columns = schedule.by_columns(chunk.atoms);
    team_.run_meeting([&](int thread) { compute(Share(thread, threads, by_columns, chunk.atoms, &team_.barrier()), schedule, want, work); });
    collect(batch, want, chunk, work.unit, result);
  }

  /// Energies, forces (T34) and stress (T35, T36) of a finished unit, in the order of atoms and pairs, in double.
  void collect(const Batch& batch, Want want, const Chunk& chunk, const Unit<Real>& unit, Evaluation& result) const {
    const double scale = config_.energy_unit;
    int pair = 0;
    for (int s = chunk.begin; s < chunk.end; ++s) {
      const int first = batch.offsets[s], place0 = first - batch.offsets[chunk.begin], atoms = batch.offsets[s + 1] - first;
      for (int i = 0; i < atoms; ++i) {
        const double energy = scale * unit.energies[place0 + unit.place_of[place0 + i]];
        result.energies[first + i] = energy;
        result.net_energy[s] += energy;
      }
      double virial[9] = {};
      for (const int end = pair + pair_count(lists_[s]); pair < end; ++pair) {
        if (!want.forces && !want.stress) continue;
        const double *r = unit.pairs.vector + 3 * static_cast<size_t>(pair), *gradient = unit.gradient + 3 * static_cast<size_t>(pair);
        if (want.forces) {
          double* to = &result.forces[3 * static_cast<size_t>(first + unit.atom_at[unit.pairs.first[pair]])];
          double* from = &result.forces[3 * static_cast<size_t>(first + unit.atom_at[unit.pairs.second[pair]])];
          for (int k = 0; k < 3; ++k) {
            const double g = scale * gradient[k];
            to[k] += g;
            from[k] -= PAINNLESS_FAULT("sender's force dropped", 0.0, g);
          }
        }
        if (want.stress)
          for (int k = 0; k < 9; ++k) virial[k] += scale * r[k / 3] * gradient[k % 3];
      }
      if (want.stress) write_stress(virial, batch.cells.subspan(9 * static_cast<size_t>(s), 9), &result.stress[6 * static_cast<size_t>(s)]);
    }
  }

  static void write_stress(const double* virial, std::span<const double> c, double* voigt) {
    const double volume = cell_volume(c);
    if (volume == 0) return;
    constexpr int order[6][2] = {{0, 0}, {1, 1}, {2, 2}, {1, 2}, {0, 2}, {0, 1}};
    for (int k = 0; k < 6; ++k) voigt[k] = (virial[3 * order[k][0] + order[k][1]] + virial[3 * order[k][1] + order[k][0]]) / (2 * volume);
  }

  Config config_;
  CpuOptions options_;
  Network network_;
  Team team_;
  std::vector<NeighborSearch> searches_;
  std::vector<NeighborList> lists_;
  std::vector<Chunk> chunks_;
  Workspace joint_;
  std::vector<Workspace> solo_;  // per thread
};

template <class Real> std::unique_ptr<Engine> make(const Config& config, const Tensors& tensors, const CpuOptions& options) {
  if (config.architecture == Architecture::painn) return std::make_unique<CpuEngine<Painn<Real>, Real>>(config, tensors, options);
  return std::make_unique<CpuEngine<Distiller<Real>, Real>>(config, tensors, options);
}

/// Independent multiply-adds on registers alone.
template <class Real> double peak_of() {
  constexpr int chains = 12, repeats = 200'000;
  double best = 0;
  for (int attempt = 0; attempt < 10; ++attempt) {
    Vec<Real> sum[chains], factor = splat(Real(1.0000001)), term = splat(Real(1e-9));
    for (int c = 0; c < chains; ++c) sum[c] = splat(Real(c));  // equal chains would be computed once
    const auto start = std::chrono::steady_clock::now();
    for (int r = 0; r < repeats; ++r) {
      asm volatile("" : "+x"(factor), "+x"(term));  // keeps the loop from being computed ahead
#pragma GCC unroll 16
      for (int c = 0; c < chains; ++c) sum[c] = fma(factor, term, sum[c]);
    }
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    for (int c = 0; c < chains; ++c) asm volatile("" ::"x"(sum[c]));
    best = std::max(best, 2.0 * repeats * chains * width<Real> / seconds);
  }
  return best;
}

}  // namespace

std::unique_ptr<Engine> make_engine(const Config& config, const Tensors& tensors, const CpuOptions& options) {
  return options.precision == Precision::f32 ? make<float>(config, tensors, options) : make<double>(config, tensors, options);
}

double peak(Precision precision) { return precision == Precision::f32 ? peak_of<float>() : peak_of<double>(); }

}  // namespace painnless::PAINNLESS_ISA
