#pragma once
// Atoms in the cell, and from where one sees another: the same bits for whoever asks.
#include <memory>
#include <utility>
#include <vector>

#include "basis.h"

namespace painnless {

/// A vector whose resize leaves new elements as they are, since each is written once by whoever asked for it.
template <class Value> struct Uninitialized : std::allocator<Value> {
  template <class Other> struct rebind {
    using other = Uninitialized<Other>;
  };
  template <class Other> void construct(Other* at) { ::new (at) Other; }
  template <class Other, class... From> void construct(Other* at, From&&... from) { ::new (at) Other(std::forward<From>(from)...); }
};
template <class Value> using Column = std::vector<Value, Uninitialized<Value>>;

/// Whole numbers of lattice vectors.
using Shift = std::array<int32_t, 3>;

/// An atom moved into the cell: position = given - wrap cell, fraction in units of the basis.
struct Placed {
  Vector position, fraction;
  Shift wrap;
  int32_t atom;
};

constexpr double coincident_square = 1e-6 * 1e-6;  // Å^2; atoms nearer to each other coincide

/// Throws InputError BAD_STRUCTURE for an atom 1e9 cells away from the origin.
void place(std::span<const double> positions, const Basis& basis, Column<Placed>& placed);

inline Vector offset_of(const Shift& steps, const Basis& basis) {
  const auto& [a, b, c] = basis.lattice;
  return {steps[0] * a[0] + steps[1] * b[0] + steps[2] * c[0], steps[0] * a[1] + steps[1] * b[1] + steps[2] * c[1],
          steps[0] * a[2] + steps[1] * b[2] + steps[2] * c[2]};
}

/// From the receiver to the image of the sender. It changes its sign exactly when the two atoms change places, so both directions of a
/// pair agree, to the last bit, on its length and on whether it is an edge.
inline Vector separation(const Placed& receiver, const Placed& sender, const Vector& offset) {
  return {(sender.position[0] - receiver.position[0]) + offset[0], (sender.position[1] - receiver.position[1]) + offset[1],
          (sender.position[2] - receiver.position[2]) + offset[2]};
}

/// The largest square whose root is within the cutoff: comparing squares with it is comparing distances with the cutoff, rounding included.
double largest_square(double cutoff, bool edge_at_cutoff);

}  // namespace painnless
