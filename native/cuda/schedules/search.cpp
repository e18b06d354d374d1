#include "search.h"

#include <algorithm>
#include <cmath>

#include "../../neighbors/kept.h"

namespace painnless::cuda {
namespace {

constexpr double most_pairs = 1 << 30;  // places are asked for by many at once, beyond it too: their count must not run over

Reach reach_of(double largest) { return {largest, static_cast<float>(std::sqrt(largest))}; }

}  // namespace

template <class Real>
Search<Real>::Search(const Config& config) : cutoff_(config.cutoff), largest_(largest_square(config.cutoff, config.edge_at_cutoff)), direction_eps_(config.direction_eps) {}

template <class Real> int Search<Real>::pairs_for(int edges, double skin) const {
  if (skin == 0) return 0;
  return static_cast<int>(std::min(edges * std::pow(reach(skin) / cutoff_, 3) + 1, most_pairs));
}

template <class Real> void Search<Real>::forget(Device& device, const Workspace<Real>& workspace, int atoms) const {
  device.fill(reinterpret_cast<Address>(workspace.kept.atoms), 0xFF, sizeof(KeptAtom) * static_cast<size_t>(atoms));  // NaN: far from wherever atoms are
}

template <class Real>
void Search<Real>::launch(Device& device, Programs& programs, const Workspace<Real>& workspace, int atoms, bool bins, int* shifts, double skin) const {
  constexpr int threads = 128;
  Edges<Real> edges = workspace.work.edges;
  edges.shifts = shifts;
  KeptPairs kept{};
  if (skin > 0) {
    kept = workspace.kept;
    const double way = std::max(0.5 * (skin - kept_rounding), 0.0), farthest = reach(skin);
    kept.way = way * way;
    kept.reach = reach_of(farthest * farthest);
  }
  const SearchArguments<Real> arguments{.request = workspace.request,
                                        .sizes = workspace.work.sizes,
                                        .reach = reach_of(largest_),
                                        .kept = kept,
                                        .direction_eps = direction_eps_,
                                        .edge_capacity = workspace.work.edge_capacity,
                                        .slots = bins ? workspace.slots : 0,
                                        .placed = workspace.placed,
                                        .numbers = workspace.work.numbers,
                                        .slot_begin = workspace.slot_begin,
                                        .slot_end = workspace.slot_end,
                                        .slots_taken = workspace.slots_taken,
                                        .group_edges = workspace.group_edges,
                                        .in_slots = workspace.in_slots,
                                        .senders = workspace.senders,
                                        .found = workspace.found,
                                        .spare = workspace.spare,
                                        .edges = edges};
  const auto blocks = [](int items, int of_block) { return static_cast<unsigned>((items + of_block - 1) / of_block); };
  const unsigned of_warps = blocks(atoms, threads / 32);
  const auto zero = reinterpret_cast<Address>(workspace.work.sizes);
  device.fill(zero, 0, reinterpret_cast<Address>(bins ? workspace.slot_begin : workspace.slots_taken) - zero);
  programs.launch(kernels::place_atoms, {blocks(atoms, threads), 1}, threads, 0, arguments);
  if (bins) {
    programs.launch(kernels::scan_slots, {blocks(workspace.slots, scan_items), 1}, scan_threads, 0, arguments);
    programs.launch(kernels::fill_slots, {blocks(atoms, threads), 1}, threads, 0, arguments);
  }
  programs.launch(skin > 0 ? kernels::keep_neighbors : kernels::find_neighbors, {of_warps, 1}, threads, 0, arguments);
  programs.launch(kernels::scan_neighbors, {blocks(atoms, scan_items), 1}, scan_threads, 0, arguments);
  programs.launch(kernels::finish_edges, {of_warps, 1}, threads, 0, arguments);
}

template <class Real>
CudaNeighbors Search<Real>::list(Device& device, Programs& programs, const Workspace<Real>& workspace, int atoms, bool bins, size_t edges) const {
  const Buffer shifts(device, 3 * edges * sizeof(int));
  launch(device, programs, workspace, atoms, bins, reinterpret_cast<int*>(shifts.begin()));
  const auto fetch = [&](auto& to, const void* from, size_t count) {
    using Value = typename std::remove_reference_t<decltype(to)>::value_type;
    const Pinned staging(device, count * sizeof(Value));
    device.download(staging.begin(), reinterpret_cast<Address>(from), count * sizeof(Value));
    device.wait();
    const auto* begin = reinterpret_cast<const Value*>(staging.begin());
    to.assign(begin, begin + count);
  };
  const Edges<Real>& from = workspace.work.edges;
  CudaNeighbors found;
  fetch(found.receivers, from.receivers, edges);
  fetch(found.senders, from.senders, edges);
  fetch(found.shifts, reinterpret_cast<const void*>(shifts.begin()), 3 * edges);
  fetch(found.reverse, from.reverse, edges);
  fetch(found.vectors, from.vectors, 3 * edges);
  return found;
}

template class Search<float>;
template class Search<double>;

}  // namespace painnless::cuda
