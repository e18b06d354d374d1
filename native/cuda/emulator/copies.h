#pragma once
// Copies that go on while their thread does something else (kernels/copies.cuh): here they are made as late as they may be, when somebody waits for their group, so that
// who reads before that finds nothing; or, if that is set, at once, so that they come over what is still to be read.
#include <stddef.h>

#include <deque>
#include <vector>

namespace painnless::cuda::emulator {

class Copies {
 public:
  void ask(void* to, const void* from) {
    begin();
    if (runtime->early_rows) memcpy(to, from, 16);
    else open_.push_back({to, from});
  }
  void end() {
    begin();
    groups_.push_back(std::move(open_));
    open_.clear();
  }
  void wait(size_t under_way) {
    for (; groups_.size() > under_way; groups_.pop_front())
      for (const auto& [to, from] : groups_.front()) memcpy(to, from, 16);
  }

 private:
  struct Copy {
    void* to;
    const void* from;
  };
  void begin() {
    if (run_ != runtime->run) groups_.clear(), open_.clear();  // of a block that has ended
    run_ = runtime->run;
  }
  std::vector<Copy> open_;
  std::deque<std::vector<Copy>> groups_;
  long run_ = 0;
};

/// Blocks of clusters run at once.
inline Copies& copies_of_thread() {
  static std::deque<Copies> all;
  const size_t thread = (runtime->cluster > 0 ? runtime->block.x * runtime->threads.x : 0) + runtime->thread.x;
  if (all.size() <= thread) all.resize(thread + 1);
  return all[thread];
}

}  // namespace painnless::cuda::emulator
