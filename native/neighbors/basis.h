#pragma once
// Three directions that any mix of periodic axes gives, and coordinates along them.
#include <array>
#include <cstdint>
#include <span>

namespace painnless {

using Vector = std::array<double, 3>;

inline double dot(const Vector& a, const Vector& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

/// Lattice vectors along periodic axes; elsewhere unit vectors perpendicular to all others, along which a fraction is a length in Å.
struct Basis {
  std::array<Vector, 3> lattice{};  // Å; zero along axes that are not periodic
  std::array<bool, 3> periodic{};
  std::array<Vector, 3> inverse{};  // fraction_k = inverse_k . position; 1 / |inverse_k| is the height of the cell along axis k

  Basis() = default;
  /// cell (3, 3) is read only along periodic axes. Throws InputError BAD_STRUCTURE when they span no volume.
  Basis(std::span<const double> cell, std::span<const uint8_t> pbc);
};

/// |det| of a cell (3, 3), Å^3; 0 for one that spans no volume.
double cell_volume(std::span<const double> cell);

}  // namespace painnless
