#pragma once
// The table of the student's filters in the order in which lanes load it (kernels/layers/distiller_table.cuh).
#include <array>

#include "../../model/filter_table.h"
#include "pack.h"
#include "shape.h"

namespace painnless::cuda {

/// Blocks of the student's filters in the order in which layers need them: 1 where there are vectors.
constexpr std::array filter_order{0, 2, 1};

/// (chunks, intervals + table_degree, 2, 3, chunk): coefficients, and what the next ones differ by. Differences are rounded from double: taken of rounded
/// coefficients they would have lost the digits that W' is made of.
std::vector<double> table_rows(const Shape& shape, int features, const FilterTable& table, int layer);

template <class Real> Splines<Real> pack_splines(WeightStore& store, const Shape& shape, const Config& config, const FilterTable& table, int layer) {
  return {store.put<Real>(table_rows(shape, config.features, table, layer)), table.intervals, table.intervals / config.cutoff};
}

}  // namespace painnless::cuda
