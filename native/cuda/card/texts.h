#pragma once
// The kernels as text, packed in by embed.cmake: compiled on the user's machine for the user's card.
#include <string>
#include <vector>

namespace painnless::cuda {

/// `name` is what other texts include it by.
struct Text {
  std::string name, text;
};

const std::vector<Text>& kernel_texts();

}  // namespace painnless::cuda
