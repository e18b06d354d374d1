// The MLFF-Distiller student on the card: weights, memory, and the launches in order, then upside down (docs/theory.md, sections 11 to 14).
#include "network.h"
#include "table.h"

namespace painnless::cuda {
namespace {

template <class Real> class Distiller final : public Network<Real> {
 public:
  Distiller(const Weights& weights, const Shape& shape, int multiprocessors) : source_(weights), shape_(shape), grids_{shape_, multiprocessors} {
    if (shape.tabulates) table_ = FilterTable(weights);
  }

  void pack(WeightStore& store) override {
    const int f = source_.config.features, layers = source_.config.layers;
    layers_.assign(static_cast<size_t>(layers), {});
    splines_.assign(static_cast<size_t>(layers), {});
    for (int t = 0; t < layers; t++) {
      const DistillerLayer& from = source_.distiller[t];
      DistillerWeights<Real>& to = layers_[t];
      if (tabulated()) splines_[t] = pack_splines<Real>(store, shape_, source_.config, table_, t);
      else pack_filters(store, from, to);
      to.update1 = pack_dense<Real>(store, shape_.tensor, from.update1, {1, f}, {2, f});
      // After the last update nobody reads vectors: g1 and g2 are left out.
      to.update2 = pack_blocks<Real>(store, shape_.tensor, from.update2, f, t == layers - 1 ? std::vector{0} : std::vector{0, 1, 2}, {1, f});
      for (int k = 0; k < 9; k++) to.mixing[k] = from.mixing.empty() ? Real(0) : static_cast<Real>(from.mixing[k]);
    }
    if (!tabulated()) radial_ = pack_radial<Real>(store, source_);
    readout_ = pack_readout<Real>(store, shape_.tensor, source_.readout);
    embedding_ = store.put<Real>(padded_rows(source_.embedding, f));
  }

  int table_intervals() const override { return table_.intervals; }

  void lay_out(Arena& arena, int atoms) override {
    const size_t n = static_cast<size_t>(atoms), f = static_cast<size_t>(shape_.features);
    const auto take = [&](size_t rows) { return arena.take<Real>(n * rows * f); };
    s_out_ = take(1);
    for (int k = 0; k < 2; k++) s_bar_[k] = take(1), v_bar_[k] = take(3);
    saved_.assign(static_cast<size_t>(source_.config.layers), {});
    for (size_t t = 0; t < saved_.size(); t++) {
      DistillerSaved<Real>& s = saved_[t];
      if (t > 0) s.s = take(1), s.v = take(3);
      s.mid = take(3), s.inverse_norm = take(1), s.update_slope = take(1), s.y = take(2);
    }
  }

  void launch(Programs& programs, const Work<Real>& work, int atoms, bool gradient) override {
    const int last = static_cast<int>(layers_.size()) - 1;
    for (int t = 0; t <= last; t++) {
      pass_messages(programs, t == 0 ? kernels::distiller_table_first : kernels::distiller_table,
                    t == 0 ? kernels::distiller_message_first : kernels::distiller_message, atoms, message(work, t, 0));
      if (t < last) {
        grids_.on_tiles(programs, {kernels::distiller_update_spread, kernels::distiller_update_small, kernels::distiller_update_large}, shape_.update_shared, atoms,
                        update(work, t, t + 1, 0, gradient));
      } else {
        grids_.on_tiles(programs, {kernels::distiller_update_last_spread, kernels::distiller_update_last_small, kernels::distiller_update_last_large}, shape_.last_shared, atoms,
                        update(work, t, t, 0, gradient));
      }
    }
    if (!gradient) return;
    int bars = 0;  // which of the two sets of bars is current
    for (int t = last; t > 0; t--) {
      pass_messages(programs, kernels::distiller_table_adjoint, kernels::distiller_message_adjoint, atoms, message(work, t, bars));
      bars ^= 1;
      grids_.on_tiles(programs, {kernels::distiller_update_adjoint_spread, kernels::distiller_update_adjoint_small, kernels::distiller_update_adjoint_large}, shape_.adjoint_shared, atoms,
                      update(work, t - 1, t - 1, bars, gradient));
    }
    pass_messages(programs, kernels::distiller_table_adjoint_first, kernels::distiller_message_adjoint_first, atoms, message(work, 0, bars));
  }

 private:
  bool tabulated() const { return table_.intervals > 0; }

  void pack_filters(WeightStore& store, const DistillerLayer& from, DistillerWeights<Real>& to) const {
    const int f = source_.config.features;
    to.filter1 = store.put<Real>(forward_matrix(from.filter1, {1, f}, {1, shape_.radial}));  // rows beyond R are not read
    to.filter1_bias = store.put<Real>(padded_vector(from.filter1.bias, {1, f}));
    const auto filters = [&](int inputs, auto weight) { return store.put<Real>(filter_matrix(shape_, f, inputs, filter_order, weight)); };
    to.filter2 = filters(shape_.features, [&](size_t row, int k) { return k < f ? from.filter2.weight[row * f + k] : 0.0; });
    to.filter2_bias = filters(1, [&](size_t row, int) { return from.filter2.bias[row]; });
  }

  /// A message by the table, or with filters that are computed.
  void pass_messages(Programs& programs, KernelName<DistillerMessageArguments> by_table, KernelName<DistillerMessageArguments> computed, int atoms,
                     const DistillerMessageArguments<Real>& argument) const {
    if (tabulated()) grids_.on_receivers(programs, by_table, atoms, message_threads / 32 * distiller_table_shared * sizeof(Real), argument);
    else grids_.on_receivers(programs, computed, atoms, argument);
  }

  DistillerMessageArguments<Real> message(const Work<Real>& work, int t, int bars) const {
    return {.sizes = work.sizes,
            .edges = work.edges,
            .radial = radial_,
            .weights = layers_[t],
            .splines = splines_[t],
            .numbers = work.numbers,
            .embedding = embedding_,
            .s = saved_[t].s,
            .v = saved_[t].v,
            .s_out = s_out_,
            .mid = saved_[t].mid,
            .s_bar = s_bar_[bars],
            .v_bar = v_bar_[bars],
            .s_bar_out = s_bar_[bars ^ 1],
            .v_bar_out = v_bar_[bars ^ 1],
            .sums = work.sums,
            .edge_capacity = work.edge_capacity,
            .set_sums = t == static_cast<int>(layers_.size()) - 1};
  }

  DistillerUpdateArguments<Real> update(const Work<Real>& work, int t, int next, int bars, bool gradient) const {
    return {.sizes = work.sizes,
            .weights = layers_[t],
            .saved = saved_[t],
            .s = s_out_,
            .next_s = saved_[next].s,
            .next_v = saved_[next].v,
            .readout = readout_,
            .s_bar = gradient ? s_bar_[bars] : nullptr,
            .v_bar = v_bar_[bars],
            .energies = work.energies};
  }

  const Weights& source_;
  const Shape& shape_;
  Grids grids_;
  FilterTable table_;
  std::vector<DistillerWeights<Real>> layers_;
  std::vector<Splines<Real>> splines_;
  Radial<Real> radial_{};
  Readout<Real> readout_{};
  const Real* embedding_ = nullptr;
  Real *s_out_ = nullptr, *s_bar_[2] = {}, *v_bar_[2] = {};
  std::vector<DistillerSaved<Real>> saved_;
};

}  // namespace

template <class Real> std::unique_ptr<Network<Real>> create_distiller(const Weights& weights, const Shape& shape, int multiprocessors) {
  return std::make_unique<Distiller<Real>>(weights, shape, multiprocessors);
}
template std::unique_ptr<Network<float>> create_distiller<float>(const Weights&, const Shape&, int);
template std::unique_ptr<Network<double>> create_distiller<double>(const Weights&, const Shape&, int);

}  // namespace painnless::cuda
