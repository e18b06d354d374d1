#pragma once
// The numbers that tensor cores take: 11 bits, from 2^-14 to 65,504, and evenly spaced below.
#include <bit>
#include <cmath>
#include <cstdint>

namespace painnless::cuda {

/// The nearest number of fp16, ties to even, of what is within its range; `x` becomes what is left.
inline uint32_t take_half(double& x) {
  constexpr int dropped = 52 - 10;  // bits of a double's fraction
  const uint32_t sign = std::signbit(x) ? 0x8000 : 0;
  const double size = std::fabs(x);
  uint32_t half;
  double nearest;
  if (size < 0x1p-14) {
    half = static_cast<uint32_t>(std::nearbyint(size * 0x1p24));
    nearest = half * 0x1p-24;
  } else {
    uint64_t bits = std::bit_cast<uint64_t>(size);
    bits = (bits + ((1ull << (dropped - 1)) - 1) + (bits >> dropped & 1)) >> dropped << dropped;
    half = static_cast<uint32_t>(bits >> dropped) - ((1023 - 15) << 10);
    nearest = std::bit_cast<double>(bits);
  }
  x -= std::copysign(nearest, x);
  return sign | half;
}

}  // namespace painnless::cuda
