#pragma once
// Neighbour search: every pair within the cutoff, each once in either direction (docs/theory.md, section on neighbours).
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "neighbors/placing.h"

namespace painnless {

/// Directed edges of one structure, sorted by receiver, then sender, then shift (lexicographic in the three integers).
/// r = R_sender - R_receiver + S cell. An atom is never its own neighbour at S = 0; images of itself (S != 0) are kept.
struct NeighborList {
  Column<int32_t> first;      // (atoms + 1) first edge of each receiver
  Column<int32_t> receivers;  // (edges)
  Column<int32_t> senders;    // (edges)
  Column<int32_t> shifts;     // (edges, 3)
  Column<double> vectors;     // (edges, 3) Å; that of the reverse edge is its exact negative
  Column<int32_t> reverse;    // (edges) index of the edge sender -> receiver with the opposite shift
};

/// Reuses its memory from call to call. O(atoms) at constant density; any cell, any mix of periodic axes, any number of images.
class NeighborSearch {
 public:
  /// positions (atoms, 3) Å, anywhere, also outside the cell; cell (3, 3), read only along periodic axes; pbc (3).
  /// An edge has d < cutoff, or d <= cutoff when edge_at_cutoff. Throws InputError BAD_STRUCTURE when two atoms (or an atom and an image)
  /// lie closer than 1e-6 Å, when the cell is flat, or when there are more edges than can be held.
  void search(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc, double cutoff,
              bool edge_at_cutoff, NeighborList& list);

 private:
  /// A whole number of lattice vectors along each axis; translations_[size - 1 - k] is the opposite of translations_[k].
  struct Translation {
    Shift steps;
    Vector offset;  // the same, Å
  };

  /// A neighbour before the list is in order: where its placed image is, and which.
  struct Found {
    int32_t sender, translation;
  };

  /// Atoms by_row_[begin .. end) share a square of the grid over the first two axes and are sorted along the third.
  struct Row {
    int32_t x, y, begin, end;
  };

  /// Atoms by_row_[start .. stop) of another row, translated: those near enough along the third axis to the receiver at hand. Receivers
  /// come in ascending order, so both ends only ever move forward.
  struct Window {
    int32_t start, stop, end, translation;
  };

  /// Squares along one of the first two axes, a periodic one divided evenly.
  struct Axis {
    double origin, width;
    int32_t count, reach;  // squares (periodic axes), squares to look at on either side
  };

  void set_reach(double cutoff);
  void list_translations();
  void divide(int k);
  void fill_rows();
  size_t slot_of(int32_t x, int32_t y) const;
  void open_windows(const Row& row);
  void find(const Row& row);
  [[noreturn]] void refuse_coincident(int32_t receiver) const;
  void transpose(Column<int32_t>& first);
  void write(NeighborList& list);
  void find_reverse(NeighborList& list);

  Basis basis_;
  std::array<double, 3> reach_{};    // what the cutoff spans, in fractions, with a margin for rounding
  std::array<int32_t, 3> images_{};  // steps along each axis that can matter, either way
  double largest_ = 0;               // square of the longest distance that is an edge
  std::array<Axis, 2> axes_{};

  std::vector<Translation> translations_;
  Column<Placed> placed_, by_row_;  // by atom; by row
  Column<double> x_, y_, z_, f_;    // by row: position, fraction along the third axis
  std::vector<Row> rows_;
  std::vector<int32_t> atom_;            // by row
  std::vector<int32_t> row_of_, table_;  // row of each atom; hash table of rows, -1 where empty
  std::vector<int32_t> order_;           // of the rows, near ones together: memory is read nearly in sequence
  std::vector<Window> windows_;
  Column<Found> found_, sorted_;  // by receiver, as found; in order
  size_t found_count_ = 0;
  std::vector<int32_t> begin_, end_, cursor_;  // found_[begin .. end) belongs to a receiver
};

}  // namespace painnless
