#pragma once
// Kernels compiled by the host into a library of its own: what the emulated card runs.
#include "../card/compiler.h"

namespace painnless::cuda::emulator {

/// @param command a C++ compiler, e.g. "c++"; @param folder for what it writes
std::unique_ptr<Compiler> create_compiler(std::string command, std::string folder);

}  // namespace painnless::cuda::emulator
