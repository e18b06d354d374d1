// Run by tensor.test.ts: products on tensor cores as the emulator has them (kernels/tensor.cuh). One line a number: what was found, what was expected.
#include <cstdio>
#include <random>
#include <vector>

#include "cuda/emulator/fibers.h"
#include "tensor.cuh"

namespace painnless::cuda {
namespace {

/// A (16, inputs) and B (inputs, 8), each a sum of so many numbers of 16 bits; of the products of parts those that matter.
struct Product {
  float a[16][16], b[16][8], c[16][8];
};

template <Format FORMAT, int PARTS, int INPUTS> void multiply(Product& p) {
  const int g = lane_index() / 4, t = lane_index() % 4;
  unsigned a[4][PARTS] = {}, b[2][PARTS] = {};
  for (int upper = 0; upper < INPUTS / 8; upper++) {
    const int k = 8 * upper + 2 * t;
    split<FORMAT>(p.a[g][k], p.a[g][k + 1], a[2 * upper]);
    split<FORMAT>(p.a[g + 8][k], p.a[g + 8][k + 1], a[2 * upper + 1]);
    split<FORMAT>(p.b[k][g], p.b[k + 1][g], b[upper]);
  }
  float high[4] = {}, low[4] = {};
  for (int i = PARTS - 1; i >= 0; i--)
    for (int j = PARTS - 1 - i; j >= 0; j--) {
      auto& sum = i + j == 0 ? high : low;
      if constexpr (INPUTS == 16) multiply_add<FORMAT>(sum, a[0][i], a[1][i], a[2][i], a[3][i], b[0][j], b[1][j]);
      else multiply_add<FORMAT>(sum, a[0][i], a[1][i], b[0][j]);
    }
  for (int n = 0; n < 2; n++) {
    p.c[g][2 * t + n] = high[n] + low[n];
    p.c[g + 8][2 * t + n] = high[2 + n] + low[2 + n];
  }
}

template <Format FORMAT, int PARTS, int INPUTS> void run(emulator::Fibers& fibers, const char* name) {
  std::mt19937 random(20261129);
  std::normal_distribution<float> normal;
  std::uniform_real_distribution<float> size(-6, 2);
  Product p{};
  for (int k = 0; k < INPUTS; k++) {
    for (auto& row : p.a) row[k] = normal(random);
    for (float& x : p.b[k]) x = FORMAT == Format::bf16 ? normal(random) * std::exp2(5 * size(random)) : normal(random);
  }
  fibers.run([](const void* at) { multiply<FORMAT, PARTS, INPUTS>(*static_cast<Product*>(const_cast<void*>(at))); }, &p, 32);
  for (int r = 0; r < 16; r++)
    for (int n = 0; n < 8; n++) {
      double sum = 0, sizes = 0;
      for (int k = 0; k < INPUTS; k++) {
        sum += static_cast<double>(p.a[r][k]) * p.b[k][n];
        sizes += std::fabs(static_cast<double>(p.a[r][k]) * p.b[k][n]);
      }
      std::printf("%s %.9g %.17g %.17g\n", name, p.c[r][n], sum, sizes);
    }
}

/// Of numbers as they are, whose lower bits are cut off, or of such that have none.
void multiply_tf32(Product& p) {
  const int g = lane_index() / 4, t = lane_index() % 4;
  const auto two = [](float x0, float x1, unsigned(&words)[2]) { words[0] = __float_as_uint(x0), words[1] = __float_as_uint(x1); };
  unsigned low[2], high[2], b[2];
  two(p.a[g][2 * t], p.a[g][2 * t + 1], low);
  two(p.a[g + 8][2 * t], p.a[g + 8][2 * t + 1], high);
  two(p.b[2 * t][g], p.b[2 * t + 1][g], b);
  float c[4] = {};
  multiply_add_tf32(c, low, high, b);
  for (int n = 0; n < 2; n++) p.c[g][2 * t + n] = c[n], p.c[g + 8][2 * t + n] = c[2 + n];
}
void run_tf32(emulator::Fibers& fibers, const char* name, bool exact) {
  std::mt19937 random(20261129);
  std::normal_distribution<float> normal;
  const auto number = [&] { return __uint_as_float(__float_as_uint(normal(random)) & (exact ? ~0x1FFFu : ~0u)); };
  Product p{};
  for (int k = 0; k < 8; k++) {
    for (auto& row : p.a) row[k] = number();
    for (float& x : p.b[k]) x = number() * std::exp2(10.0f * static_cast<float>(k - 4));
  }
  fibers.run([](const void* at) { multiply_tf32(*static_cast<Product*>(const_cast<void*>(at))); }, &p, 32);
  for (int r = 0; r < 16; r++)
    for (int n = 0; n < 8; n++) {
      double sum = 0, sizes = 0;
      for (int k = 0; k < 8; k++) {
        sum += static_cast<double>(p.a[r][k]) * p.b[k][n];
        sizes += std::fabs(static_cast<double>(p.a[r][k]) * p.b[k][n]);
      }
      std::printf("%s %.9g %.17g %.17g\n", name, p.c[r][n], sum, sizes);
    }
}

void sums() {
  const double tie[4] = {1 + 0x1p-23, 0x1p-24, 0x1p-25, 0x1p-25}, negative[4] = {-1, -0x1p-24, 0, 0}, small[2] = {0x1p-26, 0x1p-26};
  std::printf("cut %.9g %.17g 1\n", emulator::tensor_sum(0, tie), 1 + 0x1p-23);
  std::printf("cut %.9g %.17g 1\n", emulator::tensor_sum(0, negative), -1.0);
  std::printf("cut %.9g %.17g 1\n", emulator::tensor_sum(1, small), 1.0);
  const float numbers[] = {1, -0.0f, 65504, 65520, 0x1p-24f, 0x1.8p-24f, -0x1.002p-14f, 1 + 0x1p-11f, 1 + 0x1.8p-10f, 1e30f};
  const double fp16[] = {1, -0.0, 65504, INFINITY, 0x1p-24, 0x1p-23, -0x1.0p-14, 1, 1 + 0x1p-9, INFINITY};
  for (int i = 0; i < 10; i++) std::printf("fp16 %.9g %.17g 1\n", half_of<Format::fp16, 1>(rounded<Format::fp16>(0, numbers[i])), fp16[i]);
  const float wide[] = {1 + 0x1p-8f, 1 + 0x1.8p-7f, -3e38f, 0x1p-126f};
  const double bf16[] = {1, 1 + 0x1p-6, -0x1.C4p127, 0x1p-126};
  for (int i = 0; i < 4; i++) std::printf("bf16 %.9g %.17g 1\n", half_of<Format::bf16, 0>(rounded<Format::bf16>(wide[i], 0)), bf16[i]);
}

}  // namespace
}  // namespace painnless::cuda

int main() {
  using namespace painnless::cuda;
  emulator::Fibers fibers;
  painnless_bind(&fibers.runtime());
  run<Format::bf16, 3, 16>(fibers, "bf16x3,16");
  run<Format::bf16, 3, 8>(fibers, "bf16x3,8");
  run<Format::fp16, 2, 16>(fibers, "fp16x2,16");
  run<Format::fp16, 2, 8>(fibers, "fp16x2,8");
  run<Format::bf16, 1, 16>(fibers, "bf16x1,16");
  run_tf32(fibers, "tf32,cut", false);
  run_tf32(fibers, "tf32,exact", true);
  sums();
}
