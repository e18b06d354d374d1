// PaiNN on the card: weights, memory, and the launches in order, then upside down (docs/theory.md, sections 5 to 10).
#include "elements.h"
#include "network.h"

namespace painnless::cuda {
namespace {

template <class Real> class Painn final : public Network<Real> {
 public:
  Painn(const Weights& weights, const Shape& shape, int multiprocessors) : source_(weights), shape_(shape), grids_{shape_, multiprocessors} {}

  void pack(WeightStore& store) override {
    const int f = source_.config.features, layers = source_.config.layers;
    layers_.assign(static_cast<size_t>(layers), {});
    slices_.assign(static_cast<size_t>(layers), {});
    for (int t = 0; t < layers; t++) {
      const PainnLayer& from = source_.painn[t];
      PainnWeights<Real>& to = layers_[t];
      if (shape_.slices == 0) {
        to.filter = store.put<Real>(filters(from.filter));
      } else {
        const FilterScales scales(from.filter, InputScales(source_));
        PainnSlices<Real>& slices = slices_[t];
        slices.weights = store.put<unsigned>(slice_weights(from.filter, f, shape_.radial));
        slices.of_value = static_cast<Real>(scales.of_value), slices.of_slope = static_cast<Real>(scales.of_slope);
      }
      to.context1 = pack_dense<Real>(store, shape_.tensor, from.context1, {1, f}, {1, f});
      to.context2 = pack_dense<Real>(store, shape_.tensor, from.context2, {3, f}, {1, f});
      to.channels = pack_dense<Real>(store, shape_.tensor, from.channels, {2, f}, {1, f});
      to.update1 = pack_dense<Real>(store, shape_.tensor, from.update1, {1, f}, {2, f});
      // The last update makes no vectors: y^m is left out.
      to.update2 = pack_blocks<Real>(store, shape_.tensor, from.update2, f, t == layers - 1 ? std::vector{0, 2} : std::vector{0, 1, 2}, {1, f});
    }
    radial_ = pack_radial<Real>(store, source_);
    readout_ = pack_readout<Real>(store, shape_.tensor, source_.readout);
    embedding_ = store.put<Real>(padded_rows(source_.embedding, f));
    element_x_ = store.put<Real>(element_contexts(source_));
  }

  void lay_out(Arena& arena, int atoms) override {
    const size_t n = static_cast<size_t>(atoms), f = static_cast<size_t>(shape_.features);
    const auto take = [&](size_t rows) { return arena.take<Real>(n * rows * f); };
    q_ = take(1), mid_ = take(3), q_bar_[0] = take(1), x_bar_ = take(3), passed_[0] = take(shape_.slices > 0 ? 3 : 0);
    for (Real*& bar : mu_bar_) bar = take(3);
    const size_t few = static_cast<size_t>(grids_.atoms_of_whole_layers(atoms));
    q_bar_[1] = arena.take<Real>(few * f), passed_[1] = arena.take<Real>(few * 3 * f);
    saved_.assign(static_cast<size_t>(source_.config.layers), {});
    for (size_t t = 0; t < saved_.size(); t++) {
      PainnSaved<Real>& s = saved_[t];
      if (t > 0) s.x = take(3), s.mu = take(3), s.context_slope = take(1);
      s.vy = take(6), s.inverse_norm = take(1), s.dot = take(1), s.update_slope = take(1), s.y = take(2);
    }
  }

  void launch(Programs& programs, const Work<Real>& work, int atoms, bool gradient) override {
    const int last = static_cast<int>(layers_.size()) - 1;
    if (shape_.slices > 0)
      programs.launch(kernels::painn_radial, {programs.resident(kernels::painn_radial, static_cast<unsigned>(4ll * work.edge_capacity / radial_threads + 1), radial_threads, 0), 1},
                      radial_threads, 0, message(work, 0, 0));
    if (grids_.whole_layers(atoms)) return launch_layers(programs, work, atoms, gradient);
    for (int t = 0; t <= last; t++) {
      pass_messages(programs, t == 0 ? kernels::painn_slices_first : kernels::painn_slices, t == 0 ? kernels::painn_message_first : kernels::painn_message, atoms,
                    slice_memory(received_rows(t == 0), received_own(t == 0)), message(work, t, 0));
      if (t < last) {
        grids_.on_tiles(programs, {kernels::painn_update_spread, kernels::painn_update_small, kernels::painn_update_large}, shape_.update_shared, atoms, update(work, t, t + 1, 0, gradient));
      } else {
        grids_.on_tiles(programs, {kernels::painn_update_last_spread, kernels::painn_update_last_small, kernels::painn_update_last_large}, shape_.last_shared, atoms,
                        update(work, t, t, 0, gradient));
      }
    }
    if (!gradient) return;
    int bars = 0;  // which of the two mu_bar is current
    for (int t = last; t > 0; t--) {
      pass_messages(programs, kernels::painn_slices_adjoint, kernels::painn_message_adjoint, atoms, shape_.slice_weights_shared + slice_memory(returned_rows(false), returned_own(false)),
                    message(work, t, bars));
      bars ^= 1;
      grids_.on_tiles(programs, {kernels::painn_update_adjoint_spread, kernels::painn_update_adjoint_small, kernels::painn_update_adjoint_large}, shape_.adjoint_shared, atoms,
                      update(work, t - 1, t, bars, gradient));
    }
    return_pairs(programs, message(work, 0, bars), atoms);
  }

 private:
  /// The same where a layer is one launch each way. What others read is not what a launch writes: it has two places, by turns.
  void launch_layers(Programs& programs, const Work<Real>& work, int atoms, bool gradient) {
    const int last = static_cast<int>(layers_.size()) - 1;
    const bool relay = relay_runs_at_once(programs, atoms);
    const Shape::Cut& cut = relay ? shape_.relay : shape_.spread;
    const LayerKernels& names = relay ? relay_kernels : layer_kernels;
    const auto layer = [&](KernelName<PainnLayerArguments> name, size_t shared_bytes, const PainnMessageArguments<Real>& message, const PainnUpdateArguments<Real>& update) {
      grids_.on_tiles(programs, name, cut, shared_bytes, atoms, PainnLayerArguments<Real>{message, update});
    };
    for (int t = 0; t <= last; t++)
      layer(t == 0 ? names.first : t < last ? names.between : names.last, shape_.layer_shared(cut, t == 0, t == last), message(work, t, 0, true),
            update(work, t, std::min(t + 1, last), 0, gradient, true));
    if (!gradient) return;
    int bars = 0;
    for (int t = last; t > 0; t--, bars ^= 1)
      layer(names.adjoint, shape_.layer_adjoint_shared(cut), message(work, t, bars, true), update(work, t - 1, t, bars ^ 1, gradient, true));
    const PainnMessageArguments<Real> first = message(work, 0, bars, true);
    if (relay) programs.launch(kernels::painn_relay_pairs, {static_cast<unsigned>(shape_.slices), static_cast<unsigned>(atoms)}, message_threads, shape_.pairs_shared(), first);
    else return_pairs(programs, first, atoms);
  }

  struct LayerKernels {
    KernelName<PainnLayerArguments> first, between, last, adjoint;
  };
  static constexpr LayerKernels layer_kernels{kernels::painn_layer_first, kernels::painn_layer, kernels::painn_layer_last, kernels::painn_layer_adjoint},
      relay_kernels{kernels::painn_relay_first, kernels::painn_relay, kernels::painn_relay_last, kernels::painn_relay_adjoint};

  /// Does the card hold the clusters of all tiles of layers that relay: of more, some would begin when others end.
  bool relay_runs_at_once(Programs& programs, int atoms) const {
    const Shape::Cut& cut = shape_.relay;
    if (cut.threads == 0) return false;
    const int clusters = programs.resident_clusters(relay_kernels.adjoint, static_cast<unsigned>(cut.members), cut.threads, shape_.most_layer_shared(cut));
    return atoms <= clusters * cut.tile;
  }

  static size_t slice_memory(int rows, int own) { return sizeof(float) * slice_block_words(rows, own); }

  /// By slices, which take so many bytes of shared memory, where there are tensor cores for them.
  void pass_messages(Programs& programs, KernelName<PainnMessageArguments> by_slices, KernelName<PainnMessageArguments> otherwise, int atoms, size_t slice_shared,
                     const PainnMessageArguments<Real>& argument) const {
    if (shape_.slices > 0) grids_.on_slices(programs, by_slices, atoms, slice_shared, argument);
    else grids_.on_receivers(programs, otherwise, atoms, argument);
  }

  /// The last of the way back.
  void return_pairs(Programs& programs, const PainnMessageArguments<Real>& argument, int atoms) const {
    pass_messages(programs, kernels::painn_slices_adjoint_first, kernels::painn_message_adjoint_first, atoms, shape_.pairs_shared(), argument);
  }

  /// By slices, x^m mu of a layer; null for the first one's, which has no mu.
  Real* passed(int t, bool by_turns) const { return shape_.slices > 0 && t > 0 ? passed_[by_turns ? t % 2 : 0] : nullptr; }

  /// bars: which of the two mu_bar is current, and which of the two q_bar where they go by turns.
  PainnMessageArguments<Real> message(const Work<Real>& work, int t, int bars, bool by_turns = false) const {
    PainnSlices<Real> slices = slices_[t];
    slices.values = work.values, slices.slopes = work.slopes;
    return {.sizes = work.sizes,
            .edges = work.edges,
            .radial = radial_,
            .filter = layers_[t].filter,
            .numbers = work.numbers,
            .x = t == 0 ? element_x_ : saved_[t].x,
            .mu = saved_[t].mu,
            .passed = passed(t, by_turns),
            .embedding = embedding_,
            .q = q_,
            .mid = mid_,
            .q_bar = q_bar_[by_turns ? bars : 0],
            .mu_bar = mu_bar_[bars],
            .mu_bar_out = mu_bar_[bars ^ 1],
            .x_bar = x_bar_,
            .sums = work.sums,
            .edge_capacity = work.edge_capacity,
            .set_sums = t == static_cast<int>(layers_.size()) - 1,
            .slices = slices};
  }

  /// Update of layer t, context of layer `next`.
  PainnUpdateArguments<Real> update(const Work<Real>& work, int t, int next, int bars, bool gradient, bool by_turns = false) const {
    PainnWeights<Real> weights = layers_[t];
    weights.context1 = layers_[next].context1, weights.context2 = layers_[next].context2;
    PainnSaved<Real> saved_of_next = saved_[next];
    saved_of_next.passed = passed(next, by_turns);
    return {.sizes = work.sizes,
            .weights = weights,
            .saved = saved_[t],
            .next = saved_of_next,
            .readout = readout_,
            .norm_eps = static_cast<Real>(source_.config.norm_eps),
            .q = q_,
            .mid = mid_,
            .q_bar = gradient ? q_bar_[by_turns ? bars : 0] : nullptr,
            .mu_bar = mu_bar_[bars],
            .x_bar = x_bar_,
            .energies = work.energies};
  }

  /// (chunks, R + 1, 3, chunk), blocks q, R, m; the bias is input R.
  std::vector<double> filters(const Linear& linear) const {
    const int r = shape_.radial;
    return filter_matrix(shape_, source_.config.features, r + 1, {0, 1, 2},
                        [&](size_t row, int k) { return k < r ? linear.weight[row * r + k] : linear.bias[row]; });
  }

  const Weights& source_;
  const Shape& shape_;
  Grids grids_;
  std::vector<PainnWeights<Real>> layers_;
  std::vector<PainnSlices<Real>> slices_;  // weights and scales
  Radial<Real> radial_{};
  Readout<Real> readout_{};
  const Real *embedding_ = nullptr, *element_x_ = nullptr;
  Real *q_ = nullptr, *mid_ = nullptr, *x_bar_ = nullptr, *q_bar_[2] = {}, *passed_[2] = {}, *mu_bar_[2] = {};
  std::vector<PainnSaved<Real>> saved_;
};

}  // namespace

template <class Real> std::unique_ptr<Network<Real>> create_painn(const Weights& weights, const Shape& shape, int multiprocessors) {
  return std::make_unique<Painn<Real>>(weights, shape, multiprocessors);
}
template std::unique_ptr<Network<float>> create_painn<float>(const Weights&, const Shape&, int);
template std::unique_ptr<Network<double>> create_painn<double>(const Weights&, const Shape&, int);

}  // namespace painnless::cuda
