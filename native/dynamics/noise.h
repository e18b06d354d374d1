#pragma once
// Random numbers of one replica: functions of its seed, the step, the atom and what they are for. Nothing is drawn in sequence from step to
// step, so there is no generator to save, and no other replica or atom can change them.
#include <array>
#include <cstdint>

#include "philox.h"

namespace painnless {

enum class Purpose : uint32_t { velocities = 0, langevin = 1, rescaling = 2 };

class Noise {
 public:
  explicit Noise(uint64_t seed) : key_{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32)} {}

  /// Three normal deviates of mean 0 and variance 1.
  std::array<double, 3> normals(Purpose purpose, int64_t step, int32_t atom) const;

  /// The sum of the squares of `count` independent normal deviates, and one more deviate. No structure has 2 degrees of freedom, so count is 0
  /// or at least 2.
  struct Rescaling {
    double sum_of_squares, deviate;
  };
  Rescaling rescaling(int64_t step, int count) const;

 private:
  std::array<double, 2> pair(Purpose purpose, int64_t step, int32_t atom, uint32_t draw) const;
  PhiloxKey key_;
};

}  // namespace painnless
