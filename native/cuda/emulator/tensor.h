#pragma once
// kernels/tensor.cuh for a host compiler. Cards do not say how they add; measured (Fasi, Higham, Mikaitis, Pranesh, "Numerical behavior of NVIDIA tensor
// cores", 2021) are exact products, all addends cut off at a place relative to the largest, and a sum that is cut off too. Here that place is one bit below
// the last of a float as large as the largest addend; cards keep none to some bits, so no test may count on the last bit of a sum being theirs.
#include <stdint.h>

#pragma GCC push_options
#pragma GCC optimize("O3")  // kernels are compiled fast rather than to be fast, but here they spend their time

namespace painnless::cuda::emulator {

inline uint32_t bits_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline float float_of(uint32_t bits) {
  float x;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/// To the nearest, ties to even. Cuts off so many low bits.
inline uint32_t rounded_bits(uint32_t bits, int cut) { return (bits + (1u << (cut - 1)) - 1 + (bits >> cut & 1)) >> cut; }

inline uint32_t rounded_number(float x) {
  const uint32_t sign = bits_of(x) >> 31 << 15;
  if (x != x) return 0x7FFF;
  const float size = fabs(x);
  if (size >= 65520) return sign | 0x7C00;
  if (size < 0x1p-14f) return sign | static_cast<uint32_t>(__builtin_nearbyintf(size * 0x1p24f));  // where fp16's numbers are evenly spaced
  return sign | (rounded_bits(bits_of(size), 13) - (112u << 10));
}
inline uint32_t rounded_pair(float x0, float x1) { return rounded_number(x1) << 16 | rounded_number(x0); }

inline float value_of(uint32_t number) {
  if ((number & 0x7C00) == 0x7C00) return float_of((number & 0x8000) << 16 | 0x7F800000 | (number & 0x3FF) << 13);
  return float_of((number & 0x8000) << 16 | (number & 0x7FFF) << 13) * 0x1p112f;
}

/// c plus the products, as a card adds. Loops have no order of their own, so that a compiler may take several numbers at once.
template <int COUNT> float tensor_sum(float c, const double (&products)[COUNT]) {
  constexpr int wide = COUNT % 4 == 0 ? 4 : 1;
  double largest[wide], plain[wide];
  for (int w = 0; w < wide; w++) largest[w] = fabs(c), plain[w] = w == 0 ? c : 0;
  for (int k = 0; k < COUNT; k += wide)
    for (int w = 0; w < wide; w++) {
      const double size = fabs(products[k + w]);
      largest[w] = size > largest[w] ? size : largest[w];
      plain[w] += products[k + w];
    }
  for (int w = 1; w < wide; w++) {
    largest[0] = largest[w] > largest[0] ? largest[w] : largest[0];
    plain[0] += plain[w];
  }
  if (!(fabs(plain[0]) < 3e38)) return static_cast<float>(plain[0]);  // what is not finite comes out as such
  if (largest[0] == 0) return 0;
  uint64_t bits;
  memcpy(&bits, &largest[0], sizeof bits);
  const uint64_t exponent = bits >> 52, up = (2046 + 24 - exponent) << 52, down = (exponent - 24) << 52;  // 2^24 / 2^e and the reverse, of numbers far from double's ends
  double places, unit;
  memcpy(&places, &up, sizeof places);
  memcpy(&unit, &down, sizeof unit);
  static_assert(COUNT < 64);  // of numbers below 2^25
  int32_t sum = static_cast<int32_t>(c * places);
  for (const double p : products) sum += static_cast<int32_t>(p * places);
  const double total = sum * unit;
  memcpy(&bits, &total, sizeof bits);
  bits &= ~((uint64_t{1} << 29) - 1);  // the 24 bits of a float
  double cut;
  memcpy(&cut, &bits, sizeof cut);
  return static_cast<float>(cut);
}

/// What the lanes of a warp hold of A, by rows, and of B, by columns.
template <int INPUTS> struct Operands {
  float a[16][INPUTS], b[8][INPUTS];
};
/// Every lane gives its own, as numbers once for all, and sees those of all.
template <int INPUTS> const Operands<INPUTS>& all_operands(const unsigned (&a)[4], const unsigned (&b)[2]) {
  auto& slots = *runtime->exchange;
  static_assert(sizeof(Operands<INPUTS>) <= sizeof slots);
  auto& all = reinterpret_cast<Operands<INPUTS>&>(slots);
  const unsigned g = own_lane() / 4, t = own_lane() % 4;
  for (unsigned upper = 0; upper < INPUTS / 8; upper++)
    for (unsigned half = 0; half < 2; half++) {
      const unsigned input = 8 * upper + 2 * t + half;
      const auto number = [half](unsigned pair) { return value_of(pair >> 16 * half & 0xFFFF); };
      all.a[g][input] = number(a[2 * upper]);
      all.a[g + 8][input] = number(a[2 * upper + 1]);
      all.b[g][input] = number(b[upper]);
    }
  runtime->next_exchange();
  return all;
}

template <int INPUTS> bool empty(const float (&numbers)[INPUTS]) {
  int others = 0;
  for (const float x : numbers) others |= x != 0;
  return others == 0;
}

/// A lane's four of C: two rows of A by two columns of B.
template <int INPUTS> void tensor_product(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
  const Operands<INPUTS>& all = all_operands<INPUTS>(a, b);
  const unsigned g = own_lane() / 4, t = own_lane() % 4;
  const bool no_row[2] = {empty(all.a[g]), empty(all.a[g + 8])};
  for (unsigned n = 0; n < 2; n++) {
    const float(&column)[INPUTS] = all.b[2 * t + n];
    if (empty(column)) continue;  // as are those of outputs and atoms that are not there
    for (unsigned r = 0; r < 2; r++) {
      if (no_row[r]) continue;
      const float(&row)[INPUTS] = all.a[g + 8 * r];
      double products[INPUTS];
      for (int k = 0; k < INPUTS; k++) products[k] = static_cast<double>(row[k]) * column[k];
      c[2 * r + n] = tensor_sum(c[2 * r + n], products);
    }
  }
}

}  // namespace painnless::cuda::emulator

#pragma GCC pop_options
