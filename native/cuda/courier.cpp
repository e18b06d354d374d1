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

std::byte* Courier::request(int portion) {
  if (portion >= 2) device_.wait_for(*slot(portion).arrived);
  return slot(portion).request.begin();
}

void Courier::send(int portion, size_t bytes, Trace* trace) {
  Slot& at = slot(portion);
  if (trace) trace->note(portion, Trace::sending, Queue::copies);
  device_.upload(at.sent.begin(), at.request.begin(), bytes, Queue::copies);
  if (trace) trace->note(portion, Trace::sent, Queue::copies);
  device_.mark(*at.arrived, Queue::copies);
}

void Courier::hand_over(int portion, Address to, size_t bytes, Trace* trace) {
  Slot& at = slot(portion);
  device_.follow(Queue::work, *at.arrived);
  if (trace) trace->note(portion, Trace::working, Queue::work);
  device_.copy(to, at.sent.begin(), bytes);
}

void Courier::fetch(int portion, Address from, size_t bytes, Trace* trace) {
  Slot& at = slot(portion);
  device_.copy(at.taken.begin(), from, bytes);
  if (trace) trace->note(portion, Trace::worked, Queue::work);
  device_.mark(*at.ready);
  device_.follow(Queue::copies, *at.ready);
  if (trace) trace->note(portion, Trace::fetching, Queue::copies);
  device_.download(at.answer.begin(), at.taken.begin(), bytes, Queue::copies);
  if (trace) trace->note(portion, Trace::fetched, Queue::copies);
  device_.mark(*at.fetched, Queue::copies);
}

const std::byte* Courier::answer(int portion) {
  device_.wait_for(*slot(portion).fetched);
  return slot(portion).answer.begin();
}

}  // namespace painnless::cuda
