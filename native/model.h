#pragma once
// Weights in the order kernels want: from named tensors to one struct per layer, float64, for every backend.
#include "engine.h"

namespace painnless {

/// y = W x + b with W (outputs, inputs) row-major. `bias` may be empty.
struct Linear {
  int outputs, inputs;
  std::span<const double> weight, bias;
};

/// One layer of PaiNN (docs/theory.md, message and update).
struct PainnLayer {
  Linear filter;              // (3F, R): rows in blocks q, R, mu
  Linear context1, context2;  // W1 (F, F), W2 (3F, F)
  Linear channels;            // A (2F, F): rows of V, then of Y; no bias
  Linear update1, update2;    // C1 (F, 2F), C2 (3F, F)
};

/// One layer of the distiller student.
struct DistillerLayer {
  Linear filter1, filter2;         // A1 (F, R), A2 (3F, F)
  Linear update1, update2;         // B1 (F, 2F), B2 (3F, F)
  std::span<const double> mixing;  // M (3, 3); empty stands for a layer whose vectors are never read again
};

/// Views into `tensors`, which must outlive it. Every name and size is checked: BAD_MODEL.
struct Weights {
  Config config;
  std::span<const double> embedding;           // (max_z + 1, F)
  std::span<const double> offsets, widths;     // (R) gaussian: centres and widths, Å; bessel: frequencies and nothing
  std::vector<PainnLayer> painn;               // one per layer; shared layers appear L times
  std::vector<DistillerLayer> distiller;
  std::vector<Linear> readout;

  Weights(const Config& config, const Tensors& tensors);
};

}  // namespace painnless
