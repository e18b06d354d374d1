#pragma once
// A network as the engine sees it: what it keeps in memory, and the launches of one evaluation in order.
#include <algorithm>
#include <array>

#include "filters.h"
#include "../kernels/shapes.h"
#include "pack.h"
#include "../card/program.h"
#include "shape.h"

namespace painnless::cuda {

/// What every network works on.
template <class Real> struct Work {
  Sizes* sizes;
  int* numbers;  // (atoms)
  Edges<Real> edges;
  Real* sums;        // (chunks or slices, edges, 4)
  unsigned *values, *slopes;  // (edges, filter_row_words()) where there are slices, or null
  double* energies;  // (atoms)
  int edge_capacity;
};

template <class Real> class Network {
 public:
  virtual ~Network() = default;
  /// Puts the weights.
  virtual void pack(WeightStore& store) = 0;
  /// Takes the arrays that grow with the atoms.
  virtual void lay_out(Arena& arena, int atoms) = 0;
  /// Of the table that filters come from; 0: they are computed for each edge.
  virtual int table_intervals() const { return 0; }
  /// Energies of the atoms and, if `gradient`, sums of the pairs, for up to so many atoms.
  virtual void launch(Programs& programs, const Work<Real>& work, int atoms, bool gradient) = 0;
};

template <class Real> std::unique_ptr<Network<Real>> create_painn(const Weights& weights, const Shape& shape, int multiprocessors);
template <class Real> std::unique_ptr<Network<Real>> create_distiller(const Weights& weights, const Shape& shape, int multiprocessors);
template <class Real> std::unique_ptr<Network<Real>> create_network(const Weights& weights, const Shape& shape, int multiprocessors) {
  return shape.painn ? create_painn<Real>(weights, shape, multiprocessors) : create_distiller<Real>(weights, shape, multiprocessors);
}

/// The readout of either network.
template <class Real> Readout<Real> pack_readout(WeightStore& store, int tensor, const std::vector<Linear>& layers) {
  Readout<Real> readout{};
  if (layers.size() > 5) throw InputError("UNSUPPORTED", "readout_widths", "the CUDA engine takes up to 4 hidden layers in the readout; use native:cpu:f64");
  for (size_t l = 0; l + 1 < layers.size(); l++) readout.hidden[l] = pack_dense<Real>(store, tensor, layers[l], {1, layers[l].outputs}, {1, layers[l].inputs});
  readout.last = store.put<double>(padded_vector(layers.back().weight, {1, layers.back().inputs}));
  readout.last_bias = layers.back().bias[0];
  return readout;
}

template <class Real> Radial<Real> pack_radial(WeightStore& store, const Weights& weights) {
  std::vector<double> gammas;
  for (const double w : weights.widths) gammas.push_back((weights.config.basis == RadialBasis::gaussian_half ? 0.5 : 1.0) / (w * w));
  const InputScales scales(weights);
  return {store.put<Real>({weights.offsets.begin(), weights.offsets.end()}), store.put<Real>(gammas), static_cast<Real>(weights.config.cutoff),
          static_cast<Real>(scales.value), static_cast<Real>(scales.slope)};
}

/// Weights of the last product that makes a filter, (chunks, inputs, 3, chunk) of weight(output row, input), with the three blocks of F outputs in
/// the order in which layers need them.
template <class Weight> std::vector<double> filter_matrix(const Shape& shape, int features, int inputs, const std::array<int, 3>& order, Weight weight) {
  const int width = granule * shape.lane_values;
  std::vector<double> out;
  for (int c = 0; c < shape.chunks; c++)
    for (int k = 0; k < inputs; k++)
      for (const int block : order)
        for (int n = c * width; n < (c + 1) * width; n++) out.push_back(n < features ? weight(static_cast<size_t>(block) * features + n, k) : 0.0);
  return out;
}

/// Grids of the kinds of kernels.
struct Grids {
  const Shape& shape;
  int multiprocessors;

  /// A kernel on tiles of atoms, by the cut.
  template <template <class> class Arguments> struct ByCut {
    KernelName<Arguments> spread, small, large;
  };
  /// Kernels on tiles of atoms: a cluster a tile, then the small cut, each until its blocks fill the card.
  bool spread(int atoms) const { return shape.spread.threads > 0 && atoms <= shape.tuning.spread_waves * shape.spread.tile * multiprocessors; }
  bool small(int atoms) const { return atoms <= shape.tuning.small_waves * shape.small.tile * multiprocessors; }
  /// Of one launch each way and layer, clusters all.
  bool whole_layers(int atoms) const { return shape.whole_layers && spread(atoms); }
  /// Up to how many, of so many.
  int atoms_of_whole_layers(int atoms) const {
    return shape.whole_layers ? static_cast<int>(std::min<double>(atoms, shape.tuning.spread_waves * shape.spread.tile * multiprocessors)) : 0;
  }
  const Shape::Cut& cut(int atoms) const { return spread(atoms) ? shape.spread : small(atoms) ? shape.small : shape.large; }
  template <template <class> class Arguments, class Real>
  void on_tiles(Programs& programs, const ByCut<Arguments>& names, size_t shared_per_atom, int atoms, const Arguments<Real>& argument) const {
    const Shape::Cut& chosen = cut(atoms);
    on_tiles(programs, spread(atoms) ? names.spread : small(atoms) ? names.small : names.large, chosen,
             shared_per_atom * static_cast<size_t>(chosen.tile) + shape.exchange_shared(chosen), atoms, argument);
  }
  template <template <class> class Arguments, class Real>
  void on_tiles(Programs& programs, KernelName<Arguments> name, const Shape::Cut& chosen, size_t shared_bytes, int atoms, const Arguments<Real>& argument) const {
    const auto tiles = static_cast<unsigned>((atoms + chosen.tile - 1) / chosen.tile);
    const auto members = static_cast<unsigned>(chosen.members);
    const Grid grid = members > 1 ? Grid{tiles * members, 1, members} : Grid{tiles, 1};
    programs.launch(name, grid, chosen.threads, shared_bytes, argument);
  }
  /// Message kernels: a warp a receiver, as many blocks as fit the card at once.
  template <template <class> class Arguments, class Real>
  void on_receivers(Programs& programs, KernelName<Arguments> name, int atoms, const Arguments<Real>& argument) const {
    on_receivers(programs, name, atoms, shape.message_shared, argument);
  }
  template <template <class> class Arguments, class Real>
  void on_receivers(Programs& programs, KernelName<Arguments> name, int atoms, size_t shared_bytes, const Arguments<Real>& argument) const {
    constexpr int warps = message_threads / 32;
    const auto blocks = static_cast<unsigned>((atoms + warps - 1) / warps);
    programs.launch(name, {programs.resident(name, blocks, message_threads, shared_bytes), static_cast<unsigned>(shape.chunks)}, message_threads, shared_bytes, argument);
  }
  /// On tensor cores: a warp a receiver and slice of features. Blocks of a column have one slice (layers/slices.cuh).
  template <template <class> class Arguments, class Real>
  void on_slices(Programs& programs, KernelName<Arguments> name, int atoms, size_t shared_bytes, const Arguments<Real>& argument) const {
    const auto slices = static_cast<unsigned>(shape.slices), columns = std::max(static_cast<unsigned>(multiprocessors) / slices, 1u);
    const unsigned receivers = columns * message_threads / 32, rows = (static_cast<unsigned>(atoms) + receivers - 1) / receivers;
    const unsigned at_once = programs.resident(name, ~0u, message_threads, shared_bytes) / static_cast<unsigned>(multiprocessors);
    programs.launch(name, {columns * slices, std::min(at_once, rows)}, message_threads, shared_bytes, argument);
  }
};

}  // namespace painnless::cuda
