#include "job.h"

#include <utility>

namespace painnless {

void Desk::close() {
  closed = true;
  for (Job* job : take_all()) job->refuse();
  if (!running) engine.reset();
}

void Desk::start_next() {
  if (running) return;
  Job* job = next ? std::exchange(next, nullptr) : take_first();
  if (!job) return;
  running = true;
  job->Queue();
}

void Desk::begin_next() {
  if (next) return;
  {
    const std::lock_guard lock(taking);
    if (waiting.empty() || !waiting.front()->has_first_half()) return;
    next = waiting.front();
    waiting.pop_front();
  }
  next->begin();
}

void Desk::add(Job* job) {
  const std::lock_guard lock(taking);
  waiting.push_back(job);
}

std::deque<Job*> Desk::take_all() {
  const std::lock_guard lock(taking);
  return std::exchange(waiting, {});
}

Job* Desk::take_first() {
  const std::lock_guard lock(taking);
  if (waiting.empty()) return nullptr;
  Job* first = waiting.front();
  waiting.pop_front();
  return first;
}

Napi::Promise Job::start(Napi::Env env, const std::shared_ptr<Desk>& desk, Work work, FirstHalf first_half) {
  desk->require_open(env);
  auto* job = new Job(env, desk, std::move(work), std::move(first_half));
  const auto promise = job->promise_.Promise();
  desk->add(job);
  desk->start_next();
  return promise;
}

Napi::Promise Job::at_once(Napi::Env env, Desk& desk, const Work& work) {
  desk.require_open(env);
  const auto start = Pace::Clock::now();
  const auto promise = Task::at_once(env, [&] { return work(*desk.engine); });
  desk.pace.did_at_once(Pace::Clock::now() - start);
  return promise;
}

void Job::refuse() {
  promise_.Reject(error_to(Env(), {"CANCELLED", "", "the engine was closed before this evaluation began"}).Value());
  Destroy();
}

void Job::begin() {
  attempt([&] { is_short_ = first_half_(*desk_->engine); });
}

/// Short ones behind a short one go along: the way to this thread and back takes as long as they do.
void Job::Execute() {
  const auto start = Pace::Clock::now();
  Task::Execute();
  while (desk_->next && desk_->next->is_short_ && Pace::Clock::now() - start < Pace::longest_short) {
    along_.push_back(desk_->next);
    desk_->next = nullptr;
    along_.back()->Task::Execute();
  }
}

void Job::OnOK() {
  desk_->running = false;
  desk_->pace.turn();
  if (desk_->next) desk_->start_next();  // before JavaScript hears of this one, which takes its time
  if (desk_->closed && !desk_->running) desk_->engine.reset();
  bool heard = settle();
  for (Job* job : along_) {
    heard = heard && job->settle();
    job->Destroy();
  }
  if (heard)
    desk_->start_next();
  else
    for (Job* job : desk_->take_all()) job->Destroy();
}

}  // namespace painnless
