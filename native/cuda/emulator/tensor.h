#pragma once
// kernels/tensor.cuh for a host compiler. Cards do not say how they add; measured (Fasi, Higham, Mikaitis, Pranesh, "Numerical behavior of NVIDIA tensor
// cores", 2021) are exact products, all addends cut off at a place relative to the largest, and a sum that is cut off too. Here that place is one bit below
// the last of a float as large as the largest addend; cards keep none to some bits, so no test may count on the last bit of a sum being theirs.
#include <array>
#include <cstdint>

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

inline uint32_t rounded_number(bool bf16, float x) {
  const uint32_t bits = bits_of(x), sign = bits >> 31 << 15;
  if (std::isnan(x)) return 0x7FFF;
  if (bf16) return rounded_bits(bits, 16);
  const float size = std::fabs(x);
  if (size >= 65520) return sign | 0x7C00;
  if (size < 0x1p-14f) return sign | static_cast<uint32_t>(std::nearbyint(size * 0x1p24f));  // where fp16's numbers are evenly spaced
  return sign | (rounded_bits(bits_of(size), 13) - (112u << 10));
}
inline uint32_t rounded_pair(bool bf16, float x0, float x1) { return rounded_number(bf16, x1) << 16 | rounded_number(bf16, x0); }

inline float value_of(bool bf16, uint32_t number) {
  if (bf16) return float_of(number << 16);
  if ((number & 0x7C00) == 0x7C00) return float_of((number & 0x8000) << 16 | 0x7F800000 | (number & 0x3FF) << 13);
  const float size = float_of((number & 0x7FFF) << 13) * 0x1p112f;
  return number & 0x8000 ? -size : size;
}

/// c plus the products, as a card adds.
template <int COUNT> float tensor_sum(float c, const double (&products)[COUNT]) {
  double largest = std::fabs(c);
  for (const double p : products) largest = std::fabs(p) > largest ? std::fabs(p) : largest;
  if (largest == 0) return 0;
  double plain = c;
  for (const double p : products) plain += p;
  if (!(std::fabs(plain) < 3e38)) return static_cast<float>(plain);  // what is not finite comes out as such
  uint64_t exponent;
  std::memcpy(&exponent, &largest, sizeof exponent);
  exponent = exponent >> 52 << 52;
  double unit;
  std::memcpy(&unit, &exponent, sizeof unit);
  const double places = 0x1p24 / unit;
  int64_t sum = static_cast<int64_t>(c * places);
  for (const double p : products) sum += static_cast<int64_t>(p * places);
  double total = static_cast<double>(sum) / places;
  uint64_t bits;
  std::memcpy(&bits, &total, sizeof bits);
  bits &= ~((uint64_t{1} << 29) - 1);  // the 24 bits of a float
  std::memcpy(&total, &bits, sizeof total);
  return static_cast<float>(total);
}

/// Every lane gives its fragments and receives its four of C.
template <int INPUTS> void tensor_product(bool bf16, float (&c)[4], std::array<unsigned, 4> a, std::array<unsigned, 2> b) {
  struct Fragments {
    std::array<unsigned, 4> a;
    std::array<unsigned, 2> b;
  };
  auto& slots = *runtime->exchange;
  static_assert(sizeof(Fragments) == sizeof slots[0]);
  const Fragments own{a, b};
  std::memcpy(slots[runtime->thread.x % 32], &own, sizeof own);
  runtime->next_exchange();
  const unsigned g = runtime->thread.x % 32 / 4, t = runtime->thread.x % 4;
  double rows[2][INPUTS], columns[2][INPUTS];
  for (unsigned quarter = 0; quarter < 4; quarter++) {
    Fragments row, first, second;
    std::memcpy(&row, slots[4 * g + quarter], sizeof row);
    std::memcpy(&first, slots[4 * (2 * t) + quarter], sizeof first);
    std::memcpy(&second, slots[4 * (2 * t + 1) + quarter], sizeof second);
    for (int upper = 0; upper < INPUTS / 8; upper++)
      for (int k = 0; k < 2; k++) {
        const int input = 8 * upper + 2 * static_cast<int>(quarter) + k, shift = 16 * k;
        for (int r = 0; r < 2; r++) rows[r][input] = value_of(bf16, row.a[2 * upper + r] >> shift & 0xFFFF);
        columns[0][input] = value_of(bf16, first.b[upper] >> shift & 0xFFFF);
        columns[1][input] = value_of(bf16, second.b[upper] >> shift & 0xFFFF);
      }
  }
  for (int r = 0; r < 2; r++)
    for (int n = 0; n < 2; n++) {
      double products[INPUTS];
      for (int k = 0; k < INPUTS; k++) products[k] = rows[r][k] * columns[n][k];
      c[2 * r + n] = tensor_sum(c[2 * r + n], products);
    }
}

}  // namespace painnless::cuda::emulator
