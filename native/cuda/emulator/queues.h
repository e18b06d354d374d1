#pragma once
// The queues of the emulated card. All is done as late as a card may do it: when the host waits for it, or the other queue does. Whoever reads, or writes again, what was
// not waited for finds that nothing has happened yet.
#include <deque>
#include <functional>

#include "../device.h"

namespace painnless::cuda::emulator {

class Queues {
 public:
  /// @param queued counts what waits in all queues there are
  explicit Queues(long& queued) : queued_(queued) {}
  ~Queues() { queued_ -= static_cast<long>(work_.waiting.size() + copies_.waiting.size()); }
  Queues(const Queues&) = delete;

  void add(Queue queue, std::function<void()> work) {
    line(queue).waiting.push_back(std::move(work));
    queued_++;
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
    for (Line& own = line(place.queue); own.begun < place.number;) {
      const auto next = std::move(own.waiting.front());
      own.waiting.pop_front();
      own.begun++;
      queued_--;
      next();
    }
  }

 private:
  struct Line {
    std::deque<std::function<void()>> waiting;
    long begun = 0;
  };
  Line& line(Queue queue) { return queue == Queue::work ? work_ : copies_; }

  long& queued_;
  Line work_, copies_;
};

}  // namespace painnless::cuda::emulator
