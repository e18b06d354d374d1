// Each layer as the engine calls it, on arrays given from outside, for one instruction set (PAINNLESS_ISA).
#include "probe.h"

#include <numeric>

#include "layers/context.h"
#include "layers/distiller_message.h"
#include "layers/distiller_update.h"
#include "layers/readout.h"
#include "layers/update.h"
#include "probe/given_filters.h"
#include "unit.h"

namespace painnless::PAINNLESS_ISA {

namespace {

template <class Index> Column<Index> indices(const Values& values) {
  Column<Index> column(values.size());
  for (size_t k = 0; k < values.size(); ++k) column[k] = static_cast<Index>(values[k]);
  return column;
}

template <class Real> class Probe {
 public:
  Probe(const Config& config, const Tensors& weights, const LayerQuestion& question)
      : weights_(config, weights), rows_{config.features}, f_(config.features), width_(rows_.width()), index_(question.index), question_(question) {}

  LayerAnswer run() {
    const bool painn = weights_.config.architecture == Architecture::painn;
    const std::string& layer = question_.layer;
    if (layer == "radial")
      radial();
    else if (layer == "filter" || layer == "table")
      filter(layer == "table");
    else if (layer == "context" && painn)
      context();
    else if (layer == "message")
      message(painn);
    else if (layer == "update")
      painn ? painn_update() : distiller_update();
    else if (layer == "readout")
      readout(painn ? "q" : "s");
    else
      throw InputError("USAGE", "layer", "there is no layer \"" + layer + "\" in this architecture");
    return std::move(answer_);
  }

 private:
  void radial() {
    const Radial radial{weights_.config.basis, weights_.config.cutoff, weights_.offsets, weights_.widths};
    const Values& d = input("d");
    const size_t r = radial.size();
    Values phi(d.size() * r), f(d.size()), d_bar(d.size());
    for (size_t i = 0; i < d.size(); ++i) {
      double slope;
      radial.envelope(d[i], f[i], slope);
      if (backward()) d_bar[i] = bar("f")[i] * slope;
      for (size_t k = 0; k < r; ++k) {
        radial.function(static_cast<int>(k), d[i], phi[i * r + k], slope);
        if (backward()) d_bar[i] += bar("phi")[i * r + k] * slope;
      }
    }
    answer_.outputs = {{"phi", phi}, {"f", f}};
    if (backward()) answer_.input_bars = {{"d", d_bar}};
  }

  void filter(bool tabulate) {
    const Filters<Real> filters(weights_, tabulate);
    if (filters.tabulated() != tabulate) throw InputError("USAGE", "layer", "no table follows the filters of this model");
    const Values& d = input("d");
    const int n = static_cast<int>(d.size());
    FilterInputs<Real> inputs;
    Real *w, *slope, *scratch;
    arena_.arrange([&](Arena& arena) {
      inputs = filters.lay_out(arena, n);
      w = arena.take<Real>(static_cast<size_t>(n) * filter_row), slope = arena.take<Real>(static_cast<size_t>(n) * filter_row);
      scratch = arena.take<Real>(filters.scratch(n));
    });
    filters.prepare(inputs, d.data(), 0, n);
    Values out(static_cast<size_t>(n) * 3 * f_), d_bar(n);
    for (int g = 0; g < filters.granules(); ++g) {
      filters.rows(inputs, index_, g, 0, n, w, slope, scratch);
      for (size_t i = 0; i < d.size(); ++i)
        for (int c = 0; c < filter_row; ++c) {
          const int feature = g * granule + c % granule;
          if (feature >= f_) continue;
          const size_t to = (i * 3 + c / granule) * f_ + feature;
          out[to] = w[i * filter_row + c];
          if (backward()) d_bar[i] += bar("W")[to] * slope[i * filter_row + c];
        }
    }
    answer_.outputs = {{"W", out}};
    if (backward()) answer_.input_bars = {{"d", d_bar}};
  }

  void context() {
    const Context<Real> layer(weights_.painn[index_]);
    const int rows = row_count("q");
    const auto q = padded_rows(input("q"), 1);
    const auto h = blank(rows, 1), slope = blank(rows, 1), x = blank(rows, 3), z_bar = blank(rows, 1), q_bar = blank(rows, 1);
    const Share share = alone(rows);
    layer.forward(share, rows, q.get(), row_stride<Real>(width_), h.get(), slope.get(), x.get());
    output("x", x.get(), rows, 3);
    if (!backward()) return;
    layer.adjoint(share, rows, slope.get(), padded_rows(bar("x"), 3).get(), z_bar.get(), q_bar.get());
    input_bar("q", q_bar.get(), rows, 1);
  }

  void message(bool painn) {
    NeighborList list;
    list.receivers = indices<int32_t>(input("receivers"));
    list.senders = indices<int32_t>(input("senders"));
    list.reverse = indices<int32_t>(input("reverse"));
    list.vectors.assign(input("vectors").begin(), input("vectors").end());
    list.first.assign(row_count(painn ? "q" : "s") + 1, 0);
    for (const int32_t receiver : list.receivers) ++list.first[receiver + 1];
    std::partial_sum(list.first.begin(), list.first.end(), list.first.begin());
    std::vector<size_t> edge;  // that stands for each pair, as in Pairs::add
    for (size_t e = 0; e < list.senders.size(); ++e)
      if (static_cast<size_t>(list.reverse[e]) >= e) edge.push_back(e);

    const GivenFilters given(weights_, input("W"), input("dW"), edge);
    const Filters<Real> filters(given.weights(), false);
    const int atoms = row_count(painn ? "q" : "s"), pairs = static_cast<int>(edge.size());
    Unit<Real> unit;
    arena_.arrange([&](Arena& arena) { unit.lay_out(arena, filters, 1, 1, atoms, pairs); });
    unit.atoms = atoms;
    unit.pairs.count = 0;
    const auto [atom_at, place_of] = std::pair(std::span(unit.atom_at, atoms), std::span(unit.place_of, atoms));
    std::iota(atom_at.begin(), atom_at.end(), 0);
    std::iota(place_of.begin(), place_of.end(), 0);
    unit.pairs.add(list, atom_at, place_of, 0, weights_.config.direction_eps);
    given.choose(unit.inputs);
    const EdgeContext<Real> edges = unit.edges(filters, 0);
    if (painn)
      index_ == 0 ? painn_message<true>(unit, edges) : painn_message<false>(unit, edges);
    else
      index_ == 0 ? distiller_message<true>(unit, edges) : distiller_message<false>(unit, edges);

    if (!backward()) return;
    unit.pair_gradients(alone(atoms), filters.granules(), weights_.config.direction_eps);
    Values g(input("vectors").size());
    for (size_t p = 0; p < edge.size(); ++p)
      for (size_t k = 0; k < 3; ++k) {
        g[3 * edge[p] + k] = unit.gradient[3 * p + k];
        g[3 * static_cast<size_t>(list.reverse[edge[p]]) + k] = -unit.gradient[3 * p + k];
      }
    answer_.input_bars["G"] = g;
  }

  template <bool First> void painn_message(const Unit<Real>& unit, const EdgeContext<Real>& edges) {
    const int n = unit.atoms, granules = width_ / granule;
    const auto x = padded_rows(input("x"), 3), mu = padded_rows(input("mu"), 1), qn = beside(input("q")), mid = blank(3 * n, 1);
    for (int g = 0; g < granules; ++g) Message<Real, First>{edges, 0, g}.forward(x.get(), mu.get(), qn.get(), mid.get());
    output("q", qn.get(), n, 1, 2);
    output("mu", mid.get(), 3 * n, 1);
    if (!backward()) return;
    const auto q_bar = padded_rows(bar("q"), 1), mu_bar = padded_rows(bar("mu"), 1), x_bar = blank(n, 3), gathered = blank(3 * n, 1);
    for (int g = 0; g < granules; ++g)
      Message<Real, First>{edges, 0, g}.adjoint(x.get(), mu.get(), true, q_bar.get(), mu_bar.get(), x_bar.get(), gathered.get(), sums(unit, g));
    if (First) return;  // nothing below layer 0 depends on positions
    input_bar("q", q_bar.get(), n, 1);
    input_bar("mu", mu_bar.get(), 3 * n, 1);
    input_bar("x", x_bar.get(), n, 3);
  }

  template <bool First> void distiller_message(const Unit<Real>& unit, const EdgeContext<Real>& edges) {
    const int n = unit.atoms, granules = width_ / granule;
    const auto s = padded_rows(input("s"), 1), v = padded_rows(input("v"), 1), sn = beside(input("s")), v_mid = blank(3 * n, 1);
    for (int g = 0; g < granules; ++g) DistillerMessage<Real, First>{edges, 0, g}.forward(s.get(), v.get(), sn.get(), v_mid.get());
    output("s", sn.get(), n, 1, 2);
    output("v", v_mid.get(), 3 * n, 1);
    if (!backward()) return;
    const auto s_bar = padded_rows(bar("s"), 1), v_bar = padded_rows(bar("v"), 1), gathered = blank(n, 4);
    for (int g = 0; g < granules; ++g)
      DistillerMessage<Real, First>{edges, 0, g}.adjoint(s.get(), v.get(), true, s_bar.get(), v_bar.get(), gathered.get(), sums(unit, g));
    if (First) return;
    input_bar("s", s_bar.get(), n, 1);
    input_bar("v", v_bar.get(), 3 * n, 1);
  }

  void painn_update() {
    const bool last = is_last();
    const Update<Real> layer(weights_.painn[index_], f_, weights_.config.norm_eps, last);
    update<UpdateSaved<Real>>(layer, "q", "mu", [&](const Share& share, int rows, const Real*, const auto& saved, const auto& scratch, Real* q_bar, Real* mu_bar) {
      layer.adjoint(share, rows, saved, scratch, q_bar, mu_bar);
    });
  }

  void distiller_update() {
    const bool last = is_last();
    const DistillerUpdate<Real> layer(weights_.distiller[index_], f_, last);
    update<DistillerUpdateSaved<Real>>(layer, "s", "v", [&](auto&&... given) { layer.adjoint(given...); });
  }

  /// adjoint(share, rows, vectors, saved, scratch, bars of the scalars, bars of the vectors): the student's looks at the vectors again.
  template <class Saved, class Layer, class Adjoint> void update(const Layer& layer, const char* scalars, const char* vectors, Adjoint adjoint) {
    const bool last = is_last();
    const int rows = row_count(scalars);
    const Share share = alone(rows);
    Saved saved;
    UpdateScratch<Real> scratch;
    arena_.arrange([&](Arena& arena) {
      saved.lay_out(arena, rows, width_);
      scratch.lay_out(arena, rows, width_);
    });
    const auto sn = beside(input(scalars)), v = padded_rows(input(vectors), 1), next = blank(3 * rows, 1);
    layer.forward(share, rows, sn.get(), v.get(), scratch.h, saved, last ? nullptr : next.get());
    output(scalars, sn.get(), rows, 1, 2);
    if (!last) output(vectors, next.get(), 3 * rows, 1);
    if (!backward()) return;
    const auto s_bar = padded_rows(bar(scalars), 1), v_bar = last ? blank(3 * rows, 1) : padded_rows(bar(vectors), 1);
    adjoint(share, rows, v.get(), saved, scratch, s_bar.get(), v_bar.get());
    input_bar(scalars, s_bar.get(), rows, 1);
    input_bar(vectors, v_bar.get(), 3 * rows, 1);
  }

  void readout(const char* scalars) {
    const Readout<Real> layer(weights_.readout);
    const int rows = row_count(scalars);
    ReadoutScratch<Real> scratch;
    arena_.arrange([&](Arena& arena) { layer.lay_out(arena, rows, scratch); });
    const auto q = padded_rows(input(scalars), 1), q_bar = blank(rows, 1);
    Values energies(rows);
    layer.forward(alone(rows), rows, q.get(), row_stride<Real>(width_), scratch, energies.data());
    answer_.outputs = {{"energies", energies}};
    if (!backward()) return;
    layer.adjoint(alone(rows), rows, scratch, q_bar.get());
    input_bar(scalars, q_bar.get(), rows, 1);
    // The energy is the plain sum of these, so the layer takes their bars to be 1.
    Values& bars = answer_.input_bars[scalars];
    for (size_t k = 0; k < bars.size(); ++k) bars[k] *= bar("energies")[k / f_];
  }

  bool is_last() const { return index_ == weights_.config.layers - 1; }
  bool backward() const { return !question_.output_bars.empty(); }
  static const Values& find(const Tensors& arrays, const char* name) {
    const auto found = arrays.find(name);
    if (found == arrays.end()) throw InputError("USAGE", name, std::string("array \"") + name + "\" is missing");
    return found->second;
  }
  const Values& input(const char* name) const { return find(question_.inputs, name); }
  const Values& bar(const char* name) const { return find(question_.output_bars, name); }
  int row_count(const char* scalars) const { return rows_.count(input(scalars), 1); }
  static Share alone(int rows) { return Share(0, 1, false, rows, nullptr); }
  static Real* sums(const Unit<Real>& unit, int g) { return unit.g_sums + static_cast<size_t>(g) * unit.pairs.count * 4; }

  AlignedArray<Real> blank(int rows, int blocks) const { return rows_.blank(rows, blocks); }
  AlignedArray<Real> padded_rows(const Values& values, int blocks) const { return rows_.from(values, blocks); }
  /// Scalars with room for the norms beside them.
  AlignedArray<Real> beside(const Values& scalars) const { return rows_.from(scalars, 1, 2); }
  void output(const char* name, const Real* padded, int rows, int blocks, int stride) { answer_.outputs[name] = rows_.to(padded, rows, blocks, stride); }
  void output(const char* name, const Real* padded, int rows, int blocks) { output(name, padded, rows, blocks, blocks); }
  void input_bar(const char* name, const Real* padded, int rows, int blocks) { answer_.input_bars[name] = rows_.to(padded, rows, blocks, blocks); }

  Weights weights_;
  Rows<Real> rows_;
  int f_, width_, index_;
  const LayerQuestion& question_;
  LayerAnswer answer_;
  Arena arena_;
};

}  // namespace

LayerAnswer probe(const Config& config, const Tensors& weights, Precision precision, const LayerQuestion& question) {
  return precision == Precision::f32 ? Probe<float>(config, weights, question).run() : Probe<double>(config, weights, question).run();
}

}  // namespace painnless::PAINNLESS_ISA
