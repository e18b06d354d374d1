#pragma once
// PaiNN on a CPU: the layers in order, then upside down (docs/theory.md, sections 5 to 10).
#include "layers/context.h"
#include "layers/readout.h"
#include "layers/update.h"
#include "unit.h"

namespace painnless::PAINNLESS_ISA {

template <class Real> class Painn {
 public:
  /// Arrays of one unit beside those of Unit; (atoms, ...) or, in a block, (block rows, ...).
  struct Activations {
    Real *qn, *mid, *q_bar, *mu_bar, *x_bar, *gathered;  // q and n side by side (2F); mu after the message (3, F)
    std::vector<Real*> x, mu, slope;                     // per layer: context output (3F), input vectors (3, F), context silu'
    std::vector<UpdateSaved<Real>> saved;                // per layer when kept
    std::vector<Real*> q_in, q_mid, mid_kept;            // per layer when recomputed: before and after the message
    struct Block {
      UpdateScratch<Real> update;
      UpdateSaved<Real> saved;
      Real *qn, *slope;
      ReadoutScratch<Real> readout;
    };
    std::vector<Block> blocks;
  };

  Painn(const Weights& weights, bool tabulate)
      : features(padded(weights.config.features)), layers(weights.config.layers), filters(weights, tabulate), readout_(weights.readout), embedding_(embedding_table<Real>(weights)) {
    const int f = weights.config.features;
    for (int t = 0; t < layers; ++t) {
      context_.emplace_back(weights.painn[t]);
      update_.emplace_back(weights.painn[t], f, weights.config.norm_eps, t == layers - 1);
    }
    const int rows = weights.config.max_z + 1;
    AlignedArray<Real> h(static_cast<size_t>(rows) * features), slope(static_cast<size_t>(rows) * features);
    element_x_ = AlignedArray<Real>(static_cast<size_t>(rows) * row_stride<Real>(3 * features));
    context_[0].forward(Share(0, 1, false, rows, nullptr), rows, embedding_.get(), features, h.get(), slope.get(), element_x_.get());
  }

  const int features, layers;
  const double direction_eps = 0;
  const Filters<Real> filters;

  double weight_bytes() const {
    double sum = filters.bytes() + readout_.bytes();
    for (const auto& c : context_) sum += packed_bytes<Real>(c.first, c.second, c.first_adjoint, c.second_adjoint);
    for (const auto& u : update_) sum += packed_bytes<Real>(u.channels, u.first, u.second, u.channels_adjoint, u.first_adjoint, u.second_adjoint);
    return sum;
  }
  /// Bytes of activations that grow with the atoms, when all layers are kept.
  double kept_bytes(int atoms) const { return 19.0 * features * layers * atoms * sizeof(Real); }

  void lay_out(Arena& arena, const Schedule& schedule, int atoms, Activations& a) const {
    const size_t n = atoms, f = features, rows = schedule.block_rows(atoms), q_row = row_stride<Real>(2 * features), x_row = row_stride<Real>(3 * features), v_row = row_stride<Real>(features);
    const bool keep = schedule.keep_activations;
    const auto take = [&](size_t per_atom) { return arena.take<Real>(n * per_atom); };
    a.qn = take(q_row), a.mid = take(3 * v_row), a.q_bar = take(v_row), a.mu_bar = take(3 * v_row), a.x_bar = take(x_row), a.gathered = take(3 * v_row);
    a.x.resize(layers), a.mu.resize(layers), a.slope.resize(layers), a.saved.resize(layers);
    a.q_in.resize(layers), a.q_mid.resize(layers), a.mid_kept.resize(layers);
    for (int t = 0; t < layers; ++t) {
      a.x[t] = keep || t == 0 ? take(x_row) : a.x[0];
      a.mu[t] = t == 0 ? nullptr : take(3 * v_row);
      if (keep) {
        a.slope[t] = take(f);
        a.saved[t].lay_out(arena, n, features);
      } else {
        a.q_in[t] = take(f), a.q_mid[t] = take(f), a.mid_kept[t] = take(3 * v_row);
      }
    }
    a.blocks.resize(schedule.blocks(atoms));
    for (auto& block : a.blocks) {
      block.update.lay_out(arena, rows, features);
      readout_.lay_out(arena, rows, block.readout);
      block.qn = block.slope = nullptr;
      if (keep) continue;
      block.saved.lay_out(arena, rows, features);
      block.qn = arena.take<Real>(rows * q_row);
      block.slope = arena.take<Real>(rows * f);
    }
  }

  /// One thread's part of an evaluation: energies of the atoms and, if `backward`, g_sums of the pairs.
  void compute(const Share& share, const Schedule& schedule, const Unit<Real>& unit, Activations& a, bool backward) const {
    const bool keep = schedule.keep_activations;
    embed(share, unit, a);
    for (int t = 0; t < layers; ++t) {
      if (!keep) copy_q(share, a.qn, a.q_in[t]);
      if (t > 0) contexts(share, schedule, unit, t, a);
      share.meet();
      messages(share, schedule, unit, t, a);
      share.meet();
      if (!keep) copy_q(share, a.qn, a.q_mid[t]);
      updates(share, schedule, unit, t, a);
      share.meet_columns();
    }
    readout(share, schedule, unit, a, backward);
    if (!backward) return;
    for (int t = layers - 1; t >= 0; --t) {
      updates_adjoint(share, schedule, unit, t, a);
      if (!keep && t < layers - 1) t > 0 ? contexts(share, schedule, unit, t, a) : embed_context(share, unit, a);
      share.meet();
      messages_adjoint(share, schedule, unit, t, a);
      share.meet();
      if (t > 0) contexts_adjoint(share, schedule, unit, t, a);
    }
  }

 private:
  using Block = typename Activations::Block;

  void embed(const Share& share, const Unit<Real>& unit, Activations& a) const {  // T13
    const auto of_element = [&](size_t i) { return embedding_.get() + static_cast<size_t>(unit.numbers[i]) * features; };
    copy_rows(share, features, 1, of_element, a.qn, row_stride<Real>(2 * features));
    embed_context(share, unit, a);
  }
  void embed_context(const Share& share, const Unit<Real>& unit, Activations& a) const {  // T14 of layer 0, one row per element; no x^m there
    const int x_row = row_stride<Real>(3 * features);
    copy_rows(share, features, 2, [&](size_t i) { return element_x_.get() + static_cast<size_t>(unit.numbers[i]) * x_row; }, a.x[0], x_row);
  }
  void copy_q(const Share& share, const Real* qn, Real* q) const {
    copy_rows(share, features, 1, [&](size_t i) { return qn + i * row_stride<Real>(2 * features); }, q, features);
  }

  void contexts(const Share& share, const Schedule& schedule, const Unit<Real>& unit, int t, Activations& a) const {
    const size_t f = features;
    const bool keep = schedule.keep_activations;
    each_block(share, schedule, unit.atoms, a.blocks, [&](size_t row, int rows, Block& block) {
      const Real* q = keep ? a.qn + row * row_stride<Real>(2 * features) : a.q_in[t] + row * f;
      Real* slope = keep ? a.slope[t] + row * f : block.slope;
      context_[t].forward(share, rows, q, keep ? row_stride<Real>(2 * features) : features, block.update.h, slope, a.x[t] + row * row_stride<Real>(3 * features));
    });
  }
  void contexts_adjoint(const Share& share, const Schedule& schedule, const Unit<Real>& unit, int t, Activations& a) const {
    const size_t f = features;
    const bool keep = schedule.keep_activations;
    each_block(share, schedule, unit.atoms, a.blocks, [&](size_t row, int rows, Block& block) {
      Real* slope = keep ? a.slope[t] + row * f : block.slope;
      if (!keep) context_[t].hidden(share, rows, a.q_in[t] + row * f, features, block.update.h, slope);
      context_[t].adjoint(share, rows, slope, a.x_bar + row * row_stride<Real>(3 * features), block.update.z_bar, a.q_bar + row * row_stride<Real>(features));
    });
    share.meet_columns();
  }

  Real* mid(const Schedule& schedule, int t, Activations& a) const { return schedule.keep_activations ? a.mid : a.mid_kept[t]; }

  void messages(const Share& share, const Schedule& schedule, const Unit<Real>& unit, int t, Activations& a) const {
    const auto edges = unit.edges(filters, share.thread);
    for (int g = share.thread; g < filters.granules(); g += share.threads)
      if (t == 0)
        Message<Real, true>{edges, t, g}.forward(a.x[t], a.mu[t], a.qn, mid(schedule, t, a));
      else
        Message<Real, false>{edges, t, g}.forward(a.x[t], a.mu[t], a.qn, mid(schedule, t, a));
  }
  void messages_adjoint(const Share& share, const Schedule&, const Unit<Real>& unit, int t, Activations& a) const {
    const auto edges = unit.edges(filters, share.thread);
    for (int g = share.thread; g < filters.granules(); g += share.threads) {
      Real* sums = unit.g_sums + static_cast<size_t>(g) * unit.pairs.count * 4;
      if (t == 0)
        Message<Real, true>{edges, t, g}.adjoint(a.x[t], a.mu[t], t == layers - 1, a.q_bar, a.mu_bar, a.x_bar, a.gathered, sums);
      else
        Message<Real, false>{edges, t, g}.adjoint(a.x[t], a.mu[t], t == layers - 1, a.q_bar, a.mu_bar, a.x_bar, a.gathered, sums);
    }
  }

  void updates(const Share& share, const Schedule& schedule, const Unit<Real>& unit, int t, Activations& a) const {
    const size_t q_row = row_stride<Real>(2 * features), v_row = row_stride<Real>(features);
    each_block(share, schedule, unit.atoms, a.blocks, [&](size_t row, int rows, Block& block) {
      const auto saved = schedule.keep_activations ? a.saved[t].at(row, features) : block.saved;
      Real* next = t + 1 < layers ? a.mu[t + 1] + row * 3 * v_row : nullptr;
      update_[t].forward(share, rows, a.qn + row * q_row, mid(schedule, t, a) + row * 3 * v_row, block.update.h, saved, next);
    });
  }
  void updates_adjoint(const Share& share, const Schedule& schedule, const Unit<Real>& unit, int t, Activations& a) const {
    const size_t f = features, q_row = row_stride<Real>(2 * features), v_row = row_stride<Real>(features);
    each_block(share, schedule, unit.atoms, a.blocks, [&](size_t row, int rows, Block& block) {
      auto saved = schedule.keep_activations ? a.saved[t].at(row, features) : block.saved;
      if (!schedule.keep_activations) {
        for (int i = 0; i < rows; ++i) std::copy_n(a.q_mid[t] + (row + i) * f, f, block.qn + static_cast<size_t>(i) * q_row);
        update_[t].forward(share, rows, block.qn, a.mid_kept[t] + row * 3 * v_row, block.update.h, saved, nullptr);
      }
      update_[t].adjoint(share, rows, saved, block.update, a.q_bar + row * v_row, a.mu_bar + row * 3 * v_row);
    });
  }

  void readout(const Share& share, const Schedule& schedule, const Unit<Real>& unit, Activations& a, bool backward) const {
    const size_t q_row = row_stride<Real>(2 * features), v_row = row_stride<Real>(features);
    each_block(share, schedule, unit.atoms, a.blocks, [&](size_t row, int rows, Block& block) {
      readout_.forward(share, rows, a.qn + row * q_row, row_stride<Real>(2 * features), block.readout, unit.energies + row);
      if (backward) readout_.adjoint(share, rows, block.readout, a.q_bar + row * v_row);
    });
  }

  std::vector<Context<Real>> context_;
  std::vector<Update<Real>> update_;
  Readout<Real> readout_;
  AlignedArray<Real> embedding_, element_x_;  // (max_z + 1, F), (max_z + 1, 3F): x of layer 0
};

}  // namespace painnless::PAINNLESS_ISA
