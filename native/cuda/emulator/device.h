#pragma once
// A card that is not there: kernels compiled by the host's compiler and run thread by thread, for tests on machines without a GPU. It shows what
// mathematics, launches, sizes and memory do; it is a million times slower than a card and says nothing about speed.
#include <optional>

#include "../card/device.h"
#include "fibers.h"

namespace painnless::cuda::emulator {

/// What a test may see and set.
struct Settings {
  Turns turns = Turns::ascending;
  size_t total_bytes = size_t{4} << 30;
  // The n-th from now on fails; 0: none. Counted is all that takes memory: of the card, of the host for copies, modules, graphs, marks.
  int failing_allocation = 0;
  int planted = 0;  // number of a fault of the kernels
  std::optional<Queue> early;  // queues.h
  bool early_rows = false;     // copies.h, cluster.h
  size_t shared_bytes = 227 << 10;
  int clusters = 7;  // that the card holds at once; 0: it knows none
  int architecture = 90;
};

struct Counts {
  long allocations = 0, releases = 0, uploads = 0, downloads = 0, launches = 0, replays = 0;
  long beside = 0;               // uploads queued while there was work that had not begun
  size_t bytes = 0, pinned = 0;  // allocated now
  long queued = 0;               // and not begun
  long waits = 0;                // of the host, for all that is queued or up to a mark
};

Settings& settings();
Counts& counts();

std::unique_ptr<Device> create_device();

}  // namespace painnless::cuda::emulator
