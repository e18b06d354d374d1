#pragma once
// Where a processor left a stack, to go on there later. Emulated kernels make millions of such turns.
#include <csetjmp>
#include <cstddef>

namespace painnless::cuda::emulator {

#if defined(__x86_64__) && defined(__linux__)
struct Place {
  void* top = nullptr;  // of the stack: the registers that a function has to preserve, then where it returns to
};
#else
struct Place {
  std::jmp_buf registers;
  void (*enter)() = nullptr;  // until it has begun
  unsigned char* stack = nullptr;
  size_t bytes = 0;
};
#endif

/// A stack of its own, on which `enter` begins; it must not return.
Place begin_at(void (*enter)(), unsigned char* stack, size_t bytes);

/// Goes on at `next`; returns when another goes on at `left`.
void go(Place& left, Place& next);

}  // namespace painnless::cuda::emulator
