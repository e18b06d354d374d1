#pragma once
// The resident schedule: one launch from request to answer, for few atoms. All weights stay in the shared memory of clusters of blocks, each of which owns
// four atoms (kernels/painn_resident.cu).
#include "schedule.h"

namespace painnless::cuda {

/// Clusters of the room's blocks that the card holds at once.
int resident_clusters(const ResidentRoom& room, Programs& programs, const DeviceInfo& card);
/// The same as far as it is known without asking the card: a cluster lies within one of its parts, of 16 to 18 multiprocessors.
int usual_clusters(const ResidentRoom& room, const DeviceInfo& card);

template <class Real> class Resident final : public Schedule<Real> {
 public:
  /// For a shape with a resident room and a card that holds so many clusters at once. Without programs it is only to be planned with.
  Resident(const Weights& weights, const Shape& shape, Programs* programs, const DeviceInfo& card, int clusters);
  const char* name() const override { return "resident"; }
  /// Not where the last batch of so many atoms had more edges than there is room for.
  bool takes(int atoms, int structures) const override;
  /// Is there room for so many edges, if the clusters have like shares of them?
  bool holds(int atoms, int edges) const;
  bool searches() const override { return true; }
  void outgrow(int atoms) override { crowded_[static_cast<size_t>(atoms)] = true; }
  void learn(int atoms, int edges) override;
  int bucket(int atoms) const override { return resident_atoms * clusters_for(atoms); }
  void pack(WeightStore& store) override;
  void lay_out(Arena& arena, Capacity capacity) override;
  Schedule<Real>::Kept kept() const override { return {zero_begin_, zero_end_ - zero_begin_}; }
  bool answers_host() const override { return true; }
  void launch(const Workspace<Real>& workspace, unsigned char* answer, int atoms, int structures, bool gradient) override;

 private:
  int clusters_for(int atoms) const { return (atoms + resident_atoms - 1) / resident_atoms; }

  const Weights& source_;
  const Shape& shape_;
  const ResidentRoom room_;
  Programs* programs_;
  std::vector<int> edges_;      // of a cluster there is room for, by the number of clusters, from one on; as many as the card holds
  std::vector<bool> crowded_;   // by the number of atoms
  ResidentArguments<Real> arguments_{};
  std::vector<void*> mail_;     // by the number of clusters
  unsigned* mail_turns_ = nullptr;
  Address zero_begin_ = 0, zero_end_ = 0;
};

}  // namespace painnless::cuda
