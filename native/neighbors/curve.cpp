#include "curve.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "basis.h"

namespace painnless {
namespace {

constexpr double most_bins = 1 << 20;  // per axis: 3 x 21 bits fill a key

/// The low 21 bits, two zeros after each.
uint64_t spread(uint64_t x) {
  x = (x | x << 32) & 0x1f00000000ffff;
  x = (x | x << 16) & 0x1f0000ff0000ff;
  x = (x | x << 8) & 0x100f00f00f00f00f;
  x = (x | x << 4) & 0x10c30c30c30c30c3;
  return (x | x << 2) & 0x1249249249249249;
}

}  // namespace

void SpaceCurve::arrange(std::span<const double> positions, std::span<const double> cell, std::span<const uint8_t> pbc, double spacing,
                         std::span<int32_t> atom_at, std::span<int32_t> place_of) {
  const Basis basis(cell, pbc);
  const size_t atoms = atom_at.size();
  const auto along = [&](size_t i, int k) { return dot(basis.inverse[k], {positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]}); };

  keys_.assign(atoms, {0, 0});
  for (int k = 0; k < 3; ++k) {
    double origin = 0, bins = std::clamp(1 / (std::sqrt(dot(basis.inverse[k], basis.inverse[k])) * spacing), 1.0, most_bins);
    if (!basis.periodic[k]) {  // a fraction is a length here
      double low = along(0, k), high = low;
      for (size_t i = 1; i < atoms; ++i) low = std::min(low, along(i, k)), high = std::max(high, along(i, k));
      origin = low;
      bins = std::min(1 / spacing, most_bins / std::max(high - low, spacing));
    }
    for (size_t i = 0; i < atoms; ++i) {
      const double x = along(i, k) - origin, fraction = basis.periodic[k] ? x - std::floor(x) : x;
      keys_[i].first |= spread(static_cast<uint64_t>(fraction * bins)) << k;
    }
  }
  for (size_t i = 0; i < atoms; ++i) keys_[i].second = static_cast<int32_t>(i);
  std::sort(keys_.begin(), keys_.end());
  for (size_t place = 0; place < atoms; ++place) {
    atom_at[place] = keys_[place].second;
    place_of[keys_[place].second] = static_cast<int32_t>(place);
  }
}

}  // namespace painnless
