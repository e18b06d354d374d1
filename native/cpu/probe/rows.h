#pragma once
// Between arrays of the outside, in double and without padding, and rows as the layers want them.
#include "../share.h"

namespace painnless::PAINNLESS_ISA {

using Values = std::vector<double>;

/// Rows of blocks of `features`, each block padded by itself, with room for `stride` blocks a row. Vectors (atoms, 3, F) are three rows an atom.
template <class Real> struct Rows {
  int features;
  int width() const { return padded(features); }

  int count(const Values& values, int blocks) const { return static_cast<int>(values.size()) / (blocks * features); }
  AlignedArray<Real> blank(int rows, int blocks) const { return AlignedArray<Real>(static_cast<size_t>(rows) * row_stride<Real>(blocks * width())); }
  AlignedArray<Real> from(const Values& values, int blocks, int stride) const {
    AlignedArray<Real> rows = blank(count(values, blocks), stride);
    for (size_t k = 0; k < values.size(); ++k) rows[place(k, blocks, stride)] = static_cast<Real>(values[k]);
    return rows;
  }
  AlignedArray<Real> from(const Values& values, int blocks) const { return from(values, blocks, blocks); }
  Values to(const Real* rows, int count, int blocks, int stride) const {
    Values values(static_cast<size_t>(count) * blocks * features);
    for (size_t k = 0; k < values.size(); ++k) values[k] = rows[place(k, blocks, stride)];
    return values;
  }

 private:
  size_t place(size_t k, int blocks, int stride) const {
    const size_t block = k / features;
    return block / blocks * row_stride<Real>(stride * width()) + block % blocks * width() + k % features;
  }
};

}  // namespace painnless::PAINNLESS_ISA
