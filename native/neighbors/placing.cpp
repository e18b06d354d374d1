#include "placing.h"

#include <cmath>
#include <limits>
#include <string>

#include "../engine.h"

namespace painnless {

double largest_square(double cutoff, bool edge_at_cutoff) {
  const auto within = [&](double square) { return edge_at_cutoff ? std::sqrt(square) <= cutoff : std::sqrt(square) < cutoff; };
  double square = cutoff * cutoff;
  while (within(square)) square = std::nextafter(square, std::numeric_limits<double>::infinity());
  while (!within(square)) square = std::nextafter(square, 0.0);
  return square;
}

void place(std::span<const double> positions, const Basis& basis, Column<Placed>& placed) {
  placed.resize(positions.size() / 3);
  for (size_t i = 0; i < placed.size(); i++) {
    Placed& p = placed[i];
    const Vector given{positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]};
    p = {given, {dot(basis.inverse[0], given), dot(basis.inverse[1], given), dot(basis.inverse[2], given)}, {}, static_cast<int32_t>(i)};
    for (int k = 0; k < 3; k++) {
      if (!basis.periodic[k]) continue;
      const double cells = std::floor(p.fraction[k]);
      if (!(std::abs(cells) < 1e9))
        throw InputError("BAD_STRUCTURE", "positions",
                         "atom " + std::to_string(i) + " lies " + std::to_string(cells) + " cells away from the origin, the limit is 1e9");
      p.fraction[k] -= cells;
      p.wrap[k] = static_cast<int32_t>(cells);
      for (int c = 0; c < 3; c++) p.position[c] -= cells * basis.lattice[k][c];
    }
  }
}

}  // namespace painnless
