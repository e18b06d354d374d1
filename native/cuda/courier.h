#pragma once
// Requests that are sent and answers that are fetched on the queue of copies while the queue of work computes: two of each, used in turn, so that the next portion of a
// set is on its way, and the one before on its way back, while one is computed.
#include <array>
#include <optional>

#include "buffer.h"
#include "measure.h"

namespace painnless::cuda {

/// Of portions 0, 1, .. in this order: request 0, send 0, and for each k: hand_over k and its work, request k + 1, send k + 1, fetch k, answer k - 1; answer of the last.
/// What is not waited for below is past by that order: a portion's copy has left its place on the card before the next but one is sent, as the fetch between follows it.
class Courier {
 public:
  explicit Courier(Device& device) : device_(device) {}

  /// Room for the largest request and answer. Throws OutOfMemory.
  void reserve(size_t request_bytes, size_t answer_bytes);
  void give_back() { slots_.reset(); }

  /// Where the host writes a request.
  std::byte* request(int portion);
  void send(int portion, size_t bytes, Trace* trace);
  /// Puts the request where the work reads it, and behind it the work.
  void hand_over(int portion, Address to, size_t bytes, Trace* trace);
  /// Behind the work, takes its answer away.
  void fetch(int portion, Address from, size_t bytes, Trace* trace);
  /// Waits for it; it stays until that of the next portion but one. Throws as Device::wait.
  const std::byte* answer(int portion);

 private:
  struct Slot {
    Pinned request, answer;
    Buffer sent, taken;
    std::unique_ptr<Mark> arrived, ready, fetched;
    Slot(Device& device, size_t request_bytes, size_t answer_bytes);
  };
  Slot& slot(int portion) { return (*slots_)[static_cast<size_t>(portion % 2)]; }

  Device& device_;
  std::optional<std::array<Slot, 2>> slots_;
};

}  // namespace painnless::cuda
