// What an engine would do on a card that need not be there.
#include "engine.h"
#include "schedules/layered.h"
#include "schedules/resident.h"

namespace painnless::cuda {
namespace {

template <class Real> CudaPlan plan_of(const Config& config, const Tensors& tensors, Precision precision, const CudaTuning& tuning, const DeviceInfo& card, int atoms, int pairs) {
  const Weights weights(config, tensors);
  const Shape shape(config, precision, card, tuning);
  Capacity capacity = capacity_for(atoms, 1);
  capacity.edges = std::max(capacity.edges, next_bucket(2 * pairs, 16));
  WeightStore store;
  Arena arena;
  Workspace<Real>{}.lay_out(arena, capacity, shape);
  const auto network = create_network<Real>(weights, shape, card.multiprocessors);
  network->pack(store);
  network->lay_out(arena, capacity.atoms);
  CudaPlan plan{"layered", Grids{shape, card.multiprocessors}.cut(next_bucket(atoms, 16)).tile, network->table_intervals(), 0, 0, tuning};
  if constexpr (sizeof(Real) == 4) {
    if (shape.resident) {
      Resident<Real> resident(weights, shape, nullptr, card, usual_clusters(*shape.resident, card));
      resident.pack(store);
      resident.lay_out(arena, capacity);
      if (resident.takes(atoms, 1) && resident.holds(atoms, 2 * pairs)) plan.schedule = resident.name(), plan.tile = resident_atoms;
    }
  }
  plan.weight_bytes = static_cast<double>(store.bytes());
  plan.scratch_bytes = static_cast<double>(arena.bytes());
  return plan;
}

}  // namespace
}  // namespace painnless::cuda

namespace painnless {

CudaPlan plan_cuda(const Config& config, const Tensors& tensors, Precision precision, const CudaTuning& tuning, const cuda::DeviceInfo& card, int atoms, int pairs) {
  return precision == Precision::f64 ? cuda::plan_of<double>(config, tensors, precision, tuning, card, atoms, pairs)
                                     : cuda::plan_of<float>(config, tensors, precision, tuning, card, atoms, pairs);
}

}  // namespace painnless
