#pragma once
// Readout: atom features -> atomic energy, and straight back: its adjoint needs nothing but what the block has just computed
// (docs/theory.md, T31 and T32). Both networks.
#include "../arena.h"
#include "../faults.h"
#include "blocks.h"

namespace painnless::PAINNLESS_ISA {

template <class Real> struct ReadoutScratch {
  std::vector<Real*> h, slope;  // one (rows, width) per hidden layer
};

template <class Real> class Readout {
 public:
  explicit Readout(const std::vector<Linear>& layers) {
    for (size_t l = 0; l + 1 < layers.size(); ++l) {
      const Blocks outputs{1, layers[l].outputs}, inputs{1, layers[l].inputs};
      hidden_.push_back({pack_forward<Real>(layers[l], outputs, inputs), pack_adjoint<Real>(layers[l], outputs, inputs), pack_vector<Real>(layers[l].bias, outputs)});
    }
    last_ = pack_vector<Real>(layers.back().weight, {1, layers.back().inputs});
    last_width_ = padded(layers.back().inputs);
    last_bias_ = layers.back().bias[0];
  }

  double bytes() const {
    double sum = 0;
    for (const auto& layer : hidden_) sum += packed_bytes<Real>(layer.forward, layer.adjoint);
    return sum;
  }

  void lay_out(Arena& arena, size_t rows, ReadoutScratch<Real>& scratch) const {
    scratch.h.resize(hidden_.size());
    scratch.slope.resize(hidden_.size());
    for (size_t l = 0; l < hidden_.size(); ++l) {
      scratch.h[l] = arena.take<Real>(rows * hidden_[l].forward.outputs);
      scratch.slope[l] = arena.take<Real>(rows * hidden_[l].forward.outputs);
    }
  }

  /// T31: energies (rows), summed in double, from q (rows, stride); on rows of this thread where columns are shared.
  void forward(const Share& share, int rows, const Real* q, int stride, const ReadoutScratch<Real>& scratch, double* energies) const {
    const Real* x = q;
    for (size_t l = 0; l < hidden_.size(); ++l) {
      const int out = hidden_[l].forward.outputs;
      multiply(hidden_[l].forward, x, stride, 0, rows, share.columns<Real>(1, out), BiasSilu<Real>{scratch.h[l], scratch.slope[l], out, hidden_[l].bias.get()});
      share.meet_columns();
      x = scratch.h[l];
      stride = out;
    }
    const int first = share.by_columns ? rows * share.thread / share.threads : 0;
    const int end = share.by_columns ? rows * (share.thread + 1) / share.threads : rows;
    for (int i = first; i < end; ++i) {
      double part[8] = {};  // eight sums side by side, in the same order whatever the vector width
      for (int c = 0; c < last_width_; ++c) part[c % 8] += static_cast<double>(last_[c]) * x[static_cast<size_t>(i) * stride + c];
      energies[i] = last_bias_ + (((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7])));
    }
  }

  /// T32: q_bar (rows, F) is set.
  void adjoint(const Share& share, int rows, const ReadoutScratch<Real>& scratch, Real* q_bar) const {
    using V = Vec<Real>;
    const int depth = static_cast<int>(hidden_.size());
    const Columns mine = share.columns<Real>(1, last_width_);
    Real* z_bar = depth ? scratch.slope[depth - 1] : q_bar;  // the slope turns into the bar in place
    const int z_row = depth ? last_width_ : row_stride<Real>(last_width_);
    for (int i = 0; i < rows; ++i)
      for (int c = mine.begin; c < mine.end; c += width<Real>) {
        Real* z = z_bar + static_cast<size_t>(i) * z_row + c;
        const V weight = load(last_.get() + c);
        store(z, depth && PAINNLESS_FAULT("readout slope omitted", false, true) ? load(z) * weight : weight);
      }
    for (int l = depth - 1; l >= 0; --l) {
      share.meet_columns();
      const Packed<Real>& w = hidden_[l].adjoint;
      if (l == 0)
        multiply(w, scratch.slope[0], w.inputs, 0, rows, share.columns<Real>(1, w.outputs), Store<Real>{q_bar, row_stride<Real>(w.outputs)});
      else
        multiply(w, scratch.slope[l], w.inputs, 0, rows, share.columns<Real>(1, w.outputs), Scale<Real>{scratch.slope[l - 1], scratch.slope[l - 1], w.outputs});
    }
  }

 private:
  struct Hidden {
    Packed<Real> forward, adjoint;
    AlignedArray<Real> bias;
  };
  std::vector<Hidden> hidden_;
  AlignedArray<Real> last_;
  int last_width_;
  double last_bias_;
};

}  // namespace painnless::PAINNLESS_ISA
