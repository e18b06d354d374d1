#include "engine.h"

#include <algorithm>

namespace painnless {

std::vector<InstructionSet> available_instruction_sets() {
  std::vector<InstructionSet> sets{InstructionSet::plain};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back(InstructionSet::avx2);
  if (sets.size() == 2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw"))
    sets.push_back(InstructionSet::avx512);
#endif
  return sets;
}

void require(InstructionSet set) {
  const auto sets = available_instruction_sets();
  if (std::find(sets.begin(), sets.end(), set) == sets.end())
    throw InputError("UNSUPPORTED", "instructionSet", "this processor does not have the instruction set asked for; leave it out to get the best there is");
}

std::unique_ptr<Engine> create_cpu_engine(const Config& config, const Tensors& tensors, const CpuOptions& options) {
  require(options.instruction_set);
  switch (options.instruction_set) {
#if defined(__x86_64__)
    case InstructionSet::avx2: return avx2::make_engine(config, tensors, options);
    case InstructionSet::avx512: return avx512::make_engine(config, tensors, options);
#endif
    default: return plain::make_engine(config, tensors, options);
  }
}

double peak(InstructionSet set, Precision precision) {
  require(set);
  switch (set) {
#if defined(__x86_64__)
    case InstructionSet::avx2: return avx2::peak(precision);
    case InstructionSet::avx512: return avx512::peak(precision);
#endif
    default: return plain::peak(precision);
  }
}

}  // namespace painnless
