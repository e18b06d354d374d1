#pragma once
// Weights in the order kernels want: matrices as (inputs, outputs), features fastest, every block of features padded by zeros on its own; all of
// a network's in one piece of device memory.
#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "../../model/blocks.h"
#include "../card/buffer.h"
#include "../kernels/signatures.h"

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

  /// Runs `pack(*this)`, which puts everything.
  template <class Pack> void fill(Pack pack) {
    pack(*this);
    staging_ = {};
  }
  /// Where the numbers are on the device, as Value.
  template <class Value, class Given = double> const Value* put(const std::vector<Given>& numbers) {
    const size_t bytes = (numbers.size() * sizeof(Value) + 255) / 256 * 256;
    if (!device_) {
      bytes_ += bytes;
      return nullptr;
    }
    if (staging_.bytes() < bytes) staging_ = Pinned(*device_, std::max(bytes, piece_bytes));
    auto* const values = reinterpret_cast<Value*>(staging_.begin());
    for (size_t i = 0; i < numbers.size(); i++) values[i] = static_cast<Value>(numbers[i]);
    const Address at = take(bytes);
    device_->upload(at, values, bytes);
    device_->wait();
    return reinterpret_cast<const Value*>(at);
  }
  /// That are taken; where there is no device, of all that was put.
  size_t bytes() const { return bytes_; }

 private:
  static constexpr size_t piece_bytes = 1 << 20;
  struct Piece {
    Buffer memory;
    size_t used;
  };

  Address take(size_t bytes) {
    auto piece = std::find_if(pieces_.begin(), pieces_.end(), [&](const Piece& one) { return one.used + bytes <= one.memory.bytes(); });
    if (piece == pieces_.end()) {
      pieces_.push_back({Buffer(*device_, std::max(bytes, piece_bytes)), 0});
      piece = pieces_.end() - 1;
      bytes_ += piece->memory.bytes();
    }
    return piece->memory.begin() + std::exchange(piece->used, piece->used + bytes);
  }

  Device* device_ = nullptr;
  std::vector<Piece> pieces_;
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
