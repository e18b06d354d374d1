#pragma once
// Neighbour search: every pair within the cutoff, each once in either direction (docs/theory.md, section on neighbours).
#include <cstdint>
#include <span>
#include <vector>

namespace painnless {

/// Directed edges of one structure, sorted by receiver, then sender, then shift (lexicographic in the three integers).
/// r = R_sender - R_receiver + S cell. An atom is never its own neighbour at S = 0; images of itself (S != 0) are kept.
struct NeighborList {
  std::vector<int32_t> first;      // (atoms + 1) first edge of each receiver
  std::vector<int32_t> receivers;  // (edges)
  std::vector<int32_t> senders;    // (edges)
  std::vector<int32_t> shifts;     // (edges, 3)
  std::vector<double> vectors;     // (edges, 3) Å
  std::vector<int32_t> reverse;    // (edges) index of the edge sender -> receiver with the opposite shift
};

/// Reuses its memory from call to call. O(atoms) at constant density; any cell, any mix of periodic axes, any number of images.
class NeighborSearch {
 public:
  /// positions (atoms, 3) Å, anywhere, also outside the cell; cell (3, 3), read only along periodic axes; pbc (3).
  /// An edge has d < cutoff, or d <= cutoff when edge_at_cutoff. Throws InputError BAD_STRUCTURE when two atoms (or an atom and an image)
  /// lie closer than 1e-6 Å, or when there are more edges than int32 can count.
  void search(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc, double cutoff,
              bool edge_at_cutoff, NeighborList& list);
};

}  // namespace painnless
