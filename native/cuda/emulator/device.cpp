#include "device.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <stdexcept>

#include "queues.h"

namespace painnless::cuda::emulator {
namespace {

using Work = std::function<void()>;

/// Blocks run one at a time in a process, whichever engine they belong to: a kernel's shared memory is static memory of its library.
Fibers& fibers() {
  static Fibers all;
  return all;
}
std::mutex one_kernel;

class SharedObject final : public Module {
 public:
  explicit SharedObject(const std::string& binary) {
    static std::atomic<int> counter{0};
    const auto path = std::filesystem::temp_directory_path() / ("painnless-emulated-" + std::to_string(getpid()) + "-" + std::to_string(counter++));
    std::ofstream(path, std::ios::binary) << binary;
    handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    const std::string why = handle_ ? "" : dlerror();
    std::filesystem::remove(path);
    if (!handle_) throw std::runtime_error("emulated kernels do not load: " + why);
    reinterpret_cast<Bind>(dlsym(handle_, "painnless_bind"))(&fibers().runtime());
  }
  ~SharedObject() override { dlclose(handle_); }
  void* kernel(const std::string& name) override {
    if (void* found = dlsym(handle_, (name + "_entry").c_str())) return found;
    throw std::runtime_error("emulated kernels lack " + name);
  }

 private:
  void* handle_;
};

class Recording final : public Graph {
 public:
  std::shared_ptr<std::vector<Work>> steps = std::make_shared<std::vector<Work>>();  // which are there until the last replay
};

class EmulatedMark final : public Mark {
 public:
  Queues::Place place;
  std::shared_ptr<std::chrono::steady_clock::time_point> at;  // of a timed one
};

class EmulatedDevice final : public Device {
 public:
  EmulatedDevice() {
    info_ = {"emulated GPU", settings().architecture, 2, settings().shared_bytes, settings().total_bytes, "0", false};
  }
  const DeviceInfo& info() const override { return info_; }
  size_t free_bytes() override { return info_.total_bytes - counts().bytes; }

  /// Ends at a page that may not be touched, and is full of NaN.
  Address allocate(size_t bytes) override {
    if (fails() || bytes > free_bytes()) throw OutOfMemory(bytes, free_bytes());
    const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), body = (bytes + page - 1) / page * page;
    void* base = mmap(nullptr, body + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED || mprotect(static_cast<char*>(base) + body, page, PROT_NONE) != 0) throw std::bad_alloc();
    char* begin = static_cast<char*>(base) + body - (bytes + 255) / 256 * 256;
    if (begin < base) begin = static_cast<char*>(base);
    poison(begin, bytes);
    const Address address = reinterpret_cast<Address>(begin);
    allocations_[address] = {base, body + page, bytes};
    counts().allocations++;
    counts().bytes += bytes;
    return address;
  }
  void release(Address address) noexcept override {
    settle();
    const auto found = allocations_.find(address);
    munmap(found->second.base, found->second.mapped);
    counts().releases++;
    counts().bytes -= found->second.bytes;
    allocations_.erase(found);
  }
  std::byte* allocate_pinned(size_t bytes) override {
    if (fails()) throw OutOfMemory::pinned(bytes);
    auto* memory = static_cast<std::byte*>(::operator new(bytes, std::align_val_t{256}));
    pinned_[memory] = bytes;
    counts().pinned += bytes;
    return memory;
  }
  void release_pinned(std::byte* memory) noexcept override {
    settle();
    const auto found = pinned_.find(memory);
    counts().pinned -= found->second;
    pinned_.erase(found);
    ::operator delete(memory, std::align_val_t{256});
  }
  Address address_of(std::byte* pinned) override { return reinterpret_cast<Address>(pinned); }

  std::unique_ptr<Module> load(const std::string& binary) override {
    may_fail("cuModuleLoadData");
    return std::make_unique<SharedObject>(binary);
  }
  int resident_blocks(void*, int, size_t shared_bytes) override { return shared_bytes <= info_.shared_bytes ? 2 : 0; }
  int resident_clusters(void*, unsigned, int, size_t shared_bytes) override { return shared_bytes <= info_.shared_bytes ? settings().clusters : 0; }
  void allow_shared(void*, size_t bytes) override {
    if (bytes > info_.shared_bytes) throw std::runtime_error("emulated GPU: more shared memory asked for than there is");
  }

  void upload(Address to, const void* pinned, size_t bytes, Queue queue) override {
    counts().uploads++;
    if (queue == Queue::requests && !queues_.is_empty(Queue::work)) counts().beside++;
    submit([=] { std::memcpy(reinterpret_cast<void*>(to), pinned, bytes); }, queue);
  }
  void download(void* pinned, Address from, size_t bytes, Queue queue) override {
    counts().downloads++;
    submit([=] { std::memcpy(pinned, reinterpret_cast<void*>(from), bytes); }, queue);
  }
  void copy(Address to, Address from, size_t bytes) override {
    submit([=] { std::memcpy(reinterpret_cast<void*>(to), reinterpret_cast<const void*>(from), bytes); });
  }
  void fill(Address at, uint8_t byte, size_t bytes) override {
    submit([=] { std::memset(reinterpret_cast<void*>(at), byte, bytes); });
  }
  void launch(const char*, void* kernel, Grid grid, int threads, size_t shared_bytes, const void* argument, size_t argument_bytes) override {
    const auto* begin = static_cast<const unsigned char*>(argument);
    submit([=, this, copy = std::vector<unsigned char>(begin, begin + argument_bytes)] {
      counts().launches++;
      run(reinterpret_cast<Kernel>(kernel), grid, threads, shared_bytes, copy.data());
    });
  }
  void begin_recording() override { recording_ = std::make_unique<Recording>(); }
  std::unique_ptr<Graph> end_recording() override {
    const auto recorded = std::move(recording_);
    may_fail("cuGraphInstantiate");
    return std::make_unique<Recording>(*recorded);
  }
  void cancel_recording() noexcept override { recording_.reset(); }
  void replay(Graph& graph) override {
    counts().replays++;
    queues_.add(Queue::work, [steps = static_cast<Recording&>(graph).steps] {
      for (const Work& step : *steps) step();
    });
  }
  std::unique_ptr<Mark> create_mark() override {
    may_fail("cuEventCreate");
    return std::make_unique<EmulatedMark>();
  }
  std::unique_ptr<Mark> create_timed_mark() override {
    auto mark = create_mark();
    static_cast<EmulatedMark&>(*mark).at = std::make_shared<std::chrono::steady_clock::time_point>();
    return mark;
  }
  void mark(Mark& mark, Queue queue) override {
    auto& own = static_cast<EmulatedMark&>(mark);
    if (own.at) queues_.add(queue, [at = own.at] { *at = std::chrono::steady_clock::now(); });
    own.place = queues_.end(queue);
  }
  void follow(Queue queue, Mark& mark) override { queues_.follow(queue, static_cast<EmulatedMark&>(mark).place); }
  double seconds_between(Mark& begin, Mark& end) override {
    return std::chrono::duration<double>(*static_cast<EmulatedMark&>(end).at - *static_cast<EmulatedMark&>(begin).at).count();
  }
  void wait_for(Mark& mark) override {
    counts().waits++;
    queues_.run_up_to(static_cast<EmulatedMark&>(mark).place);
  }
  bool is_past(Mark& mark) override { return queues_.is_past(static_cast<EmulatedMark&>(mark).place); }
  bool look_for(const std::function<bool()>& is_there) override {
    for (const auto end = queues_.end(Queue::work); !is_there();)
      if (queues_.is_past(end)) return is_there();
    return true;
  }
  void wait() override {
    counts().waits++;
    queues_.run_up_to(queues_.end(Queue::work));
  }
  void settle() noexcept override {
    for (const Queue queue : all_queues)
      for (bool failed = true; failed;) try {
          queues_.run_up_to(queues_.end(queue));
          failed = false;
        } catch (const std::exception&) {  // of a kernel; what is behind it is done too
        }
  }
  double time(Graph& graph, int count) override {
    wait();
    const auto start = std::chrono::steady_clock::now();
    for (int k = 0; k < count; k++) replay(graph);
    wait();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  struct Allocation {
    void* base;
    size_t mapped, bytes;
  };

  static bool fails() { return settings().failing_allocation > 0 && --settings().failing_allocation == 0; }
  void may_fail(const char* call) {
    if (fails()) throw OutOfMemory::within(call, free_bytes());
  }
  void submit(Work work, Queue queue = Queue::work) {
    if (recording_)
      recording_->steps->push_back(std::move(work));
    else
      queues_.add(queue, std::move(work));
  }
  void run(Kernel kernel, Grid grid, int threads, size_t shared_bytes, const void* argument) {
    const std::lock_guard lock(one_kernel);
    const size_t stride = shared_bytes / 16 * 16 + 64, together = grid.cluster > 0 ? grid.x : 1;
    shared_.resize(stride * together / sizeof(double) + 2);
    Runtime& runtime = fibers().runtime();
    fibers().set_turns(settings().turns);
    runtime.threads = {static_cast<unsigned>(threads), 1, 1};
    runtime.blocks = {grid.x, grid.y, 1};
    runtime.cluster = grid.cluster;
    runtime.shared_stride = static_cast<long long>(stride);
    runtime.planted = settings().planted;
    runtime.early_rows = settings().early_rows;
    runtime.shared = reinterpret_cast<unsigned char*>((reinterpret_cast<uintptr_t>(shared_.data()) + 15) / 16 * 16);
    if (grid.cluster > 0) {
      poison(shared_.data(), shared_.size() * sizeof(double));
      runtime.block = {0, 0, 0};
      fibers().run(kernel, argument, threads, static_cast<int>(grid.x));
      return;
    }
    for (unsigned y = 0; y < grid.y; y++)
      for (unsigned x = 0; x < grid.x; x++) {
        poison(shared_.data(), shared_.size() * sizeof(double));
        runtime.block = {x, y, 0};
        fibers().run(kernel, argument, threads);
      }
  }
  /// NaN as float and as double.
  static void poison(void* at, size_t bytes) { std::memset(at, 0xFF, bytes); }

  DeviceInfo info_;
  std::map<Address, Allocation> allocations_;
  std::map<std::byte*, size_t> pinned_;
  std::unique_ptr<Recording> recording_;
  std::vector<double> shared_;
  Queues queues_{settings().early, counts().queued};
};

}  // namespace

Settings& settings() {
  static Settings all;
  return all;
}

Counts& counts() {
  static Counts all;
  return all;
}

std::unique_ptr<Device> create_device() { return std::make_unique<EmulatedDevice>(); }

}  // namespace painnless::cuda::emulator
