#include "basis.h"

#include <algorithm>
#include <cmath>

#include "../engine.h"

namespace painnless {
namespace {

Vector cross(const Vector& a, const Vector& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
Vector scaled(const Vector& a, double s) { return {s * a[0], s * a[1], s * a[2]}; }
Vector unit(const Vector& a) { return scaled(a, 1 / std::sqrt(dot(a, a))); }

/// The coordinate axis most nearly perpendicular to `a`.
Vector least_along(const Vector& a) {
  const Vector size{std::abs(a[0]), std::abs(a[1]), std::abs(a[2])};
  Vector e{};
  e[std::min_element(size.begin(), size.end()) - size.begin()] = 1;
  return e;
}

}  // namespace

Basis::Basis(std::span<const double> cell, std::span<const uint8_t> pbc) {
  for (int k = 0; k < 3; k++) {
    periodic[k] = pbc[k] != 0;
    if (periodic[k]) lattice[k] = {cell[3 * k], cell[3 * k + 1], cell[3 * k + 2]};
  }
  std::array<Vector, 3> full = lattice;
  for (int k = 0; k < 3; k++) {
    if (periodic[k]) continue;
    const Vector &a = full[(k + 1) % 3], &b = full[(k + 2) % 3];
    const bool has_a = dot(a, a) > 0, has_b = dot(b, b) > 0;
    if (has_a && has_b)
      full[k] = unit(cross(a, b));
    else if (has_a || has_b)
      full[k] = unit(cross(has_a ? a : b, least_along(has_a ? a : b)));
    else
      full[k] = {k == 0 ? 1.0 : 0.0, k == 1 ? 1.0 : 0.0, k == 2 ? 1.0 : 0.0};
  }
  const double volume = dot(full[0], cross(full[1], full[2]));
  if (!(std::abs(volume) > 0 && std::isfinite(volume)))
    throw InputError("BAD_STRUCTURE", "cell", "the periodic lattice vectors span no volume, expected independent directions");
  for (int k = 0; k < 3; k++) inverse[k] = scaled(cross(full[(k + 1) % 3], full[(k + 2) % 3]), 1 / volume);
}

double cell_volume(std::span<const double> c) {
  return std::abs(c[0] * (c[4] * c[8] - c[5] * c[7]) - c[1] * (c[3] * c[8] - c[5] * c[6]) + c[2] * (c[3] * c[7] - c[4] * c[6]));
}

}  // namespace painnless
