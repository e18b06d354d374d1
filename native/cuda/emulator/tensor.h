#pragma once
// kernels/tensor.cuh for a host compiler. Cards do not say how they add; measured (Fasi, Higham, Mikaitis, Pranesh, "Numerical behavior of NVIDIA tensor
// cores", 2021) are exact products, all addends cut off at a place relative to the largest, and a sum that is cut off too. Here that place is one bit below
// the last of a float as large as the largest addend; cards keep none to some bits, so no test may count on the last bit of a sum being theirs.
#include <array>
#include <cstdint>

#pragma GCC push_options
#pragma GCC optimize("O2")  // kernels are compiled fast rather than to be fast, but here they spend their time

namespace painnless::cuda::emulator {

inline uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

/// To the nearest, ties to even. Cuts off so many low bits.
inline uint32_t rounded_bits(uint32_t bits, int cut) { return (bits + (1u << (cut - 1)) - 1 + (bits >> cut & 1)) >> cut; }

inline uint32_t rounded_number(float x) {
  const uint32_t sign = bits_of(x) >> 31 << 15;
  if (std::isnan(x)) return 0x7FFF;
  const float size = std::fabs(x);
  if (size >= 65520) return sign | 0x7C00;
  if (size < 0x1p-14f) return sign | static_cast<uint32_t>(std::nearbyint(size * 0x1p24f));  // where fp16's numbers are evenly spaced
  return sign | (rounded_bits(bits_of(size), 13) - (112u << 10));
}
inline uint32_t rounded_pair(float x0, float x1) { return rounded_number(x1) << 16 | rounded_number(x0); }

inline float value_of(uint32_t number) {
  if ((number & 0x7C00) == 0x7C00) return float_of((number & 0x8000) << 16 | 0x7F800000 | (number & 0x3FF) << 13);
  return float_of((number & 0x8000) << 16 | (number & 0x7FFF) << 13) * 0x1p112f;
}

/// c plus the products, as a card adds.
template <int COUNT> float tensor_sum(float c, const double (&products)[COUNT]) {
  double largest = std::fabs(c), plain = c;
  for (const double p : products) {
    const double size = std::fabs(p);
    largest = size > largest ? size : largest;
    plain += p;
  }
  if (!(std::fabs(plain) < 3e38)) return static_cast<float>(plain);  // what is not finite comes out as such
  if (largest == 0) return 0;
  uint64_t bits;
  std::memcpy(&bits, &largest, sizeof bits);
  const uint64_t exponent = bits >> 52, up = (2046 + 24 - exponent) << 52, down = (exponent - 24) << 52;  // 2^24 / 2^e and the reverse, of numbers far from double's ends
  double places, unit;
  std::memcpy(&places, &up, sizeof places);
  std::memcpy(&unit, &down, sizeof unit);
  int64_t sum = static_cast<int64_t>(c * places);
  for (const double p : products) sum += static_cast<int64_t>(p * places);
  const double total = static_cast<double>(sum) * unit;
  std::memcpy(&bits, &total, sizeof bits);
  bits &= ~((uint64_t{1} << 29) - 1);  // the 24 bits of a float
  double cut;
  std::memcpy(&cut, &bits, sizeof cut);
  return static_cast<float>(cut);
}

/// What lanes hold of A and B.
struct Fragments {
  unsigned a[4], b[2];
};
/// Every lane gives its own and sees those of all.
inline const Fragments* all_fragments(const std::array<unsigned, 4>& a, const std::array<unsigned, 2>& b) {
  auto& slots = *runtime->exchange;
  static_assert(sizeof(Fragments) == sizeof slots[0]);
  const Fragments own{{a[0], a[1], a[2], a[3]}, {b[0], b[1]}};
  std::memcpy(slots[runtime->thread.x % 32], &own, sizeof own);
  runtime->next_exchange();
  return reinterpret_cast<const Fragments*>(slots);
}

/// A lane's four of C: two rows of A by two columns of B.
template <int INPUTS> void add_products(float (&c)[4], const double (&rows)[2][INPUTS], const double (&columns)[2][INPUTS]) {
  const auto empty = [](const double* numbers) {
    for (int k = 0; k < INPUTS; k++)
      if (numbers[k] != 0) return false;
    return true;
  };
  const bool no_column[2] = {empty(columns[0]), empty(columns[1])};
  for (int r = 0; r < 2; r++)
    for (int n = 0; n < 2; n++) {
      if (no_column[n] || empty(rows[r])) continue;  // as are those of outputs and atoms that are not there
      double products[INPUTS];
      for (int k = 0; k < INPUTS; k++) products[k] = rows[r][k] * columns[n][k];
      c[2 * r + n] = tensor_sum(c[2 * r + n], products);
    }
}

template <int INPUTS> void tensor_product(float (&c)[4], std::array<unsigned, 4> a, std::array<unsigned, 2> b) {
  const Fragments* given = all_fragments(a, b);
  const unsigned g = runtime->thread.x % 32 / 4, t = runtime->thread.x % 4;
  double rows[2][INPUTS], columns[2][INPUTS];
  for (unsigned quarter = 0; quarter < 4; quarter++)
    for (unsigned upper = 0; upper < INPUTS / 8; upper++) {
      const unsigned input = 8 * upper + 2 * quarter;
      const auto take = [input](double* to, unsigned pair) {
        to[input] = value_of(pair & 0xFFFF);
        to[input + 1] = value_of(pair >> 16);
      };
      take(rows[0], given[4 * g + quarter].a[2 * upper]);
      take(rows[1], given[4 * g + quarter].a[2 * upper + 1]);
      take(columns[0], given[8 * t + quarter].b[upper]);
      take(columns[1], given[8 * t + 4 + quarter].b[upper]);
    }
  add_products(c, rows, columns);
}

}  // namespace painnless::cuda::emulator

#pragma GCC pop_options
