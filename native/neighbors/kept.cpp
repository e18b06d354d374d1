#include "kept.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace painnless {

void KeptNeighbors::search(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc, double cutoff,
                           bool edge_at_cutoff, NeighborList& list) {
  if (skin_ > 0) {
    if (!still_holds(positions, cell, pbc, cutoff)) remember(positions, cell, pbc, cutoff);
    place(positions, basis_, placed_);
    translate();
    if (select(cutoff, edge_at_cutoff, list)) return;
  }
  searches_++;
  search_.search(positions, cell, pbc, cutoff, edge_at_cutoff, list);  // without a skin, or to name the atoms that coincide
}

/// No pair can have come within the cutoff while the two longest ways together are shorter than the skin.
bool KeptNeighbors::still_holds(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc,
                                double cutoff) const {
  if (positions_.size() != positions.size() || cutoff_ != cutoff || !std::ranges::equal(cell_, cell) || !std::ranges::equal(pbc_, pbc)) return false;
  double longest = 0, second = 0;
  for (size_t k = 0; k < positions.size(); k += 3) {
    const double x = positions[k] - positions_[k], y = positions[k + 1] - positions_[k + 1], z = positions[k + 2] - positions_[k + 2];
    const double square = x * x + y * y + z * z;
    second = std::max(second, std::min(square, longest));
    longest = std::max(square, longest);
  }
  return std::sqrt(longest) + std::sqrt(second) < skin_ - kept_rounding;
}

void KeptNeighbors::remember(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc, double cutoff) {
  positions_.clear();  // nothing is remembered should the search throw
  searches_++;
  search_.search(positions, cell, pbc, cutoff + skin_, true, candidates_);
  basis_ = Basis(cell, pbc);
  cell_.assign(cell.begin(), cell.end());
  pbc_.assign(pbc.begin(), pbc.end());
  cutoff_ = cutoff;
  positions_.assign(positions.begin(), positions.end());
  wraps_.assign(positions.size() / 3, {});
  offsets_.clear();
  index_.resize(candidates_.senders.size());
  chosen_.resize(candidates_.senders.size() + 1);
}

/// Offsets change when an atom leaves the cell, which is seldom.
void KeptNeighbors::translate() {
  bool hold = offsets_.size() == candidates_.senders.size();
  for (const Placed& p : placed_)
    if (wraps_[p.atom] != p.wrap) wraps_[p.atom] = p.wrap, hold = false;
  if (hold) return;
  offsets_.resize(candidates_.senders.size());
  for (size_t e = 0; e < offsets_.size(); e++) {
    const Shift &sender = wraps_[candidates_.senders[e]], &receiver = wraps_[candidates_.receivers[e]];
    Shift steps;
    for (int c = 0; c < 3; c++) steps[c] = candidates_.shifts[3 * e + c] + sender[c] - receiver[c];
    offsets_[e] = offset_of(steps, basis_);
  }
}

/// The candidates within the cutoff, in their order, with the vectors of now. False if two atoms coincide.
bool KeptNeighbors::select(double cutoff, bool edge_at_cutoff, NeighborList& list) {
  const double largest = largest_square(cutoff, edge_at_cutoff);
  const size_t most = candidates_.senders.size();
  for (auto* column : {&list.receivers, &list.senders, &list.reverse}) column->resize(most + 1);  // one place to write what is not kept
  list.shifts.resize(3 * (most + 1));
  list.vectors.resize(3 * (most + 1));
  list.first.resize(placed_.size() + 1);
  double closest = std::numeric_limits<double>::infinity();
  int32_t count = 0;
  for (const Placed& receiver : placed_) {
    list.first[receiver.atom] = count;
    for (int32_t e = candidates_.first[receiver.atom]; e < candidates_.first[receiver.atom + 1]; e++) {
      const Placed& sender = placed_[candidates_.senders[e]];
      const Vector r = separation(receiver, sender, offsets_[e]);
      const double square = dot(r, r);
      closest = std::min(closest, square);
      list.receivers[count] = receiver.atom;
      list.senders[count] = sender.atom;
      std::copy_n(&candidates_.shifts[3 * static_cast<size_t>(e)], 3, &list.shifts[3 * static_cast<size_t>(count)]);
      std::copy_n(r.begin(), 3, &list.vectors[3 * static_cast<size_t>(count)]);
      index_[e] = count;
      chosen_[count] = e;
      count += square <= largest;  // no branch: the next candidate overwrites one that is too far
    }
  }
  list.first[placed_.size()] = count;
  for (auto* column : {&list.receivers, &list.senders, &list.reverse}) column->resize(count);
  list.shifts.resize(3 * static_cast<size_t>(count));
  list.vectors.resize(3 * static_cast<size_t>(count));
  for (int32_t e = 0; e < count; e++) list.reverse[e] = index_[candidates_.reverse[chosen_[e]]];
  return !(closest < coincident_square);
}

}  // namespace painnless
