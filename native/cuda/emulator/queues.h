#pragma once
// The queues of the emulated card. What is in one is done as late as a card may do it, when the host waits for it, or another queue does: whoever reads, or writes
// again, what was not waited for finds that nothing has happened yet. One may be early instead: all of it is done at once, and what it does not wait for has
// not happened.
#include <deque>
#include <functional>
#include <optional>

#include "../card/device.h"

namespace painnless::cuda::emulator {

class Queues {
 public:
  /// @param early the queue that is, if one is  @param queued counts what waits in all queues there are
  Queues(const std::optional<Queue>& early, long& queued) : early_(early), queued_(queued) {}
  ~Queues() {
    for (const Line& own : lines_) queued_ -= static_cast<long>(own.waiting.size());
  }
  Queues(const Queues&) = delete;

  void add(Queue queue, std::function<void()> work) {
    line(queue).waiting.push_back(std::move(work));
    queued_++;
    if (early_ == queue) run_up_to(end(queue));
  }
  /// Behind what is queued now.
  struct Place {
    Queue queue = Queue::work;
    long number = 0;
  };
  Place end(Queue queue) { return {queue, line(queue).begun + static_cast<long>(line(queue).waiting.size())}; }
  void follow(Queue queue, Place place) {
    add(queue, [this, place] { run_up_to(place); });
  }
  void run_up_to(Place place) {
    while (line(place.queue).begun < place.number) step(place.queue);
  }
  /// Whoever asks again and again sees it get on, by one piece of work each time.
  bool is_past(Place place) {
    if (line(place.queue).begun < place.number) step(place.queue);
    return line(place.queue).begun >= place.number;
  }
  bool is_empty(Queue queue) { return line(queue).waiting.empty(); }

 private:
  struct Line {
    std::deque<std::function<void()>> waiting;
    long begun = 0;
  };
  Line& line(Queue queue) { return lines_[static_cast<size_t>(queue)]; }
  void step(Queue queue) {
    Line& own = line(queue);
    const auto next = std::move(own.waiting.front());
    own.waiting.pop_front();
    own.begun++;
    queued_--;
    next();
  }

  const std::optional<Queue>& early_;
  long& queued_;
  Line lines_[std::size(all_queues)];
};

}  // namespace painnless::cuda::emulator
