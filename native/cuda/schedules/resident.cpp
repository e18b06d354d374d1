#include "resident.h"

#include <algorithm>

#include "../../neighbors/placing.h"
#include "../network/elements.h"
#include "../kernels/shapes.h"

namespace painnless::cuda {
namespace {

constexpr int letter_bytes = 16, letters = 64;

/// Which block of a product's outputs is at place o / 8 among a rank's own, eight of each; -1 for none. One may be left out, and the last place is empty then.
int block_at(int o, Blocks outputs, int left_out) {
  const int place = o / part_features, block = left_out >= 0 && place >= left_out ? place + 1 : place;
  return block < outputs.blocks ? block : -1;
}

/// The rows of rank's blocks of eight outputs, with the inputs in the order in which products read them.
void add_rows(std::vector<double>& out, const Linear& linear, Blocks outputs, Blocks inputs, int rank, int left_out = -1) {
  const int width = padded(outputs.width), begin = static_cast<int>(out.size());
  out.resize(begin + static_cast<size_t>(part_features) * outputs.blocks * inputs.size());
  for (int o = 0; o < part_features * outputs.blocks; o++) {
    const int block = block_at(o, outputs, left_out), feature = part_features * rank + o % part_features;
    if (block < 0 || feature >= width) continue;
    for (int k = 0; k < inputs.size(); k++)
      out[begin + static_cast<size_t>(o) * inputs.size() + swizzled(o % part_features, k)] =
          padded_weight(linear, outputs, block * width + feature, inputs, k);
  }
}

void add_bias(std::vector<double>& out, std::span<const double> bias, Blocks outputs, int rank, int left_out = -1) {
  const int width = padded(outputs.width);
  for (int o = 0; o < part_features * outputs.blocks; o++) {
    const int block = block_at(o, outputs, left_out), feature = part_features * rank + o % part_features;
    const int index = block < 0 || feature >= width ? -1 : outputs.index(block * width + feature);
    out.push_back(index < 0 ? 0.0 : bias[static_cast<size_t>(index)]);
  }
}

}  // namespace

int resident_clusters(const ResidentRoom& room, Programs& programs, const DeviceInfo& card) {
  return programs.resident_clusters(kernels::painn_resident, static_cast<unsigned>(room.members()), resident_threads, card.shared_bytes);
}

int usual_clusters(const ResidentRoom& room, const DeviceInfo& card) { return card.multiprocessors / 18 * (16 / room.members()); }

template <class Real>
Resident<Real>::Resident(const Weights& weights, const Shape& shape, Programs* programs, const DeviceInfo& card, int clusters)
    : source_(weights), shape_(shape), room_(*shape.resident), programs_(programs) {
  const int most = std::min(clusters, few_atoms / resident_atoms);  // in the kernel there is no search by bins
  for (int count = 1; count <= most; count++) {
    const int edges = edges_beside(room_, resident_atoms * count, static_cast<long long>(card.shared_bytes));
    if (edges < 4 * resident_atoms) break;
    edges_.push_back(edges);
  }
  crowded_.assign(resident_atoms * edges_.size() + 1, false);
}

template <class Real> bool Resident<Real>::takes(int atoms, int structures) const {
  if (atoms < 1 || atoms > shape_.tuning.resident_atoms || static_cast<size_t>(atoms) >= crowded_.size() || crowded_[static_cast<size_t>(atoms)]) return false;
  // Until there are filters, the request has their place.
  return request_bytes(bucket(atoms), next_bucket(structures, 1)) <= sizeof(Real) * static_cast<size_t>(room_.filter_row(0) * edges_[static_cast<size_t>(clusters_for(atoms) - 1)]);
}

template <class Real> bool Resident<Real>::holds(int atoms, int edges) const {
  return edges <= int64_t{edges_[static_cast<size_t>(clusters_for(atoms) - 1)]} * atoms / resident_atoms;
}

template <class Real> void Resident<Real>::learn(int atoms, int edges) {
  if (static_cast<size_t>(atoms) >= crowded_.size() || !crowded_[static_cast<size_t>(atoms)]) return;
  if (holds(atoms, edges + edges / 3)) crowded_[static_cast<size_t>(atoms)] = false;  // clusters differ in what they have of them
}

template <class Real> void Resident<Real>::pack(WeightStore& store) {
  const int f = source_.config.features, last = source_.config.layers - 1;
  const InputScales inputs(source_);
  std::vector<double> all;
  for (int rank = 0; rank < room_.members(); rank++) {
    for (int t = 0; t <= last; t++) {
      const PainnLayer& layer = source_.painn[static_cast<size_t>(t)];
      add_bias(all, layer.context1.bias, {1, f}, rank);
      add_bias(all, layer.context2.bias, {3, f}, rank);
      add_bias(all, layer.update1.bias, {1, f}, rank);
      add_bias(all, layer.update2.bias, {3, f}, rank, t == last ? 1 : -1);  // the last update makes no vectors: y^m is left out
    }
    for (int l = 0; l < room_.hidden; l++) add_bias(all, source_.readout[static_cast<size_t>(l)].bias, {1, source_.readout[static_cast<size_t>(l)].outputs}, rank);
    add_bias(all, source_.readout.back().weight, {1, source_.readout.back().inputs}, rank);
    for (int n = 0; n < whole_packs(2 * (last + 1)); n++) {
      const FilterScales scales(source_.painn[static_cast<size_t>(std::min(n / 2, last))].filter, inputs);
      all.push_back(n % 2 == 0 ? scales.of_value : scales.of_slope);
    }
    for (int t = 0; t <= last; t++) {
      const PainnLayer& layer = source_.painn[static_cast<size_t>(t)];
      if (t > 0) {
        add_rows(all, layer.context1, {1, f}, {1, f}, rank);
        add_rows(all, layer.context2, {3, f}, {1, f}, rank);
      }
      add_rows(all, layer.channels, {2, f}, {1, f}, rank);
      add_rows(all, layer.update1, {1, f}, {2, f}, rank);
      add_rows(all, layer.update2, {3, f}, {1, f}, rank, t == last ? 1 : -1);
    }
    for (int l = 0; l < room_.hidden; l++) {
      const Linear& linear = source_.readout[static_cast<size_t>(l)];
      add_rows(all, linear, {1, linear.outputs}, {1, linear.inputs}, rank);
    }
  }
  arguments_.weights = store.put<Real>(all);
  arguments_.filters = store.put<unsigned>(resident_filter_weights(source_, room_));
  arguments_.radial = pack_radial<Real>(store, source_);
  arguments_.embedding = store.put<Real>(padded_rows(source_.embedding, f));
  arguments_.element_x = store.put<Real>(element_contexts(source_));
  arguments_.last = store.put<double>(padded_vector(source_.readout.back().weight, {1, source_.readout.back().inputs}));
  arguments_.last_bias = source_.readout.back().bias[0];
  arguments_.norm_eps = static_cast<Real>(source_.config.norm_eps);
}

template <class Real> void Resident<Real>::lay_out(Arena& arena, Capacity) {
  const size_t most = edges_.size();
  arguments_.shares = arena.take<double>(8 * resident_atoms * most);
  mail_.clear();
  mail_turns_ = arena.take<unsigned>(most + 1);
  arguments_.done = arena.take<int>(2);
  arguments_.given_up = arena.take<int>(1);
  // Each number of clusters has letters of its own, so that all of them are written again and again and none is taken for one of long ago.
  for (size_t clusters = 1; clusters <= most; clusters++)
    mail_.push_back(arena.take<unsigned char>(2 * letter_bytes * letters * clusters * static_cast<size_t>(room_.members())));
  zero_begin_ = reinterpret_cast<Address>(mail_turns_);
  zero_end_ = reinterpret_cast<Address>(arena.take<unsigned char>(0));
}

template <class Real> void Resident<Real>::launch(const Workspace<Real>& workspace, unsigned char* answer, int atoms, int structures, bool gradient) {
  const int clusters = clusters_for(atoms);
  ResidentArguments<Real> arguments = arguments_;
  arguments.request = workspace.request;
  arguments.largest = largest_square(source_.config.cutoff, source_.config.edge_at_cutoff);
  arguments.direction_eps = source_.config.direction_eps;
  arguments.energy_unit = source_.config.energy_unit;
  arguments.room_atoms = resident_atoms * clusters;
  arguments.room_edges = edges_[static_cast<size_t>(clusters - 1)];
  arguments.request_bytes = static_cast<int>(request_bytes(arguments.room_atoms, structures));
  arguments.mail = mail_[static_cast<size_t>(clusters - 1)];
  arguments.mail_turn = mail_turns_ + clusters;
  arguments.answer = answer;
  arguments.gradient = gradient;
  const unsigned members = static_cast<unsigned>(room_.members());
  const size_t bytes = sizeof(Real) * static_cast<size_t>(ResidentPlaces(room_, arguments.room_atoms, arguments.room_edges).end);
  programs_->launch(kernels::painn_resident, {members * static_cast<unsigned>(clusters), 1, members, true}, resident_threads, bytes, arguments);
}

template class Resident<float>;

}  // namespace painnless::cuda
