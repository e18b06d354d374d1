#pragma once
// Weights in the order kernels want: matrices as (inputs, outputs), features fastest, every block of features padded by zeros on its own; all of
// a network's in one piece of device memory.
#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
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

/// Takes memory piece by piece, so that what is put has its place at once and is made once.
class WeightStore {
 public:
  WeightStore() = default;  // only counts
  explicit WeightStore(Device& device) : device_(&device) {}

  /// Runs `pack(*this)`, and sends what it put.
  template <class Pack> void fill(Pack pack) {
    pack(*this);
    send();
    staging_ = {};
  }
  /// Where the numbers will be on the device, as Value.
  template <class Value, class Given = double> const Value* put(const std::vector<Given>& numbers) {
    const size_t size = (numbers.size() * sizeof(Value) + 255) / 256 * 256;
    bytes_ += size;
    if (!device_) return nullptr;
    if (pieces_.empty() || used_ + size > pieces_.back().bytes()) add_piece(size);
    auto* to = reinterpret_cast<Value*>(staging_.begin() + used_);
    for (size_t i = 0; i < numbers.size(); i++) to[i] = static_cast<Value>(numbers[i]);
    return reinterpret_cast<const Value*>(pieces_.back().begin() + std::exchange(used_, used_ + size));
  }
  /// Of all that was put.
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t piece_bytes = 4 << 20;  // two of the pages that cards give memory in

  void add_piece(size_t least) {
    send();
    const size_t bytes = std::max(least, piece_bytes);
    if (staging_.bytes() < bytes) staging_ = Pinned(*device_, bytes);
    pieces_.emplace_back(*device_, bytes);
  }
  void send() {
    if (used_ == 0) return;
    device_->upload(pieces_.back().begin(), staging_.begin(), used_);
    device_->wait();
    used_ = 0;
  }

  Device* device_ = nullptr;
  std::vector<Buffer> pieces_;
  Pinned staging_;  // of the last piece
  size_t used_ = 0, bytes_ = 0;
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
