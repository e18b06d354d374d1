#pragma once
// An order of atoms in which neighbours in space are neighbours in memory.
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace painnless {

/// Atoms along a Z-order curve through a grid of their wrapped positions: what one atom's neighbours left in the cache serves the next atom.
/// A function of the positions, the cell and the periodic axes alone.
class SpaceCurve {
 public:
  /// positions (atoms, 3) Å, finite; cell (3, 3) Å and pbc (3); `spacing` of the grid, Å. Writes the atom at each place, and the place of each atom.
  void arrange(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc, double spacing,
               std::span<int32_t> atom_at, std::span<int32_t> place_of);

 private:
  std::vector<std::pair<uint64_t, int32_t>> keys_;  // (atoms) place on the curve, atom
};

}  // namespace painnless
