#pragma once
// The motions of a body as a whole, and how to take them out of velocities.
#include <span>
#include <vector>

namespace painnless {

/// Orthonormal in the inner product sum m a.b: three translations and, if asked for, as many rotations about the centre of mass as the
/// atoms define (3; 2 on a line; 0 of a single atom).
class RigidMotions {
 public:
  /// positions (n, 3), masses (n)
  RigidMotions(std::span<const double> positions, std::span<const double> masses, bool with_rotations);

  int count() const { return static_cast<int>(motions_.size()); }
  /// Projects velocities (n, 3) onto what is left: no momentum and, with rotations, no angular momentum.
  void remove_from(std::span<double> velocities) const;

 private:
  double along(std::span<const double> a, std::span<const double> b) const;
  bool reduce(std::span<double> motion, double scale) const;

  std::span<const double> masses_;
  std::vector<std::vector<double>> motions_;
};

}  // namespace painnless
