#include "layered.h"

namespace painnless::cuda {

template <class Real>
Layered<Real>::Layered(const Weights& weights, const Shape& shape, Programs& programs, int multiprocessors)
    : config_(weights.config), shape_(shape), programs_(programs), network_(create_network<Real>(weights, shape, multiprocessors)) {}

template <class Real> void Layered<Real>::launch(const Workspace<Real>& workspace, unsigned char* answer, int atoms, int structures, bool gradient) {
  const Work<Real>& work = workspace.work;
  network_->launch(programs_, work, atoms, gradient);
  const ResultArguments<Real> arguments{.request = workspace.request,
                                        .sizes = work.sizes,
                                        .edges = work.edges,
                                        .sums = work.sums,
                                        .edge_capacity = work.edge_capacity,
                                        .chunks = shape_.sum_chunks(),
                                        .halves = shape_.slices > 0 && shape_.layers > 1,
                                        .direction_eps = config_.direction_eps,
                                        .energy_unit = config_.energy_unit,
                                        .energies = work.energies,
                                        .virials = workspace.virials,
                                        .answer = answer,
                                        .structure_blocks = structures,
                                        .windows = workspace.windows,
                                        .chunk_sums = workspace.chunk_sums,
                                        .chunks_done = workspace.chunks_done};
  constexpr int warps = result_threads / 32;
  const int further = (atoms - 1) / atom_chunk;  // windows in which a structure's second chunk or one behind it may begin
  if (gradient) {
    const auto blocks = static_cast<unsigned>((atoms + warps - 1) / warps);
    const bool few = arguments.chunks <= few_chunks && programs_.resident(kernels::sum_forces_few, blocks, result_threads, 0) == blocks;
    programs_.launch(few ? kernels::sum_forces_few : kernels::sum_forces, {blocks, 1}, result_threads, 0, arguments);
  }
  programs_.launch(gradient ? kernels::sum_structures : kernels::sum_energies, {static_cast<unsigned>(structures + further), 1}, result_threads, 0, arguments);
}

template class Layered<float>;
template class Layered<double>;

}  // namespace painnless::cuda
