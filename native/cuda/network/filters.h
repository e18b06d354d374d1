#pragma once
// Weights of filters for tensor cores: scaled by a power of two, split into two fp16 numbers, in the order in which lanes give them (kernels/layers/filters.cuh).
#include <vector>

#include "../../model.h"
#include "../kernels/room.h"
#include "../kernels/signatures.h"

namespace painnless::cuda {

/// Powers of two that bring f phi_r and its derivative close below 2^13, from bounds of both. 13 and 14 places keep all sums of products far from float's
/// ends, and numbers a 32,768th of the largest at full accuracy.
struct InputScales {
  double value, slope;
  explicit InputScales(const Weights& weights);
};

/// Words (whole numbers below 2^32) of each slice of features: (slices, 3, 2, filter_half_words()). Row r of half h is feature 4 (r % 8) + 2 h + r / 8, so that
/// a lane's rows of both halves are four neighbouring features.
std::vector<double> slice_weights(const Linear& filter, int features, int radial);

/// The same of all layers for the resident schedule: (blocks of a cluster, ResidentRoom::filter_pairs(), filter_half_words()). Rows of sixteen are two of a block's
/// filters, eight features each.
std::vector<double> resident_filter_weights(const Weights& weights, const ResidentRoom& room);

/// What sums with a layer's W are multiplied by, and those with its W': scales are taken back.
struct FilterScales {
  double of_value, of_slope;
  FilterScales(const Linear& filter, const InputScales& inputs);
};

}  // namespace painnless::cuda
