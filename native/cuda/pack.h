#pragma once
// Weights in the order kernels want: matrices as (inputs, outputs), features fastest, every block of features padded by zeros on its own; all of
// a network's in one piece of device memory.
#include <cstdint>
#include <span>
#include <vector>

#include "../model/blocks.h"
#include "buffer.h"
#include "kernels/signatures.h"

namespace painnless::cuda {

/// (inputs, outputs) of y = W x; T2.
std::vector<double> forward_matrix(const Linear& linear, Blocks outputs, Blocks inputs);
/// (outputs by parts, inputs), of x_bar = W^T y_bar; T2.
std::vector<double> adjoint_matrix(const Linear& linear, Blocks outputs, Blocks inputs);
/// The same two for tensor cores, a weight in `tensor` parts (shapes.h) and in the order in which lanes load them (layers/multiply_tensor.cuh): 16 features of
/// each block of results, parts of the inputs, blocks of results, two units or one, which part of the numbers, lanes, and of each lane those of both units.
/// Weights beyond 65,504 are refused.
std::vector<uint32_t> forward_fragments(int tensor, const Linear& linear, Blocks outputs, Blocks inputs);
std::vector<uint32_t> adjoint_fragments(int tensor, const Linear& linear, Blocks outputs, Blocks inputs);
std::vector<double> padded_vector(std::span<const double> vector, Blocks blocks);
/// Rows of F numbers, each padded.
std::vector<double> padded_rows(std::span<const double> rows, int features);

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
    device_->upload(memory_.begin(), staging_.begin(), bytes_);
    device_->wait();
    staging_ = {};
  }
  /// Where the numbers will be on the device, as Value.
  template <class Value, class Given = double> const Value* put(const std::vector<Given>& numbers) {
    const size_t at = bytes_;
    bytes_ += (numbers.size() * sizeof(Value) + 255) / 256 * 256;
    if (!staging_.begin()) return nullptr;
    auto* to = reinterpret_cast<Value*>(staging_.begin() + at);
    for (size_t i = 0; i < numbers.size(); i++) to[i] = static_cast<Value>(numbers[i]);
    return reinterpret_cast<const Value*>(memory_.begin() + at);
  }
  size_t bytes() const { return bytes_; }

 private:
  Device* device_ = nullptr;
  Buffer memory_;
  Pinned staging_;
  size_t bytes_ = 0;
};

/// y = W x + b between padded rows, and its adjoint; for products of numbers in so many parts (shapes.h).
template <class Real> Dense<Real> pack_dense(WeightStore& store, int tensor, const Linear& linear, Blocks outputs, Blocks inputs) {
  const auto put = [&](auto fragments, auto matrix) {
    return tensor ? reinterpret_cast<const Real*>(store.put<uint32_t>(fragments(tensor, linear, outputs, inputs))) : store.put<Real>(matrix(linear, outputs, inputs));
  };
  const Real* weight = put(forward_fragments, forward_matrix);
  const Real* bias = linear.bias.empty() ? nullptr : store.put<Real>(padded_vector(linear.bias, outputs));
  return {weight, bias, put(adjoint_fragments, adjoint_matrix)};
}

/// The same with only those of its blocks of `width` outputs that are `kept`, in that order.
template <class Real> Dense<Real> pack_blocks(WeightStore& store, int tensor, const Linear& linear, int width, const std::vector<int>& kept, Blocks inputs) {
  std::vector<double> weight, bias;
  for (const int block : kept) {
    const size_t first = static_cast<size_t>(block) * width, row = linear.inputs;
    weight.insert(weight.end(), linear.weight.begin() + first * row, linear.weight.begin() + (first + width) * row);
    bias.insert(bias.end(), linear.bias.begin() + first, linear.bias.begin() + first + width);
  }
  const int blocks = static_cast<int>(kept.size());
  return pack_dense<Real>(store, tensor, {blocks * width, linear.inputs, weight, bias}, {blocks, width}, inputs);
}

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
