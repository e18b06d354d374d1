#include "card.h"

#include <chrono>
#include <optional>

#include "handles.h"

namespace painnless::cuda {
namespace {

constexpr int least_architecture = 70;
// Device attributes, function attributes and flags by their numbers in the driver's header.
constexpr int attribute_multiprocessors = 16, attribute_major = 75, attribute_minor = 76, attribute_shared_optin = 97,
              attribute_clusters = 120, attribute_clock = 13, attribute_memory_clock = 36, attribute_memory_bits = 37, attribute_cache = 38;
constexpr int function_dynamic_shared = 8, function_large_clusters = 14;
constexpr int launch_cooperative = 2, launch_cluster = 4, launch_early = 6;  // PROGRAMMATIC_STREAM_SERIALIZATION
constexpr unsigned portable_host_memory = 1, mapped_host_memory = 2;
constexpr int capture_thread_local = 1;
constexpr auto longest_look = std::chrono::milliseconds(1);

DeviceInfo describe_card(const Driver& call, DriverDevice device) {
  const auto attribute = [&](int which) {
    int value = 0;
    call.check(call.device_attribute(&value, which, device), "cuDeviceGetAttribute");
    return value;
  };
  DeviceInfo info;
  char name[256] = {};
  call.check(call.device_name(name, sizeof name, device), "cuDeviceGetName");
  info.name = name;
  info.architecture = 10 * attribute(attribute_major) + attribute(attribute_minor);
  info.multiprocessors = attribute(attribute_multiprocessors);
  info.shared_bytes = static_cast<size_t>(attribute(attribute_shared_optin));
  call.check(call.device_memory(&info.total_bytes, device), "cuDeviceTotalMem");
  info.clock = 1e3 * attribute(attribute_clock);
  info.bandwidth = 2e3 * attribute(attribute_memory_clock) * attribute(attribute_memory_bits) / 8;  // two transfers a clock
  info.cache_bytes = static_cast<size_t>(attribute(attribute_cache));
  info.early_launches = info.architecture >= 90 && call.version >= 12'030 && call.launch_with;  // since then recordings know of them
  info.driver = std::to_string(call.version / 1000) + "." + std::to_string(call.version % 1000 / 10);
  return info;
}

class Card final : public Device {
 public:
  explicit Card(int ordinal) : call_(driver()) {
    int count = 0;
    call_.check(call_.device_count(&count), "cuDeviceGetCount");
    if (ordinal < 0 || ordinal >= count)
      throw InputError("MISSING", "device", "there is no GPU " + std::to_string(ordinal) + ", the driver sees " + std::to_string(count));
    call_.check(call_.device(&device_, ordinal), "cuDeviceGet");
    info_ = describe_card(call_, device_);
    if (info_.architecture < least_architecture)
      throw InputError("UNSUPPORTED", "device",
                       info_.name + " is of architecture sm_" + std::to_string(info_.architecture) + ", the CUDA engine needs sm_70 or newer; use native:cpu:f64");
    int clusters = 0;
    has_clusters_ = call_.device_attribute(&clusters, attribute_clusters, device_) == 0 && clusters != 0;
    context_ = context_of(call_, device_);
    const Current current(call_, context_);
    for (auto& stream : streams_) stream.emplace(call_, context_);
  }
  Card(const Card&) = delete;

  const DeviceInfo& info() const override { return info_; }
  size_t free_bytes() override {
    const Current current(call_, context_);
    size_t free = 0, total = 0;
    call_.check(call_.free_memory(&free, &total), "cuMemGetInfo");
    return free;
  }

  Address allocate(size_t bytes) override {
    const Current current(call_, context_);
    DriverPointer address = 0;
    const int error = call_.allocate(&address, bytes);
    if (error == error_out_of_memory) throw OutOfMemory(bytes, free_bytes());
    call_.check(error, "cuMemAlloc");
    return address;
  }
  void release(Address address) noexcept override {
    const Current current(call_, context_);
    call_.release(address);
  }
  std::byte* allocate_pinned(size_t bytes) override {
    const Current current(call_, context_);
    void* memory = nullptr;
    const int error = call_.allocate_host(&memory, bytes, portable_host_memory | mapped_host_memory);
    if (error == error_out_of_memory) throw OutOfMemory::pinned(bytes);
    call_.check(error, "cuMemHostAlloc");
    return static_cast<std::byte*>(memory);
  }
  void release_pinned(std::byte* memory) noexcept override {
    const Current current(call_, context_);
    call_.release_host(memory);
  }
  Address address_of(std::byte* pinned) override {
    const Current current(call_, context_);
    DriverPointer address = 0;
    call_.check(call_.host_address(&address, pinned, 0), "cuMemHostGetDevicePointer");
    return address;
  }

  std::unique_ptr<Module> load(const std::string& binary) override {
    const Current current(call_, context_);
    return std::make_unique<CardModule>(call_, context_, binary);
  }
  int resident_blocks(void* kernel, int threads, size_t shared_bytes) override {
    const Current current(call_, context_);
    int blocks = 0;
    call_.check(call_.resident_blocks(&blocks, static_cast<DriverFunction*>(kernel), threads, shared_bytes), "cuOccupancyMaxActiveBlocksPerMultiprocessor");
    return blocks;
  }
  void allow_shared(void* kernel, size_t bytes) override {
    const Current current(call_, context_);
    call_.check(call_.set_function_attribute(static_cast<DriverFunction*>(kernel), function_dynamic_shared, static_cast<int>(bytes)), "cuFuncSetAttribute");
  }
  int resident_clusters(void* kernel, unsigned cluster, int threads, size_t shared_bytes) override {
    const Current current(call_, context_);
    if (!has_clusters_ || !call_.launch_with || !call_.resident_clusters) return 0;
    auto* function = static_cast<DriverFunction*>(kernel);
    if (call_.set_function_attribute(function, function_large_clusters, 1) != 0) return 0;
    LaunchWith clusters({cluster, 1, cluster, true}, threads, shared_bytes, stream());
    int count = 0;
    return call_.resident_clusters(&count, function, &clusters.launch) == 0 ? count : 0;  // an error: no such cluster on this card
  }

  void upload(Address to, const void* pinned, size_t bytes, Queue queue) override {
    const Current current(call_, context_);
    call_.check(call_.upload(to, pinned, bytes, on(queue)), "cuMemcpyHtoDAsync");
  }
  void download(void* pinned, Address from, size_t bytes, Queue queue) override {
    const Current current(call_, context_);
    call_.check(call_.download(pinned, from, bytes, on(queue)), "cuMemcpyDtoHAsync");
  }
  void copy(Address to, Address from, size_t bytes) override {
    const Current current(call_, context_);
    call_.check(call_.copy(to, from, bytes, stream()), "cuMemcpyDtoDAsync");
  }
  void fill(Address at, uint8_t byte, size_t bytes) override {
    const Current current(call_, context_);
    call_.check(call_.fill(at, byte, bytes, stream()), "cuMemsetD8Async");
  }
  void launch(const char* name, void* kernel, Grid grid, int threads, size_t shared_bytes, const void* argument, size_t) override {
    const Current current(call_, context_);
    void* arguments[] = {const_cast<void*>(argument)};
    if (grid.cluster > 0 || grid.early) {
      LaunchWith attributes(grid, threads, shared_bytes, stream());
      call_.check(call_.launch_with(&attributes.launch, static_cast<DriverFunction*>(kernel), arguments, nullptr), name);
      return;
    }
    call_.check(call_.launch(static_cast<DriverFunction*>(kernel), grid.x, grid.y, 1, static_cast<unsigned>(threads), 1, 1,
                             static_cast<unsigned>(shared_bytes), stream(), arguments, nullptr),
                name);
  }

  void begin_recording() override {
    const Current current(call_, context_);
    call_.check(call_.begin_capture(stream(), capture_thread_local), "cuStreamBeginCapture");
  }
  std::unique_ptr<Graph> end_recording() override {
    const Current current(call_, context_);
    DriverGraph* recorded = nullptr;
    call_.check(call_.end_capture(stream(), &recorded), "cuStreamEndCapture");
    return std::make_unique<CardGraph>(call_, recorded);
  }
  void cancel_recording() noexcept override {
    const Current current(call_, context_);
    DriverGraph* recorded = nullptr;
    if (call_.end_capture(stream(), &recorded) == 0 && recorded) call_.destroy_graph(recorded);
  }
  void replay(Graph& graph) override {
    const Current current(call_, context_);
    call_.check(call_.launch_graph(static_cast<CardGraph&>(graph).exec, stream()), "cuGraphLaunch");
  }
  std::unique_ptr<Mark> create_mark() override {
    const Current current(call_, context_);
    return std::make_unique<CardMark>(call_, context_, event_untimed);
  }
  std::unique_ptr<Mark> create_timed_mark() override {
    const Current current(call_, context_);
    return std::make_unique<CardMark>(call_, context_, event_default);
  }
  double seconds_between(Mark& begin, Mark& end) override {
    const Current current(call_, context_);
    float milliseconds = 0;
    call_.check(call_.elapsed(&milliseconds, static_cast<CardMark&>(begin).event, static_cast<CardMark&>(end).event), "cuEventElapsedTime");
    return milliseconds * 1e-3;
  }
  void mark(Mark& mark, Queue queue) override {
    const Current current(call_, context_);
    call_.check(call_.record_event(static_cast<CardMark&>(mark).event, on(queue)), "cuEventRecord");
  }
  void follow(Queue queue, Mark& mark) override {
    const Current current(call_, context_);
    call_.check(call_.follow_event(on(queue), static_cast<CardMark&>(mark).event, 0), "cuStreamWaitEvent");
  }
  void wait_for(Mark& mark) override {
    const Current current(call_, context_);
    call_.check(call_.wait_event(static_cast<CardMark&>(mark).event), "a kernel or copy");
  }
  bool is_past(Mark& mark) override {
    const Current current(call_, context_);
    const int error = call_.query_event(static_cast<CardMark&>(mark).event);
    if (error != error_not_ready) call_.check(error, "a kernel or copy");
    return error != error_not_ready;
  }
  bool look_for(const std::function<bool()>& is_there) override {
    const auto end = std::chrono::steady_clock::now() + longest_look;
    while (!is_there())
      if (std::chrono::steady_clock::now() > end) return false;
    return true;
  }
  void wait() override {
    const Current current(call_, context_);
    call_.check(call_.wait_stream(stream()), "a kernel or copy");
  }
  void settle() noexcept override {
    const Current current(call_, context_);
    for (const Queue queue : all_queues) call_.wait_stream(on(queue));
  }
  double time(Graph& graph, int count) override {
    const auto begin = create_timed_mark(), end = create_timed_mark();
    mark(*begin, Queue::work);
    for (int k = 0; k < count; k++) replay(graph);
    mark(*end, Queue::work);
    wait_for(*end);
    return seconds_between(*begin, *end);
  }

 private:
  /// A launch in clusters, or before the one before it has ended.
  struct LaunchWith {
    DriverLaunchAttribute attributes[3] = {};
    DriverLaunch launch;
    LaunchWith(Grid grid, int threads, size_t shared_bytes, DriverStream* stream)
        : launch{grid.x, grid.y, 1, static_cast<unsigned>(threads), 1, 1, static_cast<unsigned>(shared_bytes), stream, attributes, 0} {
      if (grid.cluster > 0) {
        auto& numbers = add(launch_cluster).numbers;
        numbers[0] = grid.cluster, numbers[1] = numbers[2] = 1;
      }
      if (grid.all_at_once) add(launch_cooperative).cooperative = 1;
      if (grid.early) add(launch_early).early = 1;
    }

   private:
    decltype(DriverLaunchAttribute::value)& add(int id) {
      DriverLaunchAttribute& attribute = attributes[launch.attribute_count++];
      attribute.id = id;
      return attribute.value;
    }
  };

  DriverStream* on(Queue queue) const { return streams_[static_cast<size_t>(queue)]->handle; }
  DriverStream* stream() const { return on(Queue::work); }

  const Driver& call_;
  DriverDevice device_ = 0;
  DriverContext* context_ = nullptr;
  std::optional<CardStream> streams_[std::size(all_queues)];
  DeviceInfo info_;
  bool has_clusters_ = false;
};

}  // namespace

std::vector<DeviceInfo> list_cards() {
  const Driver& call = driver();
  int count = 0;
  call.check(call.device_count(&count), "cuDeviceGetCount");
  std::vector<DeviceInfo> cards;
  for (int ordinal = 0; ordinal < count; ordinal++) {
    DriverDevice device = 0;
    call.check(call.device(&device, ordinal), "cuDeviceGet");
    cards.push_back(describe_card(call, device));
  }
  return cards;
}

std::unique_ptr<Device> open_card(int ordinal) { return std::make_unique<Card>(ordinal); }

int driver_version() { return driver().version; }

}  // namespace painnless::cuda
