#pragma once
// The MLFF-Distiller student on a CPU: the layers in order, then upside down (docs/theory.md, sections 11 to 14).
#include "layers/distiller_message.h"
#include "layers/distiller_update.h"
#include "layers/readout.h"
#include "unit.h"

namespace painnless::PAINNLESS_ISA {

template <class Real> class Distiller {
 public:
  struct Activations {
    Real *sn, *s_bar, *v_bar, *gathered;        // (atoms, 2F) s and n side by side, (atoms, F), (atoms, 3, F), (atoms, 4, F)
    std::vector<Real*> s, v, v_mid;             // per layer: inputs, and vectors after the message
    std::vector<DistillerUpdateSaved<Real>> saved;
    struct Block {
      UpdateScratch<Real> update;
      ReadoutScratch<Real> readout;
    };
    std::vector<Block> blocks;
  };

  Distiller(const Weights& weights, bool tabulate)
      : features(padded(weights.config.features)),
        layers(weights.config.layers),
        direction_eps(weights.config.direction_eps),
        filters(weights, tabulate),
        readout_(weights.readout),
        embedding_(embedding_table<Real>(weights)) {
    for (int t = 0; t < layers; ++t) update_.emplace_back(weights.distiller[t], weights.config.features, t == layers - 1);
  }

  const int features, layers;
  const double direction_eps;
  const Filters<Real> filters;

  double weight_bytes() const {
    double sum = filters.bytes() + readout_.bytes();
    for (const auto& u : update_) sum += packed_bytes<Real>(u.first, u.second, u.first_adjoint, u.second_adjoint);
    return sum;
  }
  /// Activations are always kept: 12F an atom and layer, and the model is for molecules.
  double kept_bytes(int) const { return 0; }

  void lay_out(Arena& arena, const Schedule& schedule, int atoms, Activations& a) const {
    const size_t n = atoms, rows = schedule.block_rows(atoms), v_row = row_stride<Real>(features);
    const auto take = [&](size_t per_atom) { return arena.take<Real>(n * per_atom); };
    a.sn = take(row_stride<Real>(2 * features)), a.s_bar = take(v_row), a.v_bar = take(3 * v_row), a.gathered = take(row_stride<Real>(4 * features));
    a.s.resize(layers), a.v.resize(layers), a.v_mid.resize(layers), a.saved.resize(layers);
    for (int t = 0; t < layers; ++t) {
      a.s[t] = take(v_row), a.v_mid[t] = take(3 * v_row), a.v[t] = t == 0 ? nullptr : take(3 * v_row);
      a.saved[t].lay_out(arena, n, features);
    }
    a.blocks.resize(schedule.blocks(atoms));
    for (auto& block : a.blocks) {
      block.update.lay_out(arena, rows, features);
      readout_.lay_out(arena, rows, block.readout);
    }
  }

  /// One thread's part of an evaluation: energies of the atoms and, if `backward`, g_sums of the pairs.
  void compute(const Share& share, const Schedule& schedule, const Unit<Real>& unit, Activations& a, bool backward) const {
    const size_t v_row = row_stride<Real>(features), sn_row = row_stride<Real>(2 * features);
    embed(share, unit, a);
    for (int t = 0; t < layers; ++t) {
      copy_s(share, a.sn, a.s[t]);  // the message reads s of before it everywhere
      share.meet();
      messages(share, unit, t, a);
      share.meet();
      each_block(share, schedule, unit.atoms, a.blocks, [&](size_t row, int rows, Block& block) {
        Real* next = t + 1 < layers ? a.v[t + 1] + row * 3 * v_row : nullptr;
        update_[t].forward(share, rows, a.sn + row * sn_row, a.v_mid[t] + row * 3 * v_row, block.update.h, a.saved[t].at(row, features), next);
      });
    }
    share.meet_columns();
    each_block(share, schedule, unit.atoms, a.blocks, [&](size_t row, int rows, Block& block) {
      readout_.forward(share, rows, a.sn + row * sn_row, static_cast<int>(sn_row), block.readout, unit.energies + row);
      if (backward) readout_.adjoint(share, rows, block.readout, a.s_bar + row * v_row);
    });
    if (!backward) return;
    for (int t = layers - 1; t >= 0; --t) {
      each_block(share, schedule, unit.atoms, a.blocks, [&](size_t row, int rows, Block& block) {
        update_[t].adjoint(share, rows, a.v_mid[t] + row * 3 * v_row, a.saved[t].at(row, features), block.update, a.s_bar + row * v_row,
                           a.v_bar + row * 3 * v_row);
      });
      share.meet();
      messages_adjoint(share, unit, t, a);
      share.meet();
    }
  }

 private:
  using Block = typename Activations::Block;

  void embed(const Share& share, const Unit<Real>& unit, Activations& a) const {  // T13
    const auto of_element = [&](size_t i) { return embedding_.get() + static_cast<size_t>(unit.numbers[i]) * features; };
    copy_rows(share, features, 1, of_element, a.sn, row_stride<Real>(2 * features));
  }
  void copy_s(const Share& share, const Real* sn, Real* s) const {
    copy_rows(share, features, 1, [&](size_t i) { return sn + i * row_stride<Real>(2 * features); }, s, row_stride<Real>(features));
  }
  void messages(const Share& share, const Unit<Real>& unit, int t, Activations& a) const {
    const auto edges = unit.edges(filters, share.thread);
    for (int g = share.thread; g < filters.granules(); g += share.threads)
      if (t == 0)
        DistillerMessage<Real, true>{edges, t, g}.forward(a.s[t], a.v[t], a.sn, a.v_mid[t]);
      else
        DistillerMessage<Real, false>{edges, t, g}.forward(a.s[t], a.v[t], a.sn, a.v_mid[t]);
  }
  void messages_adjoint(const Share& share, const Unit<Real>& unit, int t, Activations& a) const {
    const auto edges = unit.edges(filters, share.thread);
    for (int g = share.thread; g < filters.granules(); g += share.threads) {
      Real* sums = unit.g_sums + static_cast<size_t>(g) * unit.pairs.count * 4;
      if (t == 0)
        DistillerMessage<Real, true>{edges, t, g}.adjoint(a.s[t], a.v[t], t == layers - 1, a.s_bar, a.v_bar, a.gathered, sums);
      else
        DistillerMessage<Real, false>{edges, t, g}.adjoint(a.s[t], a.v[t], t == layers - 1, a.s_bar, a.v_bar, a.gathered, sums);
    }
  }

  std::vector<DistillerUpdate<Real>> update_;
  Readout<Real> readout_;
  AlignedArray<Real> embedding_;  // (max_z + 1, F)
};

}  // namespace painnless::PAINNLESS_ISA
