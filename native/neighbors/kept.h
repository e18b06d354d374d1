#pragma once
// Neighbours of one structure that moves a little from call to call (docs/theory.md, section on neighbours).
#include "../neighbors.h"

namespace painnless {

constexpr double kept_rounding = 1e-6;  // Å, of a skin; far above what coordinates up to 1e6 Å lose in a difference

/// Gives what a fresh NeighborSearch gives, to the last bit, but searches seldom: pairs within cutoff + skin are remembered, and each call
/// keeps those that are within the cutoff now. They are searched anew once two atoms together may have moved by the skin; how far they moved
/// is taken from the positions as given, so these must not be wrapped into the cell between calls (a wrapped atom costs a search, no bit).
class KeptNeighbors {
 public:
  /// skin in Å; 0 searches at every call.
  explicit KeptNeighbors(double skin) : skin_(skin) {}

  /// As NeighborSearch::search.
  void search(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc, double cutoff,
              bool edge_at_cutoff, NeighborList& list);

  /// Fresh searches so far.
  int64_t searches() const { return searches_; }

 private:
  bool still_holds(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc, double cutoff) const;
  void remember(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc, double cutoff);
  void translate();
  bool select(double cutoff, bool edge_at_cutoff, NeighborList& list);

  double skin_, cutoff_ = 0;
  int64_t searches_ = 0;
  NeighborSearch search_;
  NeighborList candidates_;              // within cutoff + skin of positions_
  std::vector<double> positions_, cell_;  // of the last search
  std::vector<uint8_t> pbc_;
  Basis basis_;
  Column<Placed> placed_;
  std::vector<Shift> wraps_;  // of the placed atoms, for which offsets_ hold
  Column<Vector> offsets_;    // from the placed sender to its image, of each candidate
  Column<int32_t> index_, chosen_;  // place in the list of each candidate; candidate of each place
};

}  // namespace painnless
