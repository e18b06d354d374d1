#pragma once
// Everything on the card that grows with a batch, as one piece of memory.
#include "network.h"
#include "request.h"

namespace painnless::cuda {

/// The largest batch that memory is laid out for.
struct Capacity {
  int atoms = 0, structures = 0, edges = 0;
  bool for_slices = false;  // are there structures for slices
  bool operator==(const Capacity&) const = default;
};

constexpr int first_edges_per_atom = 48;  // room to begin with; a denser structure makes it grow once

template <class Real> struct Workspace {
  unsigned char *request, *answer;
  Placed* placed;
  int *slot_begin, *slot_end, slots;
  InSlot* in_slots;
  int* find_begin;
  unsigned long long *found, *spare;
  double* virials;
  Work<Real> work;

  void lay_out(Arena& arena, Capacity capacity, const Shape& shape) {
    const size_t atoms = static_cast<size_t>(capacity.atoms), edges = static_cast<size_t>(capacity.edges);
    slots = 64;
    while (slots < capacity.atoms) slots *= 2;
    work.edge_capacity = capacity.edges;
    work.sizes = arena.take<Sizes>(1);
    slot_end = arena.take<int>(static_cast<size_t>(slots));  // beside sizes: both begin as zeros
    slot_begin = arena.take<int>(static_cast<size_t>(slots) + 1);
    request = arena.take<unsigned char>(request_bytes(capacity.atoms, capacity.structures));
    answer = arena.take<unsigned char>(answer_bytes(capacity.atoms, capacity.structures));
    placed = arena.take<Placed>(atoms);
    in_slots = arena.take<InSlot>(atoms);
    find_begin = arena.take<int>(atoms);
    work.numbers = arena.take<int>(atoms);
    work.energies = arena.take<double>(atoms);
    virials = arena.take<double>(6 * atoms);
    work.edges.first = arena.take<int>(atoms + 1);
    work.edges.receivers = arena.take<int>(edges);
    work.edges.senders = arena.take<int>(edges);
    work.edges.reverse = arena.take<int>(edges);
    work.edges.shifts = nullptr;
    work.edges.vectors = arena.take<double>(3 * edges);
    work.edges.direction = arena.take<Real>(4 * edges);
    work.edges.rest = arena.take<Real>(edges);
    work.sums = arena.take<Real>(4 * edges * static_cast<size_t>(shape.chunks));
    work.values = work.slopes = nullptr;
    if (capacity.for_slices) {
      const size_t words = edges * static_cast<size_t>(filter_row_words(shape.radial));
      work.values = arena.take<unsigned>(words), work.slopes = arena.take<unsigned>(words);
    }
    work.request = request;
    work.placed = placed;
    found = reinterpret_cast<unsigned long long*>(work.sums);           // which are written when the search is done
    spare = reinterpret_cast<unsigned long long*>(work.edges.vectors);  // which are written when the finds are in order
  }
};

}  // namespace painnless::cuda
