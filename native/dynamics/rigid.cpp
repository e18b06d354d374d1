#include "rigid.h"

#include <array>
#include <cmath>

namespace painnless {
namespace {

constexpr double flat = 1e-10;  // share of the moments about the centre below which atoms lie on the axis of a rotation

}  // namespace

RigidMotions::RigidMotions(std::span<const double> positions, std::span<const double> masses, bool with_rotations) : masses_(masses) {
  const size_t n = masses.size();
  double mass = 0, moment = 0;
  std::array<double, 3> centre{};
  for (size_t i = 0; i < n; i++) {
    mass += masses[i];
    for (int c = 0; c < 3; c++) centre[c] += masses[i] * positions[3 * i + c];
  }
  for (double& x : centre) x /= mass;
  for (size_t k = 0; k < 3 * n; k++) moment += masses[k / 3] * std::pow(positions[k] - centre[k % 3], 2);
  const auto add = [&](auto element, double scale) {
    std::vector<double> motion(3 * n);
    for (size_t k = 0; k < 3 * n; k++) motion[k] = element(k / 3, k % 3);
    if (reduce(motion, scale)) motions_.push_back(std::move(motion));
  };
  for (size_t axis = 0; axis < 3; axis++) add([&](size_t, size_t c) { return c == axis ? 1.0 : 0.0; }, mass);
  if (!with_rotations) return;
  for (size_t axis = 0; axis < 3; axis++)  // e x r
    add(
        [&](size_t i, size_t c) {
          if (c == axis) return 0.0;
          const size_t other = 3 - axis - c;
          const double r = positions[3 * i + other] - centre[other];
          return c == (axis + 1) % 3 ? -r : r;
        },
        moment);
}

double RigidMotions::along(std::span<const double> a, std::span<const double> b) const {
  double sum = 0;
  for (size_t k = 0; k < a.size(); k++) sum += masses_[k / 3] * a[k] * b[k];
  return sum;
}

/// Gram and Schmidt, twice for the sake of rounding; false if the motions before already make it up.
bool RigidMotions::reduce(std::span<double> motion, double scale) const {
  remove_from(motion);
  const double square = along(motion, motion);
  if (!(square > flat * scale)) return false;
  for (double& x : motion) x /= std::sqrt(square);
  return true;
}

void RigidMotions::remove_from(std::span<double> velocities) const {
  for (int pass = 0; pass < 2; pass++)
    for (const auto& motion : motions_) {
      const double share = along(velocities, motion);
      for (size_t k = 0; k < velocities.size(); k++) velocities[k] -= share * motion[k];
    }
}

}  // namespace painnless
