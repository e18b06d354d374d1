#pragma once
// The threads of emulated blocks: each has a stack of its own and runs until it meets others.
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "place.h"
#include "runtime.h"

namespace painnless::cuda::emulator {

/// Unfair: blocks go on only as long as none before them can.
enum class Turns { ascending, descending, shuffled, unfair };

class Fibers {
 public:
  Fibers();
  ~Fibers();
  Fibers(const Fibers&) = delete;
  Fibers& operator=(const Fibers&) = delete;

  Runtime& runtime() { return runtime_; }
  void set_turns(Turns turns) { turns_ = turns; }
  /// The block that runtime() names, or as many as it counts along x, all at once. Throws std::runtime_error where threads wait in vain.
  void run(Kernel kernel, const void* argument, int threads, int blocks = 1);

 private:
  enum class State : char { done, ready, at_block, at_first, at_warp, at_cluster, waiting };
  struct Fiber {
    std::unique_ptr<unsigned char[]> stack;
    Place place;
    int parity = 0;  // which set of exchange slots comes next
  };
  struct Warp {
    unsigned long long slots[2][32][6];
  };
  struct Sent {
    void* to;
    std::vector<unsigned char> bytes;
  };

  static void enter();
  int receive(const void* arrivals);
  void resume(int index);
  void leave(State state);
  bool release();
  bool release_warp(int warp);
  bool release_block(int block);
  bool release_cluster(int thread);
  bool release(int first, int count, State meeting, const char* what, bool some_may_be_done);
  void shuffle();

  Runtime runtime_{};
  Turns turns_ = Turns::ascending;
  std::vector<Fiber> fibers_;
  std::vector<State> states_;  // of those that take part, close together: all are looked at again and again
  std::vector<Warp> warps_;
  std::vector<int> order_, ended_;  // threads that have ended, of each block
  std::vector<char> begun_;
  std::unordered_map<const void*, std::vector<Sent>> under_way_;  // by where it is counted
  uint64_t seed_ = 1;
  int current_ = 0, threads_ = 0, blocks_ = 1, first_ = 0;  // threads of a block, and those that meet by themselves
  unsigned char* shared_ = nullptr;
  Kernel kernel_ = nullptr;
  const void* argument_ = nullptr;
  Place scheduler_;
};

}  // namespace painnless::cuda::emulator
