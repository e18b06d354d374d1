#pragma once
// The layered schedule: a launch a stage of the network, for batches of every size.
#include "schedule.h"

namespace painnless::cuda {

template <class Real> class Layered final : public Schedule<Real> {
 public:
  Layered(const Weights& weights, const Shape& shape, Programs& programs, int multiprocessors);
  const char* name() const override { return "layered"; }
  bool takes(int, int) const override { return true; }
  void outgrow(int) override {}
  void learn(int, int) override {}
  int bucket(int atoms) const override { return next_bucket(atoms, 16); }
  bool searches() const override { return false; }
  void pack(WeightStore& store) override { network_->pack(store); }
  void lay_out(Arena& arena, Capacity capacity) override { network_->lay_out(arena, capacity.atoms); }
  Schedule<Real>::Kept kept() const override { return {}; }
  bool answers_host() const override { return false; }
  void launch(const Workspace<Real>& workspace, unsigned char* answer, int atoms, int structures, bool gradient) override;

 private:
  const Config& config_;
  const Shape& shape_;
  Programs& programs_;
  std::unique_ptr<Network<Real>> network_;
};

}  // namespace painnless::cuda
