#include "job.h"

#include <utility>

namespace painnless {

void Desk::close() {
  closed = true;
  for (Job* job : std::exchange(waiting, {})) job->refuse();
  if (!running) engine.reset();
}

void Desk::start_next() {
  if (running || waiting.empty()) return;
  Job* next = waiting.front();
  waiting.pop_front();
  running = true;
  next->Queue();
}

Napi::Promise Job::start(Napi::Env env, const std::shared_ptr<Desk>& desk, std::function<Answer(Engine&)> work) {
  desk->require_open(env);
  auto* job = new Job(env, desk, std::move(work));
  const auto promise = job->promise_.Promise();
  desk->waiting.push_back(job);
  desk->start_next();
  return promise;
}

Napi::Promise Job::at_once(Napi::Env env, Desk& desk, const std::function<Answer(Engine&)>& work) {
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

void Job::OnOK() {
  desk_->running = false;
  desk_->pace.turn();
  if (desk_->closed) desk_->engine.reset();
  if (settle())
    desk_->start_next();
  else
    for (Job* job : std::exchange(desk_->waiting, {})) job->Destroy();
}

}  // namespace painnless
