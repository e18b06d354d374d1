#pragma once
// Between the emulator and the kernels it has compiled: the threads of a block take turns on one processor, and meet here.

namespace painnless::cuda::emulator {

struct Index {
  unsigned x, y, z;
};

/// What a kernel may ask while it runs. One block runs at a time.
struct Runtime {
  Index thread, block, threads, blocks;  // of the thread whose turn it is
  unsigned char* shared;                 // dynamic shared memory of the block
  int planted;                           // fault of the kernels, 0: none
  void (*meet_block)();
  void (*meet_warp)();
  /// This thread's place among the 32 of its warp, for exchanges; two sets in turn, so that one meeting an exchange is enough.
  unsigned long long (*exchange)[32];
  void (*next_exchange)();
};

using Bind = void (*)(Runtime*);
using Kernel = void (*)(const void* argument);

}  // namespace painnless::cuda::emulator
