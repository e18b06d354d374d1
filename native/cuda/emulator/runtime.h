#pragma once
// Between the emulator and the kernels it has compiled: threads take turns on one processor, and meet here.

namespace painnless::cuda::emulator {

struct Index {
  unsigned x, y, z;
};

/// What a kernel may ask while it runs. One block runs at a time, or, where blocks may wait for each other, all of them do.
struct Runtime {
  Index thread, block, threads, blocks;  // of the thread whose turn it is
  unsigned cluster;                      // blocks of a cluster; 0: none
  long run;                              // of a block, or of all that run at once: counted
  unsigned char* shared;                 // dynamic shared memory of the block
  long long shared_stride;               // bytes from one block's to the next one's
  int planted;                           // fault of the kernels, 0: none
  bool early_rows;                       // copies.h, cluster.h
  void (*meet_block)();
  void (*meet_warp)();
  void (*meet_first)(int threads);  // the first ones of the block, the same number each time
  void (*meet_cluster)();
  /// Have all threads of a block ended? Then nothing may be sent to it any more: `lost` counts what was.
  bool (*has_ended)(unsigned block);
  /// Has any thread of it begun? Nothing may be sent to it before.
  bool (*has_begun)(unsigned block);
  int lost, early;
  /// Puts so many bytes on their way to a place, which is counted at `arrivals`; receive() lets arrive all that is, and says how much it was.
  void (*send)(const void* arrivals, void* to, const void* from, int bytes);
  int (*receive)(const void* arrivals);
  /// Of a thread that waits for what another will write.
  void (*let_others_run)();
  /// Places of the 32 threads of this one's warp, for exchanges; two sets in turn, so that one meeting an exchange is enough.
  unsigned long long (*exchange)[32][6];
  void (*next_exchange)();
};

using Bind = void (*)(Runtime*);
using Kernel = void (*)(const void* argument);

}  // namespace painnless::cuda::emulator
