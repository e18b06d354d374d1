#pragma once
// Random numbers of one replica (docs/theory.md, section 19): functions of its seed, the step, the atom and what they are for. Nothing is drawn
// in sequence from step to step, so there is no generator to save, and no other replica or atom can change them.
#include "formulas/philox.h"

namespace painnless {

enum class Purpose : unsigned { velocities = 0, langevin = 1, rescaling = 2 };

FORMULA PhiloxKey key_of(unsigned long long seed) { return {{static_cast<unsigned>(seed), static_cast<unsigned>(seed >> 32)}}; }

FORMULA PhiloxCounter counter_of(Purpose purpose, long long step, int atom, unsigned draw) {
  const auto wide = static_cast<unsigned long long>(step);
  return {{static_cast<unsigned>(wide), static_cast<unsigned>(wide >> 32), static_cast<unsigned>(atom), static_cast<unsigned>(purpose) << 28 | draw}};
}

/// Of 53 bits, between 0 and 1, neither included.
FORMULA double uniform(unsigned high, unsigned low) { return ((high >> 5) * 67108864.0 + (low >> 6) + 0.5) * 0x1p-53; }

struct TwoNormals {
  double first, second;
};

/// Box and Muller: two normal deviates from one block.
FORMULA TwoNormals two_normals(PhiloxKey key, Purpose purpose, long long step, int atom, unsigned draw) {
  constexpr double pi = 3.14159265358979323846;
  const PhiloxCounter random = philox(counter_of(purpose, step, atom, draw), key);
  const double radius = sqrt(-2 * log(uniform(random.word[0], random.word[1]))), angle = 2 * pi * uniform(random.word[2], random.word[3]);
  return {radius * cos(angle), radius * sin(angle)};
}

/// Of mean 0 and variance 1.
struct ThreeNormals {
  double along[3];
};

FORMULA ThreeNormals three_normals(PhiloxKey key, Purpose purpose, long long step, int atom) {
  const TwoNormals pair = two_normals(key, purpose, step, atom, 0);
  return {{pair.first, pair.second, two_normals(key, purpose, step, atom, 1).first}};
}

/// The sum of the squares of some independent normal deviates, and one more deviate.
struct Rescaling {
  double sum_of_squares, deviate;
};

/// Marsaglia and Tsang (2000): the sum is twice a gamma deviate of shape count / 2, which is accepted or drawn again. No structure has 2 degrees of
/// freedom, so count is 0 or at least 2.
FORMULA Rescaling rescaling(PhiloxKey key, long long step, int count) {
  constexpr int whole = -1;  // in place of an atom: numbers of the replica as a whole
  const double deviate = two_normals(key, Purpose::rescaling, step, whole, 0).first;
  if (count <= 0) return {0, deviate};
  const double d = 0.5 * count - 1.0 / 3, c = 1 / sqrt(9 * d);
  for (unsigned draw = 1;; draw += 2) {
    const double x = two_normals(key, Purpose::rescaling, step, whole, draw).first, v = (1 + c * x) * (1 + c * x) * (1 + c * x);
    if (!(v > 0)) continue;
    const PhiloxCounter random = philox(counter_of(Purpose::rescaling, step, whole, draw + 1), key);
    if (log(uniform(random.word[0], random.word[1])) < 0.5 * x * x + d - d * v + d * log(v)) return {2 * d * v, deviate};
  }
}

}  // namespace painnless
