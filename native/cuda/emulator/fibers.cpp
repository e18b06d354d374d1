// longjmp onto another stack is what this file is for; the fortified one would call that a mistake.
#undef _FORTIFY_SOURCE
#include "fibers.h"

#include <ucontext.h>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <string>

namespace painnless::cuda::emulator {
namespace {

constexpr size_t stack_bytes = 256 << 10;
Fibers* active = nullptr;  // makecontext passes no pointers; one block runs at a time in a process

}  // namespace

Fibers::Fibers() {
  runtime_.meet_block = [] { active->leave(State::at_block); };
  runtime_.meet_warp = [] { active->leave(State::at_warp); };
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
  Fiber& own = fibers_[current_];
  own.state = state;
  if (_setjmp(own.place) == 0) _longjmp(scheduler_, 1);
}

void Fibers::resume(int index) {
  Fiber& fiber = fibers_[index];
  current_ = index;
  runtime_.thread = {static_cast<unsigned>(index), 0, 0};
  runtime_.exchange = &warps_[index / 32].slots[fiber.parity];
  fiber.state = State::ready;
  if (_setjmp(scheduler_) != 0) return;
  if (fiber.begun) _longjmp(fiber.place, 1);
  fiber.begun = true;
  ucontext_t first;
  getcontext(&first);
  first.uc_stack.ss_sp = fiber.stack.get();
  first.uc_stack.ss_size = stack_bytes;
  first.uc_link = nullptr;
  makecontext(&first, &Fibers::enter, 0);
  setcontext(&first);
}

/// Lets go those whose meeting is complete: a warp's when all its threads that still run are there, the block's likewise.
bool Fibers::release() {
  bool any = false;
  for (int warp = 0; warp * 32 < threads_; warp++) {
    const auto begin = fibers_.begin() + 32 * warp, end = begin + 32;
    const auto is = [](State s) { return [s](const Fiber& f) { return f.state == s; }; };
    const auto waiting = std::count_if(begin, end, is(State::at_warp));
    if (waiting == 0) continue;
    if (waiting + std::count_if(begin, end, is(State::done)) != 32)
      throw std::runtime_error("emulated GPU: threads of a warp wait at different barriers");
    for (auto f = begin; f != end; ++f)
      if (f->state == State::at_warp) f->state = State::ready;
    any = true;
  }
  if (any) return true;
  const auto live = fibers_.begin() + threads_;
  const auto waiting = std::count_if(fibers_.begin(), live, [](const Fiber& f) { return f.state == State::at_block; });
  if (waiting == 0) return false;
  if (waiting != threads_) throw std::runtime_error("emulated GPU: " + std::to_string(threads_ - waiting) + " threads of a block never reach its barrier");
  for (auto f = fibers_.begin(); f != live; ++f) f->state = State::ready;
  return true;
}

void Fibers::run(Kernel kernel, const void* argument, int threads) {
  if (threads % 32 != 0) throw std::runtime_error("emulated GPU: a block of " + std::to_string(threads) + " threads is not of whole warps");
  while (static_cast<int>(fibers_.size()) < threads) {
    fibers_.emplace_back();
    fibers_.back().stack = std::make_unique<unsigned char[]>(stack_bytes);
  }
  warps_.resize(std::max<size_t>(warps_.size(), threads / 32));
  active = this;
  kernel_ = kernel;
  argument_ = argument;
  threads_ = threads;
  for (int i = 0; i < threads; i++) fibers_[i].state = State::ready;
  order_.resize(threads);
  std::iota(order_.begin(), order_.end(), 0);
  if (turns_ == Turns::descending) std::reverse(order_.begin(), order_.end());
  try {
    do {
      if (turns_ == Turns::shuffled) shuffle();
      for (const int i : order_)
        if (fibers_[i].state == State::ready) resume(i);
    } while (release());
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
