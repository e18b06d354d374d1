#include "noise.h"

#include <cmath>
#include <numbers>

namespace painnless {
namespace {

/// Of 53 bits, between 0 and 1, neither included.
double uniform(uint32_t high, uint32_t low) { return ((high >> 5) * 67108864.0 + (low >> 6) + 0.5) * 0x1p-53; }

constexpr int32_t whole = -1;  // in place of an atom: numbers of the replica as a whole

PhiloxCounter counter_of(Purpose purpose, int64_t step, int32_t atom, uint32_t draw) {
  const auto wide = static_cast<uint64_t>(step);
  return {static_cast<uint32_t>(wide), static_cast<uint32_t>(wide >> 32), static_cast<uint32_t>(atom), static_cast<uint32_t>(purpose) << 28 | draw};
}

}  // namespace

/// Box and Muller: two normal deviates from one block.
std::array<double, 2> Noise::pair(Purpose purpose, int64_t step, int32_t atom, uint32_t draw) const {
  const auto [a, b, c, d] = philox(counter_of(purpose, step, atom, draw), key_);
  const double radius = std::sqrt(-2 * std::log(uniform(a, b))), angle = 2 * std::numbers::pi * uniform(c, d);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

std::array<double, 3> Noise::normals(Purpose purpose, int64_t step, int32_t atom) const {
  const auto [x, y] = pair(purpose, step, atom, 0);
  return {x, y, pair(purpose, step, atom, 1)[0]};
}

/// Marsaglia and Tsang (2000): the sum is twice a gamma deviate of shape count / 2, which is accepted or drawn again.
Noise::Rescaling Noise::rescaling(int64_t step, int count) const {
  const double deviate = pair(Purpose::rescaling, step, whole, 0)[0];
  if (count <= 0) return {0, deviate};
  const double d = 0.5 * count - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (uint32_t draw = 1;; draw += 2) {
    const double x = pair(Purpose::rescaling, step, whole, draw)[0], v = (1 + c * x) * (1 + c * x) * (1 + c * x);
    if (!(v > 0)) continue;
    const auto [high, low, unused, spare] = philox(counter_of(Purpose::rescaling, step, whole, draw + 1), key_);
    if (std::log(uniform(high, low)) < 0.5 * x * x + d - d * v + d * std::log(v)) return {2 * d * v, deviate};
  }
}

}  // namespace painnless
