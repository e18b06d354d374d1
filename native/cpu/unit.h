#pragma once
// A unit of work: some structures that are evaluated together, and what every network needs for them.
#include "layers/message.h"

namespace painnless::PAINNLESS_ISA {

constexpr int row_block = 48;                  // atoms whose activations stay in the second-level cache from product to product
constexpr double kept_filter_bytes = 2 << 20;  // filters of all layers are kept up to here; beyond, making them again is faster

/// How a unit is worked on; the same bits come out whatever it says.
struct Schedule {
  int threads;
  bool keep_activations;
  bool by_columns(int atoms) const { return threads > 1 && keep_activations && atoms < 16 * threads; }
  /// Rows of a block, and how many blocks are in the making at a time.
  int block_rows(int atoms) const { return by_columns(atoms) ? atoms : std::min(atoms, row_block); }
  int blocks(int atoms) const { return by_columns(atoms) ? 1 : threads; }
};

/// Calls work(first row, rows, block) for this thread's rows, a cacheful at a time; `blocks` as many as the schedule says.
template <class Block, class Work> void each_block(const Share& share, const Schedule& schedule, int atoms, std::vector<Block>& blocks, Work work) {
  const int rows = schedule.block_rows(atoms);
  Block& block = blocks[share.by_columns ? 0 : share.thread];
  for (int row = share.row0; row < share.row1; row += rows) work(static_cast<size_t>(row), std::min(rows, share.row1 - row), block);
}

/// This thread's part of copying `count` blocks of padded features a row: from from(i) to to + i * row.
template <class Real, class From> void copy_rows(const Share& share, int features, int count, From from, Real* to, int row) {
  const Columns mine = share.columns<Real>(1, features);
  for (size_t i = share.row0; i < static_cast<size_t>(share.row1); ++i) {
    const Real* source = from(i);
    for (int block = 0; block < count; ++block)
      for (int c = block * features + mine.begin; c < block * features + mine.end; c += width<Real>) store(to + i * row + c, load(source + c));
  }
}

/// (max_z + 1, F) the scalars each element begins with (T13), padded.
template <class Real> AlignedArray<Real> embedding_table(const Weights& weights) {
  const int f = weights.config.features, rows = weights.config.max_z + 1;
  AlignedArray<Real> table(static_cast<size_t>(rows) * padded(f));
  for (int z = 0; z < rows; ++z)
    for (int c = 0; c < f; ++c) table[static_cast<size_t>(z) * padded(f) + c] = static_cast<Real>(weights.embedding[static_cast<size_t>(z) * f + c]);
  return table;
}

template <class Real> struct Unit {
  int atoms = 0;
  int32_t* numbers = nullptr;   // (atoms), as everything here, in the order of places
  int32_t *atom_at = nullptr, *place_of = nullptr;  // (atoms) atom at each place and place of each atom, counted from its structure's first
  Pairs<Real> pairs;
  FilterInputs<Real> inputs;
  KeptFilters<Real> kept;
  std::vector<EdgeScratch<Real>> edge_scratch;  // per thread
  Real* g_sums = nullptr;       // (granules, pairs, 4) s_e and t_e
  double* gradient = nullptr;   // (pairs, 3) G_e
  double* energies = nullptr;   // (atoms)

  void lay_out(Arena& arena, const Filters<Real>& filters, int layers, int threads, int atom_count, int pair_count) {
    numbers = arena.take<int32_t>(atom_count), atom_at = arena.take<int32_t>(atom_count), place_of = arena.take<int32_t>(atom_count);
    pairs.lay_out(arena, pair_count);
    inputs = filters.lay_out(arena, pair_count);
    const size_t filter_reals = static_cast<size_t>(layers) * filters.granules() * pair_count * filter_row;
    kept = {static_cast<double>(filter_reals) * sizeof(Real) <= kept_filter_bytes ? arena.take<Real>(filter_reals) : nullptr,
            static_cast<size_t>(pair_count), filters.granules()};
    edge_scratch.resize(threads);
    for (auto& scratch : edge_scratch) scratch.lay_out(arena, filters.scratch(pair_block));
    g_sums = arena.take<Real>(static_cast<size_t>(filters.granules()) * pair_count * 4);
    gradient = arena.take<double>(3 * static_cast<size_t>(pair_count));
    energies = arena.take<double>(atom_count);
  }

  EdgeContext<Real> edges(const Filters<Real>& filters, int thread) const {
    return {filters, inputs, kept, pairs, atoms, filters.granules() * granule, edge_scratch[thread]};
  }
  /// First pair of a thread's share of pair-by-pair work.
  int pair_begin(const Share& share, int thread) const { return static_cast<int>(static_cast<int64_t>(pairs.count) * thread / share.threads); }

  /// T22 and T42: G_e from the sums of all granules and layers; delta is 0 in PaiNN.
  void pair_gradients(const Share& share, int granules, double delta) const {
    for (int p = pair_begin(share, share.thread); p < pair_begin(share, share.thread + 1); ++p) {
      double s[4] = {};
      for (int g = 0; g < granules; ++g)
        for (int k = 0; k < 4; ++k) s[k] += g_sums[(static_cast<size_t>(g) * pairs.count + p) * 4 + k];
      const double *r = pairs.vector + 3 * static_cast<size_t>(p), d = pairs.distance[p];
      const double along = (r[0] * s[1] + r[1] * s[2] + r[2] * s[3]) / (d * (d + delta));
      for (int k = 0; k < 3; ++k) gradient[3 * static_cast<size_t>(p) + k] = s[0] * r[k] / d + (s[1 + k] - r[k] * along) / (d + delta);
    }
  }
};

}  // namespace painnless::PAINNLESS_ISA
