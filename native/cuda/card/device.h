#pragma once
// What the engine needs of a card: memory, copies, launches, recorded graphs. card.h has the real one, emulator/ one for tests on a machine
// without a card. Addresses are plain numbers, so that nothing on the host reads device memory by mistake.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <string>

#include "../../engine.h"

namespace painnless::cuda {

using Address = uint64_t;

/// What a card is.
struct DeviceInfo {
  std::string name;
  int architecture = 0;  // 90 for sm_90
  int multiprocessors = 0;
  size_t shared_bytes = 0;  // a block may ask for
  size_t total_bytes = 0;
  std::string driver;  // version, as the driver counts: "13.0"
  bool early_launches = false;  // can a recorded kernel be launched before the one before it has ended
  // What it is built for at most: 1/s, bytes/s, and bytes of its second-level cache. 0 where it is not known.
  double clock = 0, bandwidth = 0;
  size_t cache_bytes = 0;
};

struct Grid {
  unsigned x, y;
  unsigned cluster = 0;  // unless 0, so many blocks next to each other run at once, may wait for each other, and share their memory
  bool all_at_once = false;  // and so do all clusters, but for the memory
  bool early = false;        // on its way while the kernel before it ends, for which its text waits (begin_kernel)
};

/// Compiled text in a device's memory.
class Module {
 public:
  virtual ~Module() = default;
  /// A handle of the kernel, valid as long as the module, and ready to be launched: one that is loaded at its first launch would spoil a
  /// recording. Throws std::runtime_error.
  virtual void* kernel(const std::string& name) = 0;
};

/// Launches and copies, recorded once and replayed with the same pointers and grids.
class Graph {
 public:
  virtual ~Graph() = default;
};

/// A place in a queue that the host, and another queue, can wait for.
class Mark {
 public:
  virtual ~Mark() = default;
};

/// What is in one queue is done in order, and beside what is in the others. Requests and answers have one each: a request behind an answer would wait for the work that
/// makes it.
enum class Queue { work, requests, answers };
constexpr Queue all_queues[] = {Queue::work, Queue::requests, Queue::answers};

/// One card and its queues. Calls come from one thread at a time, any thread; each makes the card current for itself.
class Device {
 public:
  virtual ~Device() = default;
  virtual const DeviceInfo& info() const = 0;
  virtual size_t free_bytes() = 0;

  /// Throws OutOfMemory.
  virtual Address allocate(size_t bytes) = 0;
  virtual void release(Address address) noexcept = 0;
  /// Host memory that copies can run from and to while the host goes on.
  /// Throws OutOfMemory.
  virtual std::byte* allocate_pinned(size_t bytes) = 0;
  virtual void release_pinned(std::byte* memory) noexcept = 0;
  /// Where kernels find pinned memory. What they write there, the host sees number by number, and all of it when it has waited for them.
  virtual Address address_of(std::byte* pinned) = 0;

  virtual std::unique_ptr<Module> load(const std::string& binary) = 0;
  /// Blocks of so many threads and so much dynamic shared memory that one multiprocessor holds at a time.
  virtual int resident_blocks(void* kernel, int threads, size_t shared_bytes) = 0;
  virtual void allow_shared(void* kernel, size_t bytes) = 0;
  /// Clusters of such blocks that the whole card holds at a time; 0 where it has none.
  virtual int resident_clusters(void* kernel, unsigned cluster, int threads, size_t shared_bytes) = 0;

  // In order on the queue of work, unless another is named; none waits.
  virtual void upload(Address to, const void* pinned, size_t bytes, Queue queue = Queue::work) = 0;
  virtual void download(void* pinned, Address from, size_t bytes, Queue queue = Queue::work) = 0;
  /// Within the card.
  virtual void copy(Address to, Address from, size_t bytes) = 0;
  virtual void fill(Address at, uint8_t byte, size_t bytes) = 0;
  /// `name` is for the error; `argument` is the kernel's one parameter, copied at once.
  virtual void launch(const char* name, void* kernel, Grid grid, int threads, size_t shared_bytes, const void* argument, size_t argument_bytes) = 0;
  /// What `launches` queues is kept instead of done. If it throws, nothing is.
  std::unique_ptr<Graph> record(const std::function<void()>& launches);
  virtual void replay(Graph& graph) = 0;

  virtual std::unique_ptr<Mark> create_mark() = 0;
  /// One that keeps the time at which the queue came to it.
  virtual std::unique_ptr<Mark> create_timed_mark() = 0;
  /// Between two timed marks that have been waited for.
  virtual double seconds_between(Mark& begin, Mark& end) = 0;
  /// Sets it behind all that is queued now.
  virtual void mark(Mark& mark, Queue queue = Queue::work) = 0;
  /// What is queued from now on waits for what the mark stands behind now.
  virtual void follow(Queue queue, Mark& mark) = 0;
  /// Waits for what was queued before it. Throws as `wait`.
  virtual void wait_for(Mark& mark) = 0;
  /// Is that done? Throws as `wait`.
  virtual bool is_past(Mark& mark) = 0;

  /// Looks, for as long as a short evaluation takes, whether what is queued has written to pinned memory what is waited for: has it come? The queue may not be through
  /// then: `wait` before memory that it knows of goes.
  virtual bool look_for(const std::function<bool()>& is_there) = 0;
  /// Waits for the queue of work. Throws std::runtime_error where something on it failed.
  virtual void wait() = 0;
  /// Waits for all queues. What failed there, the next call tells.
  virtual void settle() noexcept = 0;
  /// Seconds that `count` replays take on the card, one after the other, waited for.
  virtual double time(Graph& graph, int count) = 0;

 protected:
  virtual void begin_recording() = 0;
  virtual std::unique_ptr<Graph> end_recording() = 0;
  virtual void cancel_recording() noexcept = 0;
};

/// Memory that is not there, of the GPU or of the host: what was asked for and what is free.
struct OutOfMemory : InputError {
  OutOfMemory(size_t needed, size_t free);
  /// What copies run from and to cannot be paged out: a host may have less of it than it has memory.
  static OutOfMemory pinned(size_t needed);
  /// Of something that the driver keeps on the GPU, whose size only it knows.
  static OutOfMemory within(const std::string& call, size_t free);

 private:
  explicit OutOfMemory(const std::string& found);
};

}  // namespace painnless::cuda
