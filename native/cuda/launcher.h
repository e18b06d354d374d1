#pragma once
// The CUDA engine.
#include <map>
#include <tuple>

#include "courier.h"
#include "dynamics/mover.h"
#include "schedules/layered.h"
#include "measure.h"
#include "portions.h"
#include "schedules/resident.h"
#include "schedules/search.h"

namespace painnless::cuda {

/// Chooses a schedule for each batch, keeps what all of them work on, and replays what was recorded of them.
template <class Real> class Launcher final : public CudaEngine, private Evaluator {
 public:
  Launcher(const Config& config, const Tensors& tensors, const CudaOptions& options, std::unique_ptr<Device> device, const Compiler& compiler)
      : config_(config),
        tensors_(tensors),
        weights_(config_, tensors_),
        precision_(options.precision),
        device_(std::move(device)),
        shape_(config_, options.precision, device_->info(), options.tuning, options.whole_range),
        programs_(*device_, compiler, DiskCache(options.cache), shape_.sources(), options.tuning.early_launches),
        search_(config_),
        store_(*device_),
        courier_(*device_),
        returned_(device_->create_mark()),
        poisoned_(options.poisoned),
        mover_(*device_, programs_, *this, options.tuning.chunk_steps) {
    if constexpr (sizeof(Real) == 4)
      if (shape_.resident)
        schedules_.push_back(std::make_unique<Resident<Real>>(weights_, shape_, &programs_, device_->info(),
                                                              resident_clusters(*shape_.resident, programs_, device_->info())));
    schedules_.push_back(std::make_unique<Layered<Real>>(weights_, shape_, programs_, device_->info().multiprocessors));
    schedule_ = schedules_.back().get();
    store_.fill([&](WeightStore& store) {
      for (auto& schedule : schedules_) schedule->pack(store);
    });
  }

  ~Launcher() override { device_->settle(); }  // a kernel whose answer has come may not have ended

  void evaluate(const Batch& batch, Want want, Evaluation& result, std::span<KeptNeighbors>) override {
    or_as_before([&] { answer(batch, want, result); });
  }

  std::unique_ptr<Begun> begin(const Batch& batch, Want want) override;

  Plan plan(int atoms, int pairs) const override {
    return plan_cuda(config_, tensors_, precision_, shape_.tuning, device_->info(), atoms, pairs);
  }

  CudaActivity activity() const override {
    return {schedule_->name(), edges_, programs_.compilations(), captures_, allocations_, static_cast<double>(arena_.bytes()), static_cast<double>(store_.bytes()), shape_.tuning};
  }

  Seconds device_seconds(const Batch& batch, Want want, int count, bool cold) override;
  CudaProfile profile(const Batch& batch, Want want, int rounds) override;

  CudaNeighbors neighbors(const Batch& batch) override;

  /// The search sees who is too near within the cutoff alone.
  Mover* mover(const Setup& setup) override { return setup.limits.distance < config_.cutoff ? &mover_ : nullptr; }

 private:
  enum class Steps { search, energy, gradient };
  enum class Memory { card, host };  // that an answer is written to
  static Steps steps_for(Want want) { return want.forces || want.stress ? Steps::gradient : Steps::energy; }

  bool fits(Capacity needed) const { return needed.atoms <= capacity_.atoms && needed.structures <= capacity_.structures && needed.edges <= capacity_.edges && needed.pairs <= capacity_.pairs; }
  void reserve(Capacity needed);
  void lay_out(Capacity capacity);
  void clear(const Schedule<Real>& schedule);
  void poison();
  void send(const Batch& batch, double nearest, double skin);
  void replay(const Batch& batch, Steps steps, Memory answer);
  bool accept(const Batch& batch, const Sizes& sizes);
  void run(const Batch& batch, Steps steps);
  void answer(const Batch& batch, Want want, Evaluation& result);
  Schedule<Real>& choose(const Batch& batch) const;
  Capacity room_for(const Batch& batch, Steps steps) const;
  const char* name_of(Steps steps) const { return steps == Steps::search ? "search" : schedule_->name(); }
  /// Of an evaluation that goes by itself: nothing on the card reads its answer.
  Memory own_memory() const { return schedule_->answers_host() ? Memory::host : Memory::card; }
  void launch(const Batch& batch, Steps steps, Memory answer, double skin = 0);
  Graph& graph(const Batch& batch, Steps steps, Memory answer);

  // Evaluations by halves, one beside another: errands.cpp.
  class UnderWay;
  struct Errand {
    Batch batch;
    Steps steps;
    Schedule<Real>* schedule;
    std::optional<size_t> turn;  // of the courier; none: it went by itself
    int failures;                // of launches before it
    bool is_answered_on_host() const { return !turn && schedule->answers_host(); }
  };
  Errand ask(const Batch& batch, Steps steps);
  Errand set_out(const Batch& batch, Steps steps);
  Errand carry(const Batch& batch, Steps steps, Trace* trace);
  bool has_come(const Errand& errand) const;
  bool sees_answer(const Errand& errand);
  const std::byte* await(const Errand& errand);

  // Of a set too large to go in one: portions.cpp.
  std::vector<Portion> cut(const Batch& batch) const;
  void answer_in_portions(const Batch& whole, const std::vector<Portion>& portions, Want want, Evaluation& result, Trace* trace);
  std::vector<CudaProfile::Portion> trace_portions(const Batch& batch, Want want, int rounds);

  // What a run asks of the engine.
  Places prepare(const Batch& batch, double nearest, double skin) override;
  void launch(const Batch& batch, double skin) override;
  void grow(const Batch& batch, int edges, double skin) override;
  void or_as_before(const std::function<void()>& work) override;
  std::unique_ptr<Graph> record(const std::function<void()>& launches) override;

  Config config_;
  Tensors tensors_;
  Weights weights_;
  const Precision precision_;
  std::unique_ptr<Device> device_;
  Shape shape_;
  Programs programs_;
  Search<Real> search_;
  WeightStore store_;
  std::vector<std::unique_ptr<Schedule<Real>>> schedules_;  // the first that takes a batch has it
  Schedule<Real>* schedule_;                               // of the last evaluation

  Capacity capacity_;
  Buffer arena_;
  Pinned request_, answer_;
  unsigned char* answer_on_host_ = nullptr;  // answer_, as kernels find it
  Courier courier_;
  size_t turn_ = 0;                // of the courier, the next
  std::unique_ptr<Mark> returned_;  // behind what set out by itself
  int under_way_ = 0;              // evaluations that were begun and not ended
  Workspace<Real> space_{};
  std::map<std::tuple<const Schedule<Real>*, Steps, int, int, bool, Memory>, std::unique_ptr<Graph>> graphs_;  // by sizes and bins too; gone before what they point to
  int captures_ = 0, allocations_ = 0, failures_ = 0;
  int64_t edges_ = 0;  // of the last evaluation
  const bool poisoned_;
  CardMover mover_;
};

}  // namespace painnless::cuda
