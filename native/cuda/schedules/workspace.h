#pragma once
// Everything on the card that grows with a batch, as one piece of memory.
#include "../network/network.h"
#include "request.h"

namespace painnless::cuda {

/// The largest batch that memory is laid out for.
struct Capacity {
  int atoms = 0, structures = 0, edges = 0;
  int pairs = 0;  // to keep within cutoff and skin; none but for a run
  bool operator==(const Capacity&) const = default;
};

constexpr int first_edges_per_atom = 48;  // room to begin with; a denser structure makes it grow once

template <class Real> struct Workspace {
  unsigned char *request, *answer;
  Placed* placed;
  int *slot_begin, *slot_end, *slots_taken, *group_edges, slots, windows;
  InSlot* in_slots;
  Sender* senders;
  unsigned long long *found, *spare;
  KeptPairs kept;
  double *virials, *chunk_sums;
  int* chunks_done;
  Work<Real> work;

  void lay_out(Arena& arena, Capacity capacity, const Shape& shape) {
    const size_t atoms = static_cast<size_t>(capacity.atoms), edges = static_cast<size_t>(capacity.edges);
    slots = 64;
    while (slots / 2 < capacity.atoms) slots *= 2;
    work.edge_capacity = capacity.edges;
    work.sizes = arena.take<Sizes>(1);
    // Up to slot_begin all begins as zeros; without bins, up to slots_taken.
    group_edges = arena.take<int>((atoms + scan_items - 1) / scan_items * group_stride);
    windows = (capacity.atoms + atom_chunk - 1) / atom_chunk;
    chunks_done = arena.take<int>(static_cast<size_t>(windows));
    slots_taken = arena.take<int>(1);
    slot_end = arena.take<int>(static_cast<size_t>(slots));
    slot_begin = arena.take<int>(static_cast<size_t>(slots));
    request = arena.take<unsigned char>(request_bytes(capacity.atoms, capacity.structures));
    answer = arena.take<unsigned char>(answer_bytes(capacity.atoms, capacity.structures));
    placed = arena.take<Placed>(atoms);
    in_slots = arena.take<InSlot>(atoms);
    senders = arena.take<Sender>(atoms);
    work.numbers = arena.take<int>(atoms);
    work.energies = arena.take<double>(atoms);
    virials = arena.take<double>(6 * atoms);
    chunk_sums = arena.take<double>(2 * 8 * static_cast<size_t>(windows));
    work.edges.first = arena.take<int>(atoms + 1);
    work.edges.receivers = arena.take<int>(edges);
    work.edges.senders = arena.take<int>(edges);
    work.edges.reverse = arena.take<int>(edges);
    work.edges.pairs = arena.take<int>(atoms);
    work.edges.shifts = nullptr;
    work.edges.vectors = arena.take<double>(3 * edges);
    work.edges.direction = arena.take<Real>(4 * edges);
    work.edges.rest = arena.take<Real>(edges);
    work.sums = arena.take<Real>(4 * edges * static_cast<size_t>(shape.sum_chunks()));
    work.values = work.slopes = nullptr;
    if (shape.slices > 0) {
      const size_t words = edges * static_cast<size_t>(filter_row_words(shape.radial));
      work.values = arena.take<unsigned>(words), work.slopes = arena.take<unsigned>(words);
    }
    const size_t pairs = static_cast<size_t>(capacity.pairs);
    kept = {};
    kept.capacity = capacity.pairs;
    if (pairs > 0) {
      kept.pairs = arena.take<unsigned long long>(pairs);
      kept.atoms = arena.take<KeptAtom>(atoms);
      kept.crossed = arena.take<int>(atoms);
    }
    const bool fit = pairs * sizeof(unsigned long long) <= 4 * edges * static_cast<size_t>(shape.sum_chunks()) * sizeof(Real);
    found = fit ? reinterpret_cast<unsigned long long*>(work.sums) : arena.take<unsigned long long>(pairs);  // sums are written when the search is done
    spare = reinterpret_cast<unsigned long long*>(work.edges.vectors);  // which are written when the finds are in order
  }
};

}  // namespace painnless::cuda
