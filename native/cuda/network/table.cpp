#include "table.h"

#include "../../model/spline.h"

namespace painnless::cuda {

static_assert(table_degree == spline_degree);

std::vector<double> table_rows(const Shape& shape, int features, const FilterTable& table, int layer) {
  const int chunk = granule * shape.lane_values, size = table.intervals + spline_degree, columns = 3 * features;
  const std::vector<double>& coefficients = table.coefficients[static_cast<size_t>(layer)];
  std::vector<double> out;
  out.reserve(static_cast<size_t>(shape.chunks) * size * 2 * 3 * chunk);
  for (int c = 0; c < shape.chunks; c++)
    for (int i = 0; i < size; i++)
      for (const bool difference : {false, true})
        for (const int block : filter_order)
          for (int n = c * chunk; n < (c + 1) * chunk; n++) {
            const auto at = [&](int row) { return coefficients[static_cast<size_t>(row) * columns + block * features + n]; };
            out.push_back(n >= features ? 0.0 : !difference ? at(i) : i + 1 < size ? at(i + 1) - at(i) : 0.0);
          }
  return out;
}

}  // namespace painnless::cuda
