#include "measure.h"

#include <algorithm>

#include "card/buffer.h"

namespace painnless::cuda {
namespace {

/// Watches rounds of the same launches, each between two events.
class Stopwatch final : public Watch {
 public:
  Stopwatch(Device& device, Programs& programs) : device_(device), programs_(programs) { programs_.watch(this); }
  ~Stopwatch() override { programs_.watch(nullptr); }
  Stopwatch(const Stopwatch&) = delete;

  void run(const Stage& stage, bool search) {
    search_ = search;
    stage.launch();
  }
  void before(const char* kernel, Grid grid, int threads, size_t shared_bytes) override {
    device_.mark(*pair().begin);
    launches_.push_back({kernel, search_, grid.x * grid.y, grid.cluster, threads, shared_bytes, {}});
  }
  void after() override { device_.mark(*pairs_[launches_.size() - 1].end); }

  /// Waits for the launches since the last round, and adds their times.
  void end_round(CudaProfile& profile) {
    Pair& empty = pair();
    device_.mark(*empty.begin);
    device_.mark(*empty.end);
    device_.wait();
    profile.nothing.push_back(seconds(empty));
    if (profile.launches.empty()) profile.launches = launches_;
    for (size_t k = 0; k < launches_.size(); k++) profile.launches[k].seconds.push_back(seconds(pairs_[k]));
    launches_.clear();
  }

 private:
  struct Pair {
    std::unique_ptr<Mark> begin, end;
  };
  double seconds(Pair& pair) { return device_.seconds_between(*pair.begin, *pair.end); }
  Pair& pair() {
    if (pairs_.size() <= launches_.size()) pairs_.push_back({device_.create_timed_mark(), device_.create_timed_mark()});
    return pairs_[launches_.size()];
  }

  Device& device_;
  Programs& programs_;
  bool search_ = false;
  std::vector<Pair> pairs_;                    // used round after round: making one takes longer than a launch
  std::vector<CudaProfile::Launch> launches_;  // of this round
};

}  // namespace

double mean_seconds(Device& device, Graph& graph, int count, bool cold) {
  if (!cold) return device.time(graph, count) / count;
  const Buffer flush(device, 8 * std::max(device.info().cache_bytes, size_t{1} << 20));
  double sum = 0;
  for (int k = 0; k < count; k++) {
    device.fill(flush.begin(), 1, flush.bytes());
    sum += device.time(graph, 1);
  }
  return sum / count;
}

CudaProfile take_profile(Device& device, Programs& programs, const Stage& search, const Stage& network, int rounds) {
  CudaProfile profile{};
  // Short steps many at a time, or the replays would wait for the host; long ones alone.
  const int together = static_cast<int>(std::clamp(2e-3 / std::max(device.time(*network.recorded, 1), 1e-7), 1.0, 20.0));
  for (int k = 0; k < rounds; k++) {
    if (search.recorded) profile.search.push_back(mean_seconds(device, *search.recorded, together, false));
    profile.network.push_back(mean_seconds(device, *network.recorded, together, false));
  }
  // Work that the card has while the host queues a round; without it, launches would wait for the host, and that would be timed.
  constexpr double ahead = 2e-3;
  const int replays = 1 + static_cast<int>(std::min(1e3, ahead / std::max(profile.network.back(), 1e-7)));
  Stopwatch watch(device, programs);
  for (int k = 0; k < rounds; k++) {
    for (int r = 0; r < replays; r++) device.replay(*network.recorded);
    if (search.recorded) watch.run(search, true);
    watch.run(network, false);
    watch.end_round(profile);
  }
  return profile;
}

Trace::Trace(Device& device, size_t portions) : device_(device), origin_(device.create_timed_mark()), portions_(portions) {
  for (size_t k = 0; k < moments * portions; k++) marks_.push_back(device.create_timed_mark());
  for (int k = 0; k < 2; k++) {  // the first time takes longer
    const auto before = Clock::now();
    device.mark(*origin_);
    device.wait_for(*origin_);
    began_ = before + (Clock::now() - before) / 2;
  }
}

std::vector<CudaProfile::Portion> Trace::portions() {
  for (size_t k = 0; k < portions_.size(); k++) {
    const auto at = [&](Moment moment) { return device_.seconds_between(*origin_, *marks_[moments * k + moment]); };
    portions_[k].request = {at(sending), at(sent)};
    portions_[k].kernels = {at(working), at(worked)};
    portions_[k].answer = {at(fetching), at(fetched)};
  }
  return portions_;
}

}  // namespace painnless::cuda
