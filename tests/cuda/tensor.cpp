// Run by tensor.test.ts, once for each number of parts (TENSOR): sums of products on tensor cores as the kernels' text has them, on the emulated card. One line a
// number: what was found, what was expected, the sum of the products' sizes, and that of A's numbers alone.
#include <cstdio>
#include <random>

#include "cuda/emulator/fibers.h"
#include "layers/fragments.cuh"

namespace painnless::cuda {
namespace {

constexpr int most_units = 3;

/// A (16, inputs), B (inputs, 8), C.
struct Product {
  float a[16][8 * most_units], b[8 * most_units][8], c[16][8];
};

template <int UNITS> void multiply(Product& p) {
  const int g = lane_index() / 4, t = lane_index() % 4;
  Rows rows[UNITS];
  Split columns[UNITS];
  for (int u = 0; u < UNITS; u++) {
    const int k = 8 * u + 2 * t;
    rows[u] = {split_of(p.a[g][k], p.a[g][k + 1]), split_of(p.a[g + 8][k], p.a[g + 8][k + 1])};
    columns[u] = split_of(p.b[k][g], p.b[k + 1][g]);
  }
  float c[4];
  sum_of_units<UNITS>(rows, columns, c);
  for (int n = 0; n < 2; n++) p.c[g][2 * t + n] = c[n], p.c[g + 8][2 * t + n] = c[2 + n];
}

/// Numbers of B between 2^smallest and 2^largest, each column of one size.
template <int UNITS> void run(emulator::Fibers& fibers, const char* name, float smallest, float largest) {
  std::mt19937 random(20261129);
  std::normal_distribution<float> normal;
  Product p{};
  for (int k = 0; k < 8 * UNITS; k++) {
    for (auto& row : p.a) row[k] = normal(random);
    for (int n = 0; n < 8; n++) p.b[k][n] = normal(random) * std::exp2(smallest + (largest - smallest) * static_cast<float>(n) / 7);
  }
  fibers.run([](const void* at) { multiply<UNITS>(*static_cast<Product*>(const_cast<void*>(at))); }, &p, 32);
  for (int r = 0; r < 16; r++)
    for (int n = 0; n < 8; n++) {
      double sum = 0, sizes = 0, rows = 0;
      for (int k = 0; k < 8 * UNITS; k++) {
        sum += static_cast<double>(p.a[r][k]) * p.b[k][n];
        sizes += std::fabs(static_cast<double>(p.a[r][k]) * p.b[k][n]);
        rows += std::fabs(p.a[r][k]);
      }
      std::printf("%s,%d %.9g %.17g %.17g %.17g\n", name, UNITS, p.c[r][n], sum, sizes, rows);
    }
}

/// One number of B, or of A, is beyond fp16's range.
void beyond(emulator::Fibers& fibers) {
  for (const bool in_rows : {false, true}) {
    Product p{};
    for (int k = 0; k < 16; k++) {
      for (auto& row : p.a) row[k] = 1e-3f;
      for (float& x : p.b[k]) x = 1;
    }
    (in_rows ? p.a[3][5] : p.b[5][3]) = -65520;
    fibers.run([](const void* at) { multiply<2>(*static_cast<Product*>(const_cast<void*>(at))); }, &p, 32);
    for (int r = 0; r < 16; r++)
      for (int n = 0; n < 8; n++) std::printf("beyond %d %d 0 0\n", std::isnan(p.c[r][n]), in_rows ? r == 3 : n == 3);
  }
}

void sums() {
  const double tie[4] = {1 + 0x1p-23, 0x1p-24, 0x1p-25, 0x1p-25}, negative[4] = {-1, -0x1p-24, 0, 0}, small[2] = {0x1p-26, 0x1p-26};
  std::printf("cut %.9g %.17g 1 1\n", emulator::tensor_sum(0, tie), 1 + 0x1p-23);
  std::printf("cut %.9g %.17g 1 1\n", emulator::tensor_sum(0, negative), -1.0);
  std::printf("cut %.9g %.17g 1 1\n", emulator::tensor_sum(1, small), 1.0);
  const float numbers[] = {1, -0.0f, 65504, 65520, 0x1p-24f, 0x1.8p-24f, -0x1.002p-14f, 1 + 0x1p-11f, 1 + 0x1.8p-10f, 1e30f};
  const double fp16[] = {1, -0.0, 65504, INFINITY, 0x1p-24, 0x1p-23, -0x1.0p-14, 1, 1 + 0x1p-9, INFINITY};
  for (int i = 0; i < 10; i++) std::printf("fp16 %.9g %.17g 1 1\n", half_of<1>(rounded(0, numbers[i])), fp16[i]);
}

}  // namespace
}  // namespace painnless::cuda

int main() {
  using namespace painnless::cuda;
  emulator::Fibers fibers;
  painnless_bind(&fibers.runtime());
  run<1>(fibers, "usual", -12, 10);
  run<2>(fibers, "usual", -12, 10);
  run<3>(fibers, "usual", -12, 10);
  run<2>(fibers, "tiny", -40, -14);
  beyond(fibers);
  sums();
}
