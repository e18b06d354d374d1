#pragma once
// What a run has on the card, and on the host, where copies run from and to: the same arrays at the same places of one piece of memory each.
#include "../../run.h"
#include "../kernels/steps.h"
#include "../network/pack.h"

namespace painnless::cuda {

/// Steps that are queued before the host looks after what they have left, and room for two such chunks of records and frames.
struct Chunks {
  int64_t steps;
  int record_rows, frame_rows;
  Chunks(const Setup& setup, int64_t most_steps);
  bool operator==(const Chunks&) const = default;
};

struct RunMemory {
  // Sent as one piece.
  RunConstants* run;
  double *half_kick, *spread, *masses;
  int* ended;
  Progress* progress;
  StepState now;
  // Not sent.
  StepState before;
  double* parts;
  double *records, *frames;
  Progress* reports;  // (2) of the last two chunks; only the host's are used

  /// Takes everything; returns the bytes that are sent.
  size_t lay_out(Arena& arena, const Setup& setup, const Chunks& chunks);
};

/// Blocks of a replica of so many atoms.
int parts_of(size_t atoms);
/// Numbers of a state, of a row of records, of a row of frames.
size_t state_numbers(const Setup& setup);
size_t record_numbers(const Setup& setup);
size_t frame_numbers(const Setup& setup);

}  // namespace painnless::cuda
