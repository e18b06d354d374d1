#pragma once
// Runs one layer of one backend: what tests/layers.test.ts compares with PyTorch.
#include "cpu/probe.h"

namespace painnless {

/// Throws InputError: BAD_MODEL (a tensor), UNSUPPORTED (the processor lacks the instruction set), USAGE (no such layer or array).
LayerAnswer probe(InstructionSet set, Precision precision, const Config& config, const Tensors& weights, const LayerQuestion& question);

}  // namespace painnless
