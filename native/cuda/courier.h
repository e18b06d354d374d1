#pragma once
// Requests that are sent and answers that are fetched on queues of their own while the queue of work computes: two of each, used in turn, so that the next request is on
// its way, and the answer before on its way back, while one is computed.
#include <array>
#include <optional>

#include "card/buffer.h"
#include "measure.h"

namespace painnless::cuda {

/// Of turns 0, 1, .. in this order: request, send, hand_over and its work, fetch; the answer of a turn before the request of the next but one.
/// What is not waited for below is past by that order: all that a turn does has been done when its answer is there.
class Courier {
 public:
  explicit Courier(Device& device) : device_(device) {}

  /// Room for the largest request and answer, while it has none under way. Throws OutOfMemory.
  void reserve(size_t request_bytes, size_t answer_bytes);
  void give_back() { slots_.reset(); }

  /// Where the host writes a request.
  std::byte* request(size_t turn) { return slot(turn).request.begin(); }
  void send(size_t turn, size_t bytes, Trace* trace);
  /// Puts the request where the work reads it, and behind it the work.
  void hand_over(size_t turn, Address to, size_t bytes, Trace* trace);
  /// Behind the work, takes its answer away.
  void fetch(size_t turn, Address from, size_t bytes, Trace* trace);
  /// Is that answer there? Throws as Device::wait.
  bool has_answer(size_t turn) { return device_.is_past(*slot(turn).fetched); }
  /// Waits for it; it stays until the request of the next turn but one. Throws as Device::wait.
  const std::byte* answer(size_t turn);

 private:
  struct Slot {
    Pinned request, answer;
    Buffer sent, taken;
    std::unique_ptr<Mark> arrived, ready, fetched;
    Slot(Device& device, size_t request_bytes, size_t answer_bytes);
  };
  Slot& slot(size_t turn) { return (*slots_)[turn % 2]; }

  Device& device_;
  std::optional<std::array<Slot, 2>> slots_;
};

}  // namespace painnless::cuda
