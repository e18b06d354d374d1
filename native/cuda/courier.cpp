#include "courier.h"

namespace painnless::cuda {

Courier::Slot::Slot(Device& device, size_t request_bytes, size_t answer_bytes)
    : request(device, request_bytes),
      answer(device, answer_bytes),
      sent(device, request_bytes),
      taken(device, answer_bytes),
      arrived(device.create_mark()),
      ready(device.create_mark()),
      fetched(device.create_mark()) {}

void Courier::reserve(size_t request_bytes, size_t answer_bytes) {
  if (slots_ && request_bytes <= slot(0).request.bytes() && answer_bytes <= slot(0).answer.bytes()) return;
  slots_.reset();  // the old ones go before the new ones come
  slots_.emplace(std::array{Slot(device_, request_bytes, answer_bytes), Slot(device_, request_bytes, answer_bytes)});
}

void Courier::send(size_t turn, size_t bytes, Trace* trace) {
  Slot& at = slot(turn);
  if (trace) trace->note(turn, Trace::sending, Queue::requests);
  device_.upload(at.sent.begin(), at.request.begin(), bytes, Queue::requests);
  if (trace) trace->note(turn, Trace::sent, Queue::requests);
  device_.mark(*at.arrived, Queue::requests);
}

void Courier::hand_over(size_t turn, Address to, size_t bytes, Trace* trace) {
  Slot& at = slot(turn);
  device_.follow(Queue::work, *at.arrived);
  if (trace) trace->note(turn, Trace::working, Queue::work);
  device_.copy(to, at.sent.begin(), bytes);
}

void Courier::fetch(size_t turn, Address from, size_t bytes, Trace* trace) {
  Slot& at = slot(turn);
  device_.copy(at.taken.begin(), from, bytes);
  if (trace) trace->note(turn, Trace::worked, Queue::work);
  device_.mark(*at.ready);
  device_.follow(Queue::answers, *at.ready);
  if (trace) trace->note(turn, Trace::fetching, Queue::answers);
  device_.download(at.answer.begin(), at.taken.begin(), bytes, Queue::answers);
  if (trace) trace->note(turn, Trace::fetched, Queue::answers);
  device_.mark(*at.fetched, Queue::answers);
}

const std::byte* Courier::answer(size_t turn) {
  device_.wait_for(*slot(turn).fetched);
  return slot(turn).answer.begin();
}

}  // namespace painnless::cuda
