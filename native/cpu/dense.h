#pragma once
// Dense products: y = x W^T with W packed once, so that each tile of outputs streams its weights in order.
// Every output is one accumulator over the whole of K, in order of k: its bits depend neither on which rows or columns a thread owns
// nor on how many rows a tile has (docs/theory.md, bitwise repeatability).
#include <functional>
#include <memory>
#include <new>

#include "vec.h"

namespace painnless::PAINNLESS_ISA {

/// Zeroed memory on a cache line; frees itself.
template <class T> class AlignedArray {
 public:
  AlignedArray() = default;
  explicit AlignedArray(size_t count) : data_(static_cast<T*>(::operator new[](count * sizeof(T) + 64, std::align_val_t{64}))) {
    std::memset(static_cast<void*>(data_.get()), 0, count * sizeof(T) + 64);
  }
  T* get() const { return data_.get(); }
  T& operator[](size_t i) const { return data_.get()[i]; }

 private:
  struct Free {
    void operator()(T* p) const { ::operator delete[](p, std::align_val_t{64}); }
  };
  std::unique_ptr<T, Free> data_;
};

template <class Real> constexpr int panel = 2 * width<Real>;  // output columns of a tile

/// A weight matrix for y[n] = sum_k x[k] w(k, n): panels of `panel` columns, k fastest between panels.
template <class Real> struct Packed {
  int inputs = 0, outputs = 0;
  AlignedArray<Real> data;

  Packed() = default;
  /// outputs is a multiple of `panel`; w(k, n) gives each element.
  template <class Element> Packed(int inputs_, int outputs_, Element w) : inputs(inputs_), outputs(outputs_), data(static_cast<size_t>(inputs_) * outputs_) {
    for (int p = 0; p < outputs / panel<Real>; ++p)
      for (int k = 0; k < inputs; ++k)
        for (int c = 0; c < panel<Real>; ++c)
          data[(static_cast<size_t>(p) * inputs + k) * panel<Real> + c] = static_cast<Real>(w(k, p * panel<Real> + c));
  }
};

/// Output columns of one thread: [begin, end) within each of `blocks` blocks that start `stride` apart; multiples of the panel.
struct Columns {
  int blocks, stride, begin, end;
};

// What becomes of a finished tile row: v holds outputs (row, column .. column + width - 1).
template <class Real> struct Store {
  Real* y;
  int stride;
  void operator()(int row, int column, Vec<Real> v) const { store(y + static_cast<size_t>(row) * stride + column, v); }
};
template <class Real> struct AddBias {
  Real* y;
  int stride;
  const Real* bias;
  void operator()(int row, int column, Vec<Real> v) const { store(y + static_cast<size_t>(row) * stride + column, v + load(bias + column)); }
};
/// y = silu(v + bias), slope = silu'(v + bias)
template <class Real> struct BiasSilu {
  Real *y, *slope;
  int stride;
  const Real* bias;
  void operator()(int row, int column, Vec<Real> v) const {
    Vec<Real> s, d;
    silu<Real>(v + load(bias + column), s, d);
    store(y + static_cast<size_t>(row) * stride + column, s);
    store(slope + static_cast<size_t>(row) * stride + column, d);
  }
};
/// y = v * factor
template <class Real> struct Scale {
  Real* y;
  const Real* factor;
  int stride;
  void operator()(int row, int column, Vec<Real> v) const {
    store(y + static_cast<size_t>(row) * stride + column, v * load(factor + static_cast<size_t>(row) * stride + column));
  }
};
template <class Real> struct Accumulate {
  Real* y;
  int stride;
  void operator()(int row, int column, Vec<Real> v) const {
    Real* p = y + static_cast<size_t>(row) * stride + column;
    store(p, load(p) + v);
  }
};

template <int Rows, class Real, class Finish>
PAINNLESS_INLINE void tile(const Real* x, int stride, const Real* w, int inputs, int row, int column, const Finish& finish) {
  using V = Vec<Real>;
  V left[Rows], right[Rows];
#pragma GCC unroll 16
  for (int m = 0; m < Rows; ++m) left[m] = right[m] = V{};
  x += static_cast<size_t>(row) * stride;
#pragma GCC unroll 2
  for (int k = 0; k < inputs; ++k) {
    const V w0 = load(w), w1 = load(w + width<Real>);
    w += panel<Real>;
#pragma GCC unroll 16
    for (int m = 0; m < Rows; ++m) {
      const V xk = splat(x[static_cast<size_t>(m) * stride + k]);
      left[m] = fma(xk, w0, left[m]);
      right[m] = fma(xk, w1, right[m]);
    }
  }
#pragma GCC unroll 16
  for (int m = 0; m < Rows; ++m) {
    finish(row + m, column, left[m]);
    finish(row + m, column + width<Real>, right[m]);
  }
}

/// Rows [row0, row1) of x (stride between rows) times w, the columns of one thread; `finish` receives each result.
template <class Real, class Finish>
__attribute__((noinline)) void multiply(const Packed<Real>& w, const Real* x, int stride, int row0, int row1, Columns columns, Finish finish) {
  const int rows = row1 - row0;
  if (rows <= 0) return;
  const int tiles = (rows + max_tile_rows - 1) / max_tile_rows;  // of nearly equal height
  for (int block = 0; block < columns.blocks; ++block)
    for (int c = block * columns.stride + columns.begin; c < block * columns.stride + columns.end; c += panel<Real>) {
      const Real* weights = w.data.get() + static_cast<size_t>(c) * w.inputs;
      for (int t = 0; t < tiles; ++t) {
        const int first = row0 + rows * t / tiles, height = row0 + rows * (t + 1) / tiles - first;
        switch (height) {
#define PAINNLESS_TILE(n) \
  case n:                 \
    if constexpr (n <= max_tile_rows) tile<n>(x, stride, weights, w.inputs, first, c, finish); \
    break;
          PAINNLESS_TILE(1)
          PAINNLESS_TILE(2)
          PAINNLESS_TILE(3)
          PAINNLESS_TILE(4)
          PAINNLESS_TILE(5)
          PAINNLESS_TILE(6)
          PAINNLESS_TILE(7)
          PAINNLESS_TILE(8)
          PAINNLESS_TILE(9)
          PAINNLESS_TILE(10)
          PAINNLESS_TILE(11)
          PAINNLESS_TILE(12)
          PAINNLESS_TILE(13)
          PAINNLESS_TILE(14)
#undef PAINNLESS_TILE
        }
      }
    }
}

}  // namespace painnless::PAINNLESS_ISA
