#pragma once
// Memory that frees itself: on the device, and pinned on the host.
#include <utility>

#include "device.h"

namespace painnless::cuda {

/// Memory that a device gives and takes back; `Place` is how it says where.
template <class Place, Place (Device::*allocate)(size_t), void (Device::*release)(Place) noexcept> class Owned {
 public:
  Owned() = default;
  Owned(Device& device, size_t bytes) : device_(&device), begin_((device.*allocate)(bytes)), bytes_(bytes) {}
  Owned(Owned&& other) noexcept { swap(other); }
  Owned& operator=(Owned&& other) noexcept {
    Owned moved(std::move(other));
    swap(moved);
    return *this;
  }
  ~Owned() {
    if (device_) (device_->*release)(begin_);
  }

  Place begin() const { return begin_; }
  size_t bytes() const { return bytes_; }

 private:
  void swap(Owned& other) noexcept {
    std::swap(device_, other.device_);
    std::swap(begin_, other.begin_);
    std::swap(bytes_, other.bytes_);
  }

  Device* device_ = nullptr;
  Place begin_{};
  size_t bytes_ = 0;
};

/// On the device.
using Buffer = Owned<Address, &Device::allocate, &Device::release>;
/// On the host, where copies can run from and to it.
using Pinned = Owned<std::byte*, &Device::allocate_pinned, &Device::release_pinned>;

}  // namespace painnless::cuda
