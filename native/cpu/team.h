#pragma once
// Threads that work on one evaluation together, and meet often: a stage of a small molecule lasts a microsecond.
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace painnless {

/// All threads of a team wait here for each other. Spins (40-160 ns when all arrive together), and yields its core when others need it.
class Barrier {
 public:
  explicit Barrier(int threads) : flags_(threads) {}
  void wait(int thread);

 private:
  struct alignas(128) Flag {
    std::atomic<unsigned> generation{0};
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

 private:
  void run(void (*job)(void*, int), void* context);
  void help(int thread);

  Barrier barrier_;
  std::vector<std::thread> helpers_;
  void (*job_)(void*, int) = nullptr;
  void* context_ = nullptr;
  std::atomic<unsigned> round_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> stop_{false};
  std::exception_ptr failure_;
  std::atomic_flag failed_ = ATOMIC_FLAG_INIT;
};

}  // namespace painnless
