#pragma once
// Threads that work on one evaluation together, and meet often: a stage of a small molecule lasts a microsecond.
#include <atomic>
#include <chrono>
#include <exception>
#include <limits>
#include <thread>
#include <vector>

namespace painnless {

/// All threads of a team wait here for each other. Spins (40-160 ns when all arrive together), and yields its core when others need it.
class Barrier {
 public:
  using Time = std::chrono::steady_clock::duration;

  explicit Barrier(int threads) : flags_(threads) {}
  void wait(int thread);
  /// The longest that a thread has waited here, since this was asked last, for others that were not about to come. Asked while nobody waits.
  Time delay();

 private:
  struct alignas(128) Flag {
    std::atomic<unsigned> generation{0};
    Time delay{};
  };
  std::vector<Flag> flags_;
};

/// Keeps `threads - 1` helpers; they spin for a moment after each job, then park until the next.
class Team {
 public:
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  int size() const { return static_cast<int>(helpers_.size()) + 1; }
  Barrier& barrier() { return barrier_; }

  /// job(thread) on every thread, the caller's being thread 0; returns when all are done. The first exception is thrown again here.
  template <class Job> void run(Job&& job) {
    run([](void* context, int thread) { (*static_cast<Job*>(context))(thread); }, &job);
  }

  /// How many threads are worth using for work of this size that meets at the barrier: all; or one for a while where other processes have
  /// held up the last runs, as every meeting waits until the last thread gets a core again; or one where the helpers are parked and the work
  /// is so short that to wake them takes longer than they save.
  int useful_threads(double size);
  /// work(), which takes as long as so much of such work does with the threads that useful_threads said.
  template <class Work> void timed(double size, Work&& work) {
    const auto start = Clock::now();
    work();
    last_end_ = Clock::now();
    per_size_ = std::chrono::duration<double>(last_end_ - start).count() / size;
  }
  /// run() of such work.
  template <class Job> void run_meeting(Job&& job) {
    const auto start = Clock::now();
    run(std::forward<Job>(job));
    judge(barrier_.delay(), Clock::now() - start);
  }

 private:
  using Clock = std::chrono::steady_clock;

  void judge(Barrier::Time delay, Barrier::Time whole);
  void run(void (*job)(void*, int), void* context);
  void help(int thread);
  void leave_shared_core(int thread);

  static constexpr int judged_runs = 16;                               // a moment's delay is chance; so many runs are looked at together,
  static constexpr auto judged_delay = std::chrono::milliseconds(20);  // or fewer that were held up so long
  static constexpr double worthwhile = 0.4;                            // delayed by more of its time, a run of two threads is slower than one thread
  static constexpr auto patience = std::chrono::microseconds(200);     // of a helper, until it parks: one that went on would keep a busy neighbour's core
  static constexpr double short_work = 700e-6;                         // s: two threads save less of it than it takes to wake one, some 0.1 ms
  // Time, not runs: of a large structure, a few runs last longer than whatever held them up.
  static constexpr auto shortest_rest = std::chrono::milliseconds(4), longest_rest = std::chrono::milliseconds(1024);

  Barrier barrier_;
  std::vector<std::atomic<int>> cores_;  // on which each thread began its last job; -1: not known
  std::vector<std::thread> helpers_;
  void (*job_)(void*, int) = nullptr;
  void* context_ = nullptr;
  Clock::time_point last_end_{};
  double per_size_ = std::numeric_limits<double>::infinity();  // s
  int runs_ = 0;  // since the last judgement, with
  Barrier::Time delay_{}, whole_{};
  Clock::time_point alone_until_{};
  std::chrono::milliseconds rest_ = shortest_rest;  // after the next judgement against many
  std::atomic<unsigned> round_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> stop_{false};
  std::exception_ptr failure_;
  std::atomic_flag failed_ = ATOMIC_FLAG_INIT;
};

}  // namespace painnless
