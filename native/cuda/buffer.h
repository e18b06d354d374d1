#pragma once
// Memory that frees itself: on the device, and pinned on the host.
#include <utility>

#include "device.h"

namespace painnless::cuda {

class Buffer {
 public:
  Buffer() = default;
  Buffer(Device& device, size_t bytes) : device_(&device), address_(device.allocate(bytes)), bytes_(bytes) {}
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~Buffer() {
    if (device_) device_->release(address_);
  }

  Address address() const { return address_; }
  size_t bytes() const { return bytes_; }

 private:
  void swap(Buffer& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(address_, other.address_);
    std::swap(bytes_, other.bytes_);
  }

  Device* device_ = nullptr;
  Address address_ = 0;
  size_t bytes_ = 0;
};

class Pinned {
 public:
  Pinned() = default;
  Pinned(Device& device, size_t bytes) : device_(&device), memory_(device.allocate_pinned(bytes)), bytes_(bytes) {}
  Pinned(Pinned&& other) noexcept { swap(other); }
  Pinned& operator=(Pinned&& other) noexcept {
    Pinned moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~Pinned() {
    if (device_) device_->release_pinned(memory_);
  }

  std::byte* memory() const { return static_cast<std::byte*>(memory_); }
  size_t bytes() const { return bytes_; }

 private:
  void swap(Pinned& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(memory_, other.memory_);
    std::swap(bytes_, other.bytes_);
  }

  Device* device_ = nullptr;
  void* memory_ = nullptr;
  size_t bytes_ = 0;
};

}  // namespace painnless::cuda
