#pragma once
// Weights in the order kernels want: matrices as (inputs, outputs), features fastest, every block of features padded by zeros on its own; all of
// a network's in one piece of device memory.
#include <span>
#include <vector>

#include "../model.h"
#include "buffer.h"
#include "shape.h"

namespace painnless::cuda {

/// `blocks` blocks of `width` features; position n of the padded row is element index(n), or -1 for padding.
struct Blocks {
  int blocks, width;
  int size() const { return blocks * padded(width); }
  int index(int n) const { return n % padded(width) < width ? n / padded(width) * width + n % padded(width) : -1; }
};

/// (inputs, outputs) of y = W x; T2.
std::vector<double> forward_matrix(const Linear& linear, Blocks outputs, Blocks inputs);
/// (outputs, inputs), of x_bar = W^T y_bar; T2.
std::vector<double> adjoint_matrix(const Linear& linear, Blocks outputs, Blocks inputs);
std::vector<double> padded_vector(std::span<const double> vector, Blocks blocks);
/// Rows `blocks` of a linear map whose outputs are blocks of `width` features.
Linear rows_of(const Linear& linear, int width, std::vector<int> blocks, std::vector<double>& weight, std::vector<double>& bias);

/// Filled twice, with the same calls: once to count, once to write.
class WeightStore {
 public:
  WeightStore() = default;  // only counts
  explicit WeightStore(Device& device) : device_(&device) {}

  /// Runs `pack(*this)` twice and sends what it put.
  template <class Pack> void fill(Pack pack) {
    pack(*this);
    memory_ = Buffer(*device_, bytes_);
    staging_ = Pinned(*device_, bytes_);
    bytes_ = 0;
    pack(*this);
    device_->upload(memory_.address(), staging_.memory(), bytes_);
    device_->wait();
    staging_ = {};
  }
  /// Where the numbers will be on the device, as Value.
  template <class Value> const Value* put(const std::vector<double>& numbers) {
    const size_t at = bytes_;
    bytes_ += (numbers.size() * sizeof(Value) + 255) / 256 * 256;
    if (!staging_.memory()) return nullptr;
    auto* to = reinterpret_cast<Value*>(staging_.memory() + at);
    for (size_t i = 0; i < numbers.size(); i++) to[i] = static_cast<Value>(numbers[i]);
    return reinterpret_cast<const Value*>(memory_.address() + at);
  }
  size_t bytes() const { return bytes_; }

 private:
  Device* device_ = nullptr;
  Buffer memory_;
  Pinned staging_;
  size_t bytes_ = 0;
};

/// One piece of device memory cut into arrays: counted without memory, then handed out.
class Arena {
 public:
  Arena() = default;  // only counts
  explicit Arena(Address begin) : next_(begin), begin_(begin) {}
  template <class Value> Value* take(size_t count) {
    const Address at = next_;
    next_ += (count * sizeof(Value) + 255) / 256 * 256;
    return reinterpret_cast<Value*>(at);
  }
  size_t bytes() const { return next_ - begin_; }

 private:
  Address next_ = 0, begin_ = 0;
};

}  // namespace painnless::cuda
