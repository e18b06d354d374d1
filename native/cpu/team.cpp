#include "team.h"

#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <cstring>
#include <utility>

namespace painnless {

namespace {

void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

#ifdef __linux__

int current_core() { return sched_getcpu(); }

/// Moves the calling thread to a core that it may use and where none of `cores` is, if there is one. What another process says meanwhile of where
/// it may run is lost.
void move_from(const std::vector<std::atomic<int>>& cores) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;  // there are more cores than a set holds
  cpu_set_t others = allowed;
  for (const auto& core : cores)
    if (const int taken = core.load(std::memory_order_relaxed); taken >= 0) CPU_CLR(taken, &others);
  if (CPU_COUNT(&others) == 0 || sched_setaffinity(0, sizeof others, &others) != 0) return;
  if (sched_setaffinity(0, sizeof allowed, &allowed) == 0) return;
  std::memset(&allowed, 0xff, sizeof allowed);  // none of them is ours any more: wherever we may be now
  sched_setaffinity(0, sizeof allowed, &allowed);
}

#else

int current_core() { return -1; }
void move_from(const std::vector<std::atomic<int>>&) {}

#endif

constexpr int eager_looks = 2000;  // some 20 microseconds

/// Waits until `ready()`; after the eager looks offers the core to others between looks. Returns how long it did so.
template <class Ready> Barrier::Time spin_until(Ready ready) {
  for (int look = 0; look < eager_looks; ++look) {
    if (ready()) return Barrier::Time::zero();
    relax();
  }
  const auto start = std::chrono::steady_clock::now();
  while (!ready()) std::this_thread::yield();
  return std::chrono::steady_clock::now() - start;
}

}  // namespace

void Barrier::wait(int thread) {
  if (flags_.size() == 1) return;
  const unsigned generation = flags_[thread].generation.load(std::memory_order_relaxed) + 1;
  flags_[thread].generation.store(generation, std::memory_order_release);
  for (size_t other = 0; other < flags_.size(); ++other)
    if (static_cast<int>(other) != thread)
      flags_[thread].delay += spin_until([&] { return static_cast<int>(flags_[other].generation.load(std::memory_order_acquire) - generation) >= 0; });
}

Barrier::Time Barrier::delay() {
  Time longest{};
  for (Flag& flag : flags_) longest = std::max(longest, std::exchange(flag.delay, Time::zero()));
  return longest;
}

Team::Team(int threads) : barrier_(threads), cores_(threads) {
  for (auto& core : cores_) core.store(-1);
  for (int t = 1; t < threads; ++t) helpers_.emplace_back([this, t] { help(t); });
}

Team::~Team() {
  stop_.store(true);
  round_.fetch_add(1);
  round_.notify_all();
  for (auto& helper : helpers_) helper.join();
}

void Team::run(void (*job)(void*, int), void* context) {
  if (helpers_.empty()) return job(context, 0);
  job_ = job;
  context_ = context;
  failure_ = nullptr;
  failed_.clear();
  busy_.store(static_cast<int>(helpers_.size()), std::memory_order_relaxed);
  cores_[0].store(current_core(), std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
  try {
    job(context, 0);
  } catch (...) {
    if (!failed_.test_and_set()) failure_ = std::current_exception();
  }
  spin_until([&] { return busy_.load(std::memory_order_acquire) == 0; });
  if (failure_) std::rethrow_exception(failure_);
}

int Team::useful_threads(double size) {
  if (helpers_.empty()) return 1;
  const auto now = Clock::now();
  const bool parked = now - last_end_ > patience;
  return now < alone_until_ || (parked && size * per_size_ < short_work) ? 1 : this->size();
}

void Team::judge(Barrier::Time delay, Barrier::Time whole) {
  delay_ += delay, whole_ += whole;
  if (++runs_ < judged_runs && delay_ < judged_delay) return;
  if (static_cast<double>(delay_.count()) > worthwhile * static_cast<double>(whole_.count())) {
    alone_until_ = Clock::now() + rest_;
    rest_ = std::min(2 * rest_, longest_rest);
  } else {
    rest_ = std::max(rest_ / 2, shortest_rest);
  }
  runs_ = 0;
  delay_ = whole_ = {};
}

/// Linux wakes a helper on the core of whoever wakes it even where another idles, and looks for such pairs every 4 ms only: a run of 0.8 ms then
/// takes 3, as its threads meet by turns on one core.
void Team::leave_shared_core(int thread) {
  const int core = current_core();
  const auto is_taken = [core](const std::atomic<int>& other) { return other.load(std::memory_order_relaxed) == core; };
  cores_[thread].store(-1, std::memory_order_relaxed);
  if (core >= 0 && std::any_of(cores_.begin(), cores_.begin() + thread, is_taken)) move_from(cores_);
  cores_[thread].store(current_core(), std::memory_order_relaxed);
}

void Team::help(int thread) {
  unsigned seen = 0;
  for (;;) {
    const auto idle_since = std::chrono::steady_clock::now();
    unsigned round;
    for (int look = 0; (round = round_.load(std::memory_order_acquire)) == seen; ++look) {
      if (look < eager_looks) {
        relax();
        continue;
      }
      std::this_thread::yield();  // whoever carries the answer away and brings the next question may need this very core
      if (std::chrono::steady_clock::now() - idle_since > patience) round_.wait(seen, std::memory_order_acquire);
    }
    seen = round;
    if (stop_.load()) return;
    leave_shared_core(thread);
    try {
      job_(context_, thread);
    } catch (...) {
      if (!failed_.test_and_set()) failure_ = std::current_exception();
    }
    busy_.fetch_sub(1, std::memory_order_acq_rel);
  }
}

}  // namespace painnless
