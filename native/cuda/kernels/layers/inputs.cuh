#pragma once
// Inputs of a product: rows of a tile of atoms in shared memory. For tensor cores each number lies there as the parts it is split into, so that it is split
// once, by who makes it, and what is to be read again as it was is kept elsewhere. Elsewhere it lies there as it is.
#include "layers/exchange.cuh"
#if TENSOR
#include "layers/fragments.cuh"
#endif

namespace painnless::cuda {

/// ROWS rows of NUMBERS, which are summed in parts of so many units of eight, in rows that have room for so many. Place k of a row is that of by_parts
/// (shapes.h), on the way there just k.
template <int ROWS, int NUMBERS, int UNITS = forward_units, int ROOM = NUMBERS> struct Inputs {
  real* memory;
  static constexpr int rows = ROWS, numbers = NUMBERS, units = UNITS, row = input_row(ROOM, 0), size = ROWS * input_row(ROOM, TENSOR);
  /// The same rows, of which a product takes the first numbers.
  template <int COUNT> __device__ Inputs<ROWS, COUNT, UNITS, ROOM> first() const { return {memory}; }
  /// That so many numbers of all rows take.
  static constexpr int bytes(int count) { return ROWS * count * (TENSOR ? 2 * TENSOR : static_cast<int>(sizeof(real))); }
#if TENSOR
  static constexpr int words = size / ROWS / parts_of_number;  // of a row and part
  /// Words of all rows with one part of their numbers.
  __device__ unsigned* plane(int part) const { return reinterpret_cast<unsigned*>(memory) + part * ROWS * words; }
  /// Where a pair lies: of two units that go to the tensor cores together, the words that one lane loads are neighbours.
  static __device__ int place(int k) {
    const int part = k / part_features / UNITS, unit = k / part_features % UNITS, pair = k % part_features / 2, two = unit / 2 * 2;
    return part * (UNITS * part_features / 2) + two * part_features / 2 + (two + 1 < UNITS ? 2 * pair + unit % 2 : pair);
  }
  static constexpr int planes = parts_of_number;
  __device__ real* at(int part, int r, int k) const { return reinterpret_cast<real*>(plane(part) + r * words + place(k)); }
  __device__ void put(int r, int k, const Pack<2>& x) const {
    const Split split = split_of(x.v[0], x.v[1]);
#pragma unroll
    for (int part = 0; part < parts_of_number; part++) plane(part)[r * words + place(k)] = split.part[part];
  }
#else
  __device__ void put(int r, int k, const Pack<2>& x) const { store(memory + r * row + k, x); }
#endif
};

}  // namespace painnless::cuda
