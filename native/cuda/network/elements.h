#pragma once
// What PaiNN's layer 0 knows before it sees a structure.
#include <vector>

#include "../../model.h"

namespace painnless::cuda {

/// T14 of layer 0, x of every element: (elements, 3, F), padded.
std::vector<double> element_contexts(const Weights& weights);

}  // namespace painnless::cuda
