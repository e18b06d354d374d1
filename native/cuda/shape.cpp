#include "shape.h"

#include <algorithm>

#include "kernels/shapes.h"

namespace painnless::cuda {
namespace {

constexpr size_t comfortable_shared_bytes = 100 << 10;  // of a block: any card since sm_86 has it, and two such blocks fit the largest

/// Atoms of one thread, such that the threads of a block share a tile evenly.
int atoms_of_thread(int tile, int features, int most) {
  const int groups = std::max(1, update_threads / (features / 2));
  int atoms = std::clamp(tile / groups, 1, most);
  while (tile % atoms != 0) atoms--;
  return atoms;
}

}  // namespace

Shape::Shape(const Config& config, Precision precision, const DeviceInfo& info) {
  const bool single = precision == Precision::f32;
  painn = config.architecture == Architecture::painn;
  bessel = config.basis == RadialBasis::bessel;
  features = padded(config.features);
  radial = config.radial;
  real_bytes = single ? 4 : 8;
  int readout = 0;
  for (size_t l = 0; l + 1 < config.readout_widths.size(); l++) {
    hidden.push_back(padded(config.readout_widths[l]));
    readout += 2 * row_of(hidden.back());
  }
  lane_values = features % 128 == 0 ? 4 : features % 96 == 0 ? 3 : features % 64 == 0 ? 2 : 1;
  chunks = features / (32 * lane_values);
  edge_group = single ? 4 : 2;

  const size_t limit = std::min(info.shared_bytes, comfortable_shared_bytes);
  const int inputs = painn ? radial + 1 : features;  // of the last product that makes a filter
  const size_t warps = message_threads / 32;
  message_shared = warps * real_bytes *
                   static_cast<size_t>(painn ? painn_message_shared(radial, edge_group) : distiller_message_shared(radial, features, edge_group));
  const size_t weights = real_bytes * static_cast<size_t>(inputs) * 3 * 32 * static_cast<size_t>(lane_values);
  filters_in_shared = message_shared + weights <= limit;
  if (filters_in_shared) message_shared += weights;

  update_shared = real_bytes * static_cast<size_t>(painn ? painn_update_shared(features) : distiller_update_shared(features));
  last_shared = real_bytes * static_cast<size_t>(painn ? painn_last_shared(features, readout) : distiller_last_shared(features, readout));
  adjoint_shared = real_bytes * static_cast<size_t>(painn ? painn_adjoint_shared(features) : distiller_adjoint_shared(features));
  const size_t most = std::max({update_shared, last_shared, adjoint_shared});
  const auto fits = [&](int tile) { return most * static_cast<size_t>(tile) <= limit; };
  small_tile = large_tile = 0;
  for (const int tile : {24, 16, 8, 4, 2, 1})
    if (fits(tile)) {
      large_tile = std::max(large_tile, tile);
      if (tile <= 8) small_tile = std::max(small_tile, tile);
    }
  if (small_tile == 0 || message_shared > info.shared_bytes)
    throw InputError("UNSUPPORTED", "device",
                     "the CUDA engine takes models of up to some 2,000 features, this one has " + std::to_string(config.features) +
                         ": the numbers of one atom do not fit into the shared memory of the card; use torch:cuda or native:cpu");
  small_atoms = atoms_of_thread(small_tile, features, single ? 8 : 4);
  large_atoms = atoms_of_thread(large_tile, features, single ? 8 : 4);
}

std::vector<Source> Shape::sources() const {
  std::string widths;
  for (const int width : hidden) widths += (widths.empty() ? "" : ",") + std::to_string(width);
  const auto define = [](const char* name, const auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::string>)
      return std::string("-D") + name + "=" + value;
    else
      return std::string("-D") + name + "=" + std::to_string(value);
  };
  const std::vector<std::string> options{
      define("real", std::string(real_bytes == 4 ? "float" : "double")),
      define("FEATURES", features),
      define("RADIAL", radial),
      define("BESSEL", static_cast<int>(bessel)),
      define("LANE_VALUES", lane_values),
      define("EDGE_GROUP", edge_group),
      define("SMALL_TILE", small_tile),
      define("SMALL_ATOMS", small_atoms),
      define("LARGE_TILE", large_tile),
      define("LARGE_ATOMS", large_atoms),
      define("READOUT_WIDTHS", widths),
      define("FILTER_SHARED", static_cast<int>(filters_in_shared)),
      define("MESSAGE_BLOCKS", real_bytes == 4 ? 4 : 3),  // a multiprocessor shall hold: bounds the registers of a thread
      define("MESSAGE_ADJOINT_BLOCKS", 2),
  };
  const std::string network = painn ? "painn" : "distiller";
  std::vector<Source> sources;
  for (const std::string& part : {network + "_message.cu", network + "_update.cu", std::string("results.cu")}) sources.push_back({part, options});
  sources.push_back({"neighbors.cu", {options[0], "-fmad=false"}});  // two machines must agree on which pairs are edges
  return sources;
}

}  // namespace painnless::cuda
