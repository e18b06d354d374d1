#pragma once
// What goes to the card and what comes back, byte by byte as kernels/signatures.h says.
#include <vector>

#include "../../engine.h"
#include "../kernels/signatures.h"

namespace painnless::cuda {

/// Bytes of what is sent for a batch of so many, and of what is fetched.
size_t request_bytes(int atoms, int structures);
size_t answer_bytes(int atoms, int structures);

/// Where the positions of a request are, and of an answer the net energies and the forces; bytes.
size_t positions_at(int structures);
size_t energies_at();
size_t forces_at(int atoms, int structures);

/// Writes the request. Throws InputError BAD_STRUCTURE for a cell that the CPU's search refuses, in its words.
/// `nearest`: Å that atoms must be apart, or 0: any will do.
void write_request(const Batch& batch, double cutoff, bool edge_at_cutoff, double nearest, std::byte* to);
/// Are there structures that need bins?
bool needs_bins(const Batch& batch);

Sizes sizes_of_answer(const std::byte* answer);
/// What every byte of an answer is before a kernel writes it where the host reads it: of a number, NaN in float32 and float64, -1 where it is whole, a status among
/// others that says unfinished.
constexpr uint8_t nothing = 0xFF;
/// Has every number of such an answer come, but for forces if there are to be none? The kernel may not have ended. A NaN may look like nothing: wait for the kernel, too.
bool is_whole(const std::byte* answer, int atoms, int structures, bool forces);
/// Room for the answers to a batch, as engine.h says; what is not wanted has none.
void make_room(Evaluation& result, Want want, int atoms, int structures);
/// eV, eV/Å and eV/Å^3 of so many atoms and structures, to where they stand in the batch that room was made for.
void read_answer(const std::byte* answer, Want want, int atoms, int structures, Evaluation& result, int first_atom = 0, int first_structure = 0);

/// Throws what the CPU's search says of the structure that the card found fault with.
[[noreturn]] void refuse(const Batch& batch, double cutoff, bool edge_at_cutoff, int status);

}  // namespace painnless::cuda
