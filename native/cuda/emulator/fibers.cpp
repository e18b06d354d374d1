#include "fibers.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <stdexcept>
#include <string>

namespace painnless::cuda::emulator {
namespace {

constexpr size_t stack_bytes = 256 << 10;
Fibers* active = nullptr;  // a place takes no arguments; one launch runs at a time in a process

}  // namespace

Fibers::Fibers() {
  runtime_.meet_block = [] { active->leave(State::at_block); };
  runtime_.meet_warp = [] { active->leave(State::at_warp); };
  runtime_.meet_first = [](int threads) {
    active->first_ = threads;
    active->leave(State::at_first);
  };
  runtime_.meet_cluster = [] { active->leave(State::at_cluster); };
  runtime_.has_ended = [](unsigned block) { return active->ended_[block] == active->threads_; };
  runtime_.has_begun = [](unsigned block) { return active->begun_[block] != 0; };
  runtime_.send = [](const void* arrivals, void* to, const void* from, int bytes) {
    const auto* begin = static_cast<const unsigned char*>(from);
    active->under_way_[arrivals].push_back({to, {begin, begin + bytes}});
  };
  runtime_.receive = [](const void* arrivals) { return active->receive(arrivals); };
  runtime_.let_others_run = [] { active->leave(State::waiting); };
  runtime_.next_exchange = [] {
    Fiber& own = active->fibers_[active->current_];
    own.parity ^= 1;
    active->leave(State::at_warp);
  };
}

Fibers::~Fibers() = default;

/// The body of every fiber: one block after the other, for as long as it is asked.
void Fibers::enter() {
  for (;;) {
    active->kernel_(active->argument_);
    active->leave(State::done);
  }
}

/// Back to the scheduler; returns when it is this thread's turn again.
void Fibers::leave(State state) {
  states_[current_] = state;
  if (state == State::done) ended_[current_ / threads_]++;
  go(fibers_[current_].place, scheduler_);
}

int Fibers::receive(const void* arrivals) {
  const auto found = under_way_.find(arrivals);
  if (found == under_way_.end()) return 0;
  int bytes = 0;
  for (const Sent& sent : found->second) {
    std::memcpy(sent.to, sent.bytes.data(), sent.bytes.size());
    bytes += static_cast<int>(sent.bytes.size());
  }
  under_way_.erase(found);
  return bytes;
}

void Fibers::resume(int index) {
  Fiber& fiber = fibers_[index];
  current_ = index;
  begun_[index / threads_] = true;
  runtime_.thread = {static_cast<unsigned>(index % threads_), 0, 0};
  if (blocks_ > 1) {
    runtime_.block = {static_cast<unsigned>(index / threads_), 0, 0};
    runtime_.shared = shared_ + index / threads_ * runtime_.shared_stride;
  }
  runtime_.exchange = &warps_[index / 32].slots[fiber.parity];
  states_[index] = State::ready;
  go(scheduler_, fiber.place);
}

/// Lets `count` threads from `first` on go if they have all come to the meeting, but for those whose work is done where that is allowed.
bool Fibers::release(int first, int count, State meeting, const char* what, bool some_may_be_done) {
  const auto begin = states_.begin() + first, end = begin + count;
  const int waiting = static_cast<int>(std::count(begin, end, meeting));
  if (waiting == 0) return false;
  const int done = static_cast<int>(std::count(begin, end, State::done));
  if (waiting + (some_may_be_done ? done : 0) == count) {
    std::replace(begin, end, meeting, State::ready);
    return true;
  }
  if (done > 0 && !some_may_be_done) throw std::runtime_error("emulated GPU: " + std::to_string(count - waiting) + " threads of a " + what + " never reach its barrier");
  return false;
}

bool Fibers::release_warp(int warp) { return release(32 * warp, 32, State::at_warp, "warp", true); }

bool Fibers::release_block(int block) {
  const bool all = release(block * threads_, threads_, State::at_block, "block", false);
  return (first_ > 0 && release(block * threads_, first_, State::at_first, "block", false)) || all;
}

/// That which a thread is of.
bool Fibers::release_cluster(int thread) {
  const int cluster = static_cast<int>(runtime_.cluster) * threads_;
  return cluster > 0 && release(thread / cluster * cluster, cluster, State::at_cluster, "cluster", false);
}

bool Fibers::release() {
  bool any = false;
  const int all = threads_ * blocks_;
  for (int warp = 0; warp * 32 < all; warp++) any |= release_warp(warp);
  for (int block = 0; block < blocks_; block++) any |= release_block(block);
  for (int first = 0; runtime_.cluster > 0 && first < all; first += static_cast<int>(runtime_.cluster) * threads_) any |= release_cluster(first);
  return any;
}

void Fibers::run(Kernel kernel, const void* argument, int threads, int blocks) {
  if (threads % 32 != 0) throw std::runtime_error("emulated GPU: a block of " + std::to_string(threads) + " threads is not of whole warps");
  const int all = threads * blocks;
  while (static_cast<int>(fibers_.size()) < all) {
    fibers_.emplace_back();
    fibers_.back().stack.reset(new unsigned char[stack_bytes]);  // not cleared: most of it is never touched
    // Tops at one place of a page would take each other's lines in the cache.
    fibers_.back().place = begin_at(&Fibers::enter, fibers_.back().stack.get(), stack_bytes - fibers_.size() * 320 % 8192);
  }
  warps_.resize(std::max<size_t>(warps_.size(), all / 32));
  active = this;
  kernel_ = kernel;
  argument_ = argument;
  threads_ = threads;
  blocks_ = blocks;
  first_ = 0;
  ended_.assign(blocks, 0);
  begun_.assign(blocks, false);
  runtime_.lost = runtime_.early = 0;
  runtime_.run++;
  under_way_.clear();
  shared_ = runtime_.shared;
  states_.assign(all, State::ready);
  order_.resize(all);
  std::iota(order_.begin(), order_.end(), 0);
  if (turns_ == Turns::descending) std::reverse(order_.begin(), order_.end());
  try {
    for (bool idle = false;;) {  // idle: whoever ran in the last round only asked whether what it waits for has come
      bool ran = false, waiting = false, own = false;
      const auto let_run = [&](int from, int count) {
        for (int k = from; k < from + count; k++) {
          const int i = order_[k];
          const bool again = states_[i] == State::waiting;
          if (states_[i] != State::ready && !again) continue;
          resume(i);
          waiting |= states_[i] == State::waiting;
          own |= !again || states_[i] != State::waiting;
          ran |= own;
        }
      };
      if (turns_ == Turns::shuffled) {
        shuffle();
        let_run(0, all);
      } else {
        // A warp, and a block, goes on as long as it needs no others: what it works on is at hand, and it is as far ahead of them as it may be.
        for (int block = 0; block < all; block = turns_ == Turns::unfair && own ? 0 : block + threads) {
          own = false;
          do
            for (int warp = block; warp < block + threads; warp += 32)
              do let_run(warp, 32);
              while (release_warp(order_[warp] / 32));
          while (release_block(order_[block] / threads));
          if (turns_ == Turns::unfair) own |= release_cluster(block);
        }
      }
      if (release() || ran) {
        idle = false;
        continue;
      }
      const bool finished = std::all_of(states_.begin(), states_.end(), [](State state) { return state == State::done; });
      if (finished && !under_way_.empty()) throw std::runtime_error("emulated GPU: blocks ended that had not waited for what was sent to them");
      if (finished && runtime_.lost > 0) throw std::runtime_error("emulated GPU: " + std::to_string(runtime_.lost) + " times something was sent to a block that had ended");
      if (finished && runtime_.early > 0) throw std::runtime_error("emulated GPU: " + std::to_string(runtime_.early) + " times something was sent to a block that had not begun");
      if (finished) return;
      if (!waiting || idle) throw std::runtime_error("emulated GPU: threads wait for each other in vain");
      idle = true;
    }
  } catch (...) {
    fibers_.clear();  // they stand in the middle of a kernel and will not go on
    throw;
  }
}

void Fibers::shuffle() {
  for (size_t i = order_.size(); i > 1; i--) {
    seed_ = seed_ * 6364136223846793005ull + 1442695040888963407ull;
    std::swap(order_[i - 1], order_[(seed_ >> 33) % i]);
  }
}

}  // namespace painnless::cuda::emulator
