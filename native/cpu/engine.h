#pragma once
// The CPU backend's door: one engine per model, made for the best instruction set that the caller and the processor allow.
#include "../engine.h"

namespace painnless {

/// What this processor and its operating system can run, best last.
std::vector<InstructionSet> available_instruction_sets();
/// Throws InputError UNSUPPORTED for an instruction set that is not among them.
void require(InstructionSet set);

/// Throws InputError BAD_MODEL (a tensor), UNSUPPORTED (an instruction set this processor lacks).
std::unique_ptr<Engine> create_cpu_engine(const Config& config, const Tensors& tensors, const CpuOptions& options);

/// Multiply-add rate of one core in flop/s, measured over some 50 ms: the ceiling of the dense layers.
double peak(InstructionSet set, Precision precision);

// One definition each per instruction set, from kernels.cpp.
namespace plain {
std::unique_ptr<Engine> make_engine(const Config& config, const Tensors& tensors, const CpuOptions& options);
double peak(Precision precision);
}  // namespace plain
namespace avx2 {
std::unique_ptr<Engine> make_engine(const Config& config, const Tensors& tensors, const CpuOptions& options);
double peak(Precision precision);
}  // namespace avx2
namespace avx512 {
std::unique_ptr<Engine> make_engine(const Config& config, const Tensors& tensors, const CpuOptions& options);
double peak(Precision precision);
}  // namespace avx512

}  // namespace painnless
