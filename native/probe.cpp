#include "probe.h"

#include <algorithm>

#include "cpu/engine.h"

namespace painnless {

LayerAnswer probe(InstructionSet set, Precision precision, const Config& config, const Tensors& weights, const LayerQuestion& question) {
  const auto sets = available_instruction_sets();
  if (std::find(sets.begin(), sets.end(), set) == sets.end())
    throw InputError("UNSUPPORTED", "instructionSet", "this processor or build does not have the instruction set asked for");
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx2: return avx2::probe(config, weights, precision, question);
#if !defined(PAINNLESS_PLANT_FAULTS)
    case InstructionSet::avx512: return avx512::probe(config, weights, precision, question);
#endif
#endif
    default: return plain::probe(config, weights, precision, question);
  }
}

}  // namespace painnless
