#pragma once
// One layer alone, for tests: its forward pass and its adjoint, in the precision and instruction set asked for.
#include "../engine.h"

namespace painnless {

/// Arrays go by the names of tests/golden/layers, row-major; indices are whole numbers in doubles.
struct LayerQuestion {
  std::string layer;  // radial, filter, table, context, message, update, readout
  int index;          // the interaction layer it stands in
  Tensors inputs;
  Tensors output_bars;  // dE/d(output); without any, the adjoint is not asked for
};

struct LayerAnswer {
  Tensors outputs, input_bars;
};

// One definition each per instruction set, from probe.cpp. Throw InputError USAGE for a layer that the architecture does not have.
namespace plain {
LayerAnswer probe(const Config& config, const Tensors& weights, Precision precision, const LayerQuestion& question);
}  // namespace plain
namespace avx2 {
LayerAnswer probe(const Config& config, const Tensors& weights, Precision precision, const LayerQuestion& question);
}  // namespace avx2
namespace avx512 {
LayerAnswer probe(const Config& config, const Tensors& weights, Precision precision, const LayerQuestion& question);
}  // namespace avx512

}  // namespace painnless
