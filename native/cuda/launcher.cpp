#include "launcher.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>

namespace painnless::cuda {

/// Grows the arena where it is too small.
template <class Real> void Launcher<Real>::reserve(Capacity needed) {
  if (fits(needed)) return;
  lay_out({std::max(capacity_.atoms, needed.atoms), std::max(capacity_.structures, needed.structures), std::max(capacity_.edges, needed.edges), std::max(capacity_.pairs, needed.pairs)});
}

template <class Real> void Launcher<Real>::or_as_before(const std::function<void()>& work) {
  const Capacity before = capacity_;
  try {
    work();
  } catch (const OutOfMemory&) {
    device_->settle();
    if (under_way_ == 0) courier_.give_back();  // else it may hold an answer
    if (capacity_ != before) lay_out(before);
    throw;
  } catch (...) {
    device_->settle();  // what is under way reads and writes pinned memory, which the next call writes and reads
    throw;
  }
}

template <class Real> void Launcher<Real>::lay_out(Capacity capacity) {
  device_->settle();  // a kernel whose answer has come may not have ended
  graphs_.clear();  // they hold addresses
  capacity_ = {};
  arena_ = {}, request_ = {}, answer_ = {};  // the old ones go before the new ones come
  if (capacity.atoms == 0) return;
  const auto take = [&](Arena& arena) {
    space_.lay_out(arena, capacity, shape_);
    for (auto& schedule : schedules_) schedule->lay_out(arena, capacity);
  };
  Arena counted;
  take(counted);
  Buffer memory(*device_, counted.bytes());
  Pinned request(*device_, request_bytes(capacity.atoms, capacity.structures)), answer(*device_, answer_bytes(capacity.atoms, capacity.structures));
  answer_on_host_ = reinterpret_cast<unsigned char*>(device_->address_of(answer.begin()));
  arena_ = std::move(memory), request_ = std::move(request), answer_ = std::move(answer);  // all of them or none
  Arena arena(arena_.begin());
  take(arena);
  for (auto& schedule : schedules_) clear(*schedule);
  // The gaps between the parts of an answer are sent as well, and what is behind a request is read with it.
  device_->fill(reinterpret_cast<Address>(space_.request), 0, request_bytes(capacity.atoms, capacity.structures));
  device_->fill(reinterpret_cast<Address>(space_.answer), 0, answer_bytes(capacity.atoms, capacity.structures));
  capacity_ = capacity;
  allocations_++;
}

template <class Real> Schedule<Real>& Launcher<Real>::choose(const Batch& batch) const {
  return **std::find_if(schedules_.begin(), schedules_.end(), [&](const auto& each) { return each->takes(batch.atoms(), batch.structures()); });
}

/// The step of the ladder whose launches serve the batch.
template <class Real> Capacity Launcher<Real>::room_for(const Batch& batch, Steps steps) const {
  const int atoms = steps == Steps::search ? next_bucket(batch.atoms(), 16) : schedule_->bucket(batch.atoms());
  return {std::min(atoms, capacity_.atoms), std::min(next_bucket(batch.structures(), 1), capacity_.structures), capacity_.edges};
}

template <class Real> void Launcher<Real>::launch(const Batch& batch, Steps steps, Memory answer, double skin) {
  const Range range(name_of(steps));
  const auto [atoms, structures, edges, pairs] = room_for(batch, steps);
  if (steps == Steps::search)
    search_.launch(*device_, programs_, space_, atoms, needs_bins(batch), nullptr, skin);
  else
    schedule_->launch(space_, answer == Memory::host ? answer_on_host_ : space_.answer, atoms, structures, steps == Steps::gradient);
}

/// The recorded launches that serve a batch of this size.
template <class Real> Graph& Launcher<Real>::graph(const Batch& batch, Steps steps, Memory answer) {
  const auto [atoms, structures, edges, pairs] = room_for(batch, steps);
  auto& recorded = graphs_[{steps == Steps::search ? nullptr : schedule_, steps, atoms, structures, needs_bins(batch), answer}];
  if (!recorded) recorded = record([&] { launch(batch, steps, answer); });
  return *recorded;
}

template <class Real> std::unique_ptr<Graph> Launcher<Real>::record(const std::function<void()>& launches) {
  const Range range("record");
  auto graph = device_->record(launches);
  captures_++;
  return graph;
}

/// When memory has been laid out, and when a launch has failed.
template <class Real> void Launcher<Real>::clear(const Schedule<Real>& schedule) {
  if (const auto [begin, bytes] = schedule.kept(); bytes > 0) device_->fill(begin, 0, bytes);
}

/// Nothing stays but what is kept.
template <class Real> void Launcher<Real>::poison() {
  Address at = arena_.begin();
  const auto fill_up_to = [&](Address end) { device_->fill(at, nothing, end - at); };
  for (const auto& schedule : schedules_)
    if (const auto [begin, bytes] = schedule->kept(); bytes > 0) {  // in the order in which they were laid out
      fill_up_to(begin);
      at = begin + bytes;
    }
  fill_up_to(arena_.begin() + arena_.bytes());
}

template <class Real> void Launcher<Real>::send(const Batch& batch, double nearest, double skin) {
  const Range range("request");
  if (poisoned_) poison();
  write_request(batch, search_.reach(skin), config_.edge_at_cutoff, nearest, request_.begin());
  device_->upload(reinterpret_cast<Address>(space_.request), request_.begin(), request_bytes(batch.atoms(), batch.structures()));
}

template <class Real> void Launcher<Real>::grow(const Batch& batch, int edges, double skin) {
  if (schedule_ != schedules_.back().get()) return schedule_->outgrow(batch.atoms());
  if (edges > most_edges)
    throw InputError("BAD_STRUCTURE", "positions", "more than 2^28 edges within the cutoff: the atoms are too dense or too many");
  const int room = std::min(next_bucket(edges, 16), most_edges);
  const Capacity needed{capacity_.atoms, capacity_.structures, room, search_.pairs_for(room, skin)};
  if (skin > 0 && fits(needed)) throw InputError("BAD_STRUCTURE", "skin", "more than 2^30 pairs within the cutoff and the skin: a smaller skin has fewer");
  reserve(needed);
}

/// Queues what was recorded for a batch whose request is there.
template <class Real> void Launcher<Real>::replay(const Batch& batch, Steps steps, Memory answer) {
  const auto stage = [&](Steps which) {
    const Range range(name_of(which));
    device_->replay(graph(batch, which, answer));
  };
  if (!schedule_->searches()) stage(Steps::search);
  stage(steps);
}

/// Is a batch answered? Where the edges found do not fit, nothing was computed from them, and now there is room to do it again.
template <class Real> bool Launcher<Real>::accept(const Batch& batch, const Sizes& sizes) {
  if (sizes.status & unfinished) {
    failures_++;
    clear(*schedule_);
    throw std::runtime_error(std::string("the kernel of the ") + schedule_->name() +
                             (sizes.status < 0 ? " schedule has not run" : " schedule waited for its own blocks in vain, and gave up"));
  }
  if (sizes.status & ~(too_many_edges | outgrown)) refuse(batch, config_.cutoff, config_.edge_at_cutoff, sizes.status);
  if (sizes.status != 0) {
    grow(batch, sizes.found, 0);
    return false;
  }
  for (auto& schedule : schedules_) schedule->learn(batch.atoms(), sizes.found);
  return true;
}

/// Queues all of an evaluation that nothing goes beside. An answer that its kernel writes to the host's memory is none before: no number of the last one is left.
template <class Real> typename Launcher<Real>::Errand Launcher<Real>::ask(const Batch& batch, Steps steps) {
  schedule_ = &choose(batch);
  send(batch, 0, 0);
  const size_t bytes = answer_bytes(batch.atoms(), batch.structures());
  if (own_memory() == Memory::host) std::memset(answer_.begin(), nothing, bytes);
  replay(batch, steps, own_memory());
  if (own_memory() == Memory::card) device_->download(answer_.begin(), reinterpret_cast<Address>(space_.answer), bytes);
  return {batch, steps, schedule_, std::nullopt, failures_};
}

template <class Real> void Launcher<Real>::run(const Batch& batch, Steps steps) {
  reserve(capacity_for(batch.atoms(), batch.structures()));
  do {
    const Errand errand = ask(batch, steps);
    const Range range("answer");
    if (!sees_answer(errand)) device_->wait();
  } while (!accept(batch, sizes_of_answer(answer_.begin())));
}

template <class Real> void Launcher<Real>::answer(const Batch& batch, Want want, Evaluation& result) {
  if (const auto portions = cut(batch); portions.size() > 1) {
    answer_in_portions(batch, portions, want, result, nullptr);
  } else {
    run(batch, steps_for(want));
    make_room(result, want, batch.atoms(), batch.structures());
    read_answer(answer_.begin(), want, batch.atoms(), batch.structures(), result);
  }
  edges_ = std::accumulate(result.edges.begin(), result.edges.end(), int64_t{0});
}

template <class Real> Evaluator::Places Launcher<Real>::prepare(const Batch& batch, double nearest, double skin) {
  schedule_ = &choose(batch);
  if (schedule_->searches()) skin = 0;
  Capacity needed = capacity_for(batch.atoms(), batch.structures());
  needed.pairs = search_.pairs_for(needed.edges, skin);  // not of all the edges that some larger batch had room for
  try {
    reserve(needed);
  } catch (const OutOfMemory&) {  // without pairs each step searches, for the same bits
    if (skin == 0) throw;
    skin = 0, needed.pairs = 0;
    reserve(needed);
  }
  send(batch, nearest, skin);
  if (skin > 0) search_.forget(*device_, space_, batch.atoms());
  const auto at = [](auto* begin, size_t bytes) { return reinterpret_cast<double*>(reinterpret_cast<Address>(begin) + bytes); };
  return {.positions = at(space_.request, positions_at(batch.structures())),
          .sizes = reinterpret_cast<const Sizes*>(space_.answer),
          .energies = at(space_.answer, energies_at()),
          .forces = at(space_.answer, forces_at(batch.atoms(), batch.structures())),
          .skin = skin,
          .bins = needs_bins(batch),
          .layout = 2 * allocations_ + (schedule_ == schedules_.back().get())};
}

template <class Real> void Launcher<Real>::launch(const Batch& batch, double skin) {
  if (!schedule_->searches()) launch(batch, Steps::search, Memory::card, skin);
  launch(batch, Steps::gradient, Memory::card);
}

template <class Real> CudaEngine::Seconds Launcher<Real>::device_seconds(const Batch& batch, Want want, int count, bool cold) {
  const Steps steps = steps_for(want);
  Seconds seconds;
  or_as_before([&] {
    run(batch, steps);
    const auto mean = [&](Steps which) { return mean_seconds(*device_, graph(batch, which, own_memory()), count, cold); };
    seconds = {schedule_->searches() ? 0 : mean(Steps::search), mean(steps)};
  });
  return seconds;
}

template <class Real> CudaProfile Launcher<Real>::profile(const Batch& batch, Want want, int rounds) {
  CudaProfile profile;
  or_as_before([&] {
    run(batch, steps_for(want));
    const auto stage = [&](Steps steps) { return Stage{&graph(batch, steps, own_memory()), [&, steps] { launch(batch, steps, own_memory()); }}; };
    profile = take_profile(*device_, programs_, schedule_->searches() ? Stage{} : stage(Steps::search), stage(steps_for(want)), rounds);
    profile.edges = sizes_of_answer(answer_.begin()).found;
    profile.portions = trace_portions(batch, want, rounds);
  });
  return profile;
}

template <class Real> CudaNeighbors Launcher<Real>::neighbors(const Batch& batch) {
  CudaNeighbors list;
  or_as_before([&] {
    run(batch, Steps::energy);  // tells how many there are
    const size_t edges = static_cast<size_t>(sizes_of_answer(answer_.begin()).found);
    reserve({capacity_.atoms, capacity_.structures, next_bucket(static_cast<int>(edges), 16)});
    send(batch, 0, 0);
    if (edges > 0) list = search_.list(*device_, programs_, space_, batch.atoms(), needs_bins(batch), edges);
  });
  return list;
}

template class Launcher<float>;
template class Launcher<double>;

}  // namespace painnless::cuda
