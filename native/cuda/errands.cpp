#include <numeric>

#include "launcher.h"

namespace painnless::cuda {

/// By itself: the quickest way where nothing is under way.
template <class Real> typename Launcher<Real>::Errand Launcher<Real>::set_out(const Batch& batch, Steps steps) {
  const Errand errand = ask(batch, steps);
  device_->mark(*returned_);
  return errand;
}

/// By courier, beside what is under way; there is room for it.
template <class Real> typename Launcher<Real>::Errand Launcher<Real>::carry(const Batch& batch, Steps steps, Trace* trace) {
  const size_t turn = turn_, bytes = request_bytes(batch.atoms(), batch.structures());
  {
    const Range range("request");
    const double begin = trace ? trace->now() : 0;
    write_request(batch, config_.cutoff, config_.edge_at_cutoff, 0, courier_.request(turn));
    if (trace) (*trace)[turn].written = {begin, trace->now()};
    courier_.send(turn, bytes, trace);
  }
  if (poisoned_) poison();
  courier_.hand_over(turn, reinterpret_cast<Address>(space_.request), bytes, trace);
  schedule_ = &choose(batch);
  replay(batch, steps, Memory::card);
  courier_.fetch(turn, reinterpret_cast<Address>(space_.answer), answer_bytes(batch.atoms(), batch.structures()), trace);
  turn_++;
  return {batch, steps, schedule_, turn, failures_};
}

/// Has the kernel written all of an answer where the host reads it? It may not have ended.
template <class Real> bool Launcher<Real>::has_come(const Errand& errand) const {
  return errand.is_answered_on_host() && is_whole(answer_.begin(), errand.batch.atoms(), errand.batch.structures(), errand.steps == Steps::gradient);
}

/// The same, looked for while that is worth it. Where it does not come, what there is to wait for tells why.
template <class Real> bool Launcher<Real>::sees_answer(const Errand& errand) {
  return errand.is_answered_on_host() && device_->look_for([&] { return has_come(errand); });
}

/// Waits for an answer, which stays until the next but one is asked for. What has to be done again is done by itself, when nothing is under way.
template <class Real> const std::byte* Launcher<Real>::await(const Errand& errand) {
  const Range range("answer");
  const std::byte* answer = answer_.begin();
  if (errand.turn)
    answer = courier_.answer(*errand.turn);
  else if (!sees_answer(errand))
    device_->wait_for(*returned_);
  if (errand.failures != failures_) {  // it followed one that left its places as they should not be
    device_->settle();
    run(errand.batch, errand.steps);
    return answer_.begin();
  }
  schedule_ = errand.schedule;
  const Sizes sizes = sizes_of_answer(answer);
  if (sizes.status != 0) device_->settle();  // memory may go, and another is under way in it
  if (accept(errand.batch, sizes)) return answer;
  run(errand.batch, errand.steps);
  return answer_.begin();
}

template <class Real> class Launcher<Real>::UnderWay final : public Begun {
 public:
  UnderWay(Launcher& launcher, const Errand& errand, Want want) : launcher_(launcher), errand_(errand), want_(want) { launcher_.under_way_++; }
  ~UnderWay() override {
    if (!left_) launcher_.device_->settle();  // as or_as_before does
    leave();
  }
  UnderWay(const UnderWay&) = delete;

  bool is_done() override {
    return errand_.turn ? launcher_.courier_.has_answer(*errand_.turn) : launcher_.has_come(errand_) || launcher_.device_->is_past(*launcher_.returned_);
  }
  void end(Evaluation& result) override {
    leave();
    launcher_.or_as_before([&] {
      const std::byte* answer = launcher_.await(errand_);
      make_room(result, want_, errand_.batch.atoms(), errand_.batch.structures());
      read_answer(answer, want_, errand_.batch.atoms(), errand_.batch.structures(), result);
    });
    launcher_.edges_ = std::accumulate(result.edges.begin(), result.edges.end(), int64_t{0});
  }

 private:
  void leave() {
    if (!left_) launcher_.under_way_--;
    left_ = true;
  }

  Launcher& launcher_;
  const Errand errand_;
  const Want want_;
  bool left_ = false;
};

/// None for a set that goes in portions, nor beside another for what memory has to be laid out for.
template <class Real> std::unique_ptr<Begun> Launcher<Real>::begin(const Batch& batch, Want want) {
  const Capacity needed = capacity_for(batch.atoms(), batch.structures());
  if (cut(batch).size() > 1 || (under_way_ > 0 && !fits(needed))) return nullptr;
  std::unique_ptr<Begun> begun;
  or_as_before([&] {
    if (under_way_ == 0) {
      reserve(needed);
      begun = std::make_unique<UnderWay>(*this, set_out(batch, steps_for(want)), want);
    } else {
      // Of all that fits: it cannot grow while it has one under way.
      courier_.reserve(request_bytes(capacity_.atoms, capacity_.structures), answer_bytes(capacity_.atoms, capacity_.structures));
      begun = std::make_unique<UnderWay>(*this, carry(batch, steps_for(want), nullptr), want);
    }
  });
  return begun;
}

template typename Launcher<float>::Errand Launcher<float>::carry(const Batch&, Steps, Trace*);
template typename Launcher<double>::Errand Launcher<double>::carry(const Batch&, Steps, Trace*);
template bool Launcher<float>::sees_answer(const Errand&);
template bool Launcher<double>::sees_answer(const Errand&);
template const std::byte* Launcher<float>::await(const Errand&);
template const std::byte* Launcher<double>::await(const Errand&);
template std::unique_ptr<Begun> Launcher<float>::begin(const Batch&, Want);
template std::unique_ptr<Begun> Launcher<double>::begin(const Batch&, Want);

}  // namespace painnless::cuda
