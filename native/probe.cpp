#include "probe.h"

#include "cpu/engine.h"

namespace painnless {

LayerAnswer probe(InstructionSet set, Precision precision, const Config& config, const Tensors& weights, const LayerQuestion& question) {
  require(set);
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx2: return avx2::probe(config, weights, precision, question);
    case InstructionSet::avx512: return avx512::probe(config, weights, precision, question);
#endif
    default: return plain::probe(config, weights, precision, question);
  }
}

}  // namespace painnless
