#include "shape.h"

#include <algorithm>

#include "../kernels/shapes.h"

namespace painnless::cuda {
namespace {

constexpr int least_resident_edges = 16;                  // of a cluster
constexpr size_t comfortable_shared_bytes = 100 << 10;  // of a block: any card since sm_86 has it, and two such blocks fit the largest

/// Empty where the model or the card is not for it: PaiNN on tensor cores whose pairs are summed over lanes of 1, 2 or 4 features, readouts no wider than the
/// features, weights that fit a cluster, and a card that has clusters.
std::optional<ResidentRoom> resident_room(const Shape& shape, const Config& config, const DeviceInfo& info) {
  const int f = shape.features, hidden = static_cast<int>(shape.hidden.size());
  if (!shape.painn || !shape.tensor || info.architecture < 90 || (f != 32 && f != 64 && f != 128) || hidden > most_hidden) return {};
  ResidentRoom room{f, config.layers, config.radial, hidden, {}};
  for (int l = 0; l < hidden; l++) {
    room.widths[l] = shape.hidden[l];
    if (room.widths[l] > f) return {};
  }
  if (edges_beside(room, resident_atoms, info.shared_bytes) < least_resident_edges) return {};
  return room;
}

}  // namespace

Shape::Shape(const Config& config, Precision precision, const DeviceInfo& info, const CudaTuning& tuning, bool whole_range) : tuning(tuning) {
  const bool single = precision != Precision::f64, mixed = precision == Precision::mixed;
  painn = config.architecture == Architecture::painn;
  bessel = config.basis == RadialBasis::bessel;
  features = padded(config.features);
  radial = config.radial;
  layers = config.layers;
  real_bytes = single ? 4 : 8;
  for (size_t l = 0; l + 1 < config.readout_widths.size(); l++) hidden.push_back(padded(config.readout_widths[l]));
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

  tabulates = single && !painn;
  slices = single && painn && info.architecture >= 80 ? features / slice_features : 0;
  slice_weights_shared = sizeof(unsigned) * static_cast<size_t>(slice_halves * filter_half_words(radial));
  // Where two such blocks fit a multiprocessor, which holds a block's most and what the card keeps of each.
  constexpr size_t kept = 1 << 10;
  slice_weights_in_shared = 2 * (slice_weights_shared + sizeof(float) * slice_block_words(returned_rows(true), returned_own(true)) + kept) <= info.shared_bytes + kept;
  if (!slice_weights_in_shared) slice_weights_shared = 0;

  // Tensor cores take eight atoms at a time; where the memory of a block does not hold so many of a wide model, multiply-adds take fewer.
  // Eight warps, of sixteen features each; of fewer features groups of warps share out the inputs.
  const Cut eight{8, 2, features >= 128 ? 1 : features >= 64 ? 2 : 4, 256};
  for (const int candidate : {mixed ? mixed_parts : float_parts, 0}) {
    tensor = candidate;
    int readout = 0;
    for (const int width : hidden) readout += readout_shared(width, tensor);
    update_shared = real_bytes * static_cast<size_t>(painn ? painn_update_shared(features, tensor) : distiller_update_shared(features, tensor));
    last_shared = real_bytes * static_cast<size_t>(painn ? painn_last_shared(features, readout, tensor) : distiller_last_shared(features, readout, tensor));
    adjoint_shared = real_bytes * static_cast<size_t>(painn ? painn_adjoint_shared(features, tensor) : distiller_adjoint_shared(features, tensor));
    if (tensor && single && !whole_range && info.architecture >= 80 && shared_bytes(eight) <= limit) break;
  }
  // As many atoms a thread as its registers bear; as many groups as fill the block.
  const auto cut = [&](int tile, int threads, int split, int atoms) {
    const int columns = features / 2, lanes = threads / split;
    atoms = std::min(atoms, tile);
    while (atoms > 1 && tile / atoms * columns < lanes) atoms /= 2;  // no lane goes without a part
    while (tile % atoms != 0) atoms--;
    return Cut{tile, atoms, split, threads};
  };
  // For tensor cores, a warp has 16 features and 8 or 16 atoms, as many as leave no warp without a part.
  const auto tensor_cut = [&](int tile, int threads) {
    int atoms = 2;
    while (tile % (8 * atoms) == 0 && tile / (8 * atoms) * (features / 16) * 32 >= threads) atoms *= 2;
    return Cut{tile, atoms, 1, threads};
  };
  small = large = {};
  if (tensor) small = eight;
  // No more than sixteen atoms a warp, so that registers bear two blocks a multiprocessor: one makes sums while the other waits.
  for (const int tile : {32, 16, 8})
    if (const Cut one = tensor_cut(tile, 256); tensor && large.tile == 0 && one.atoms <= 4 && shared_bytes(one) <= limit) large = one;
  for (const int tile : {8, 4, 2})
    if (const Cut one = single ? cut(tile, 512, 4, 4) : cut(tile / 2, 256, 4, 2); small.tile == 0 && shared_bytes(one) <= limit) small = one;
  for (const int tile : {16, 8, 4, 2, 1})
    if (const Cut one = cut(tile, 256, 1, single ? 4 : 2); large.tile == 0 && shared_bytes(one) <= limit) large = one;
  // Many blocks at once where shared memory lets them in, but not from sm_100 on, where the same code takes a few registers more and would spill.
  const bool tight = single && info.architecture < 100 && 4 * message_shared <= info.shared_bytes;
  message_blocks = tight ? 4 : single ? 3 : 2;
  large_blocks = tight && 2 * (shared_bytes(large) + (1 << 10)) <= info.shared_bytes ? 2 : 1;
  spread = relay = {};
  const int columns = (features / 16 + spread_members - 1) / spread_members;  // of a block, a warp each, but not so many that registers run out
  if (const Cut one{small.tile, small.atoms, 4, 32 * std::min(columns, 2) * 4, spread_members}; tensor && info.architecture >= 90 && shared_bytes(one) <= info.shared_bytes) spread = one;
  // A block has a slice, a warp a receiver; of twice as many blocks two share a slice, two warps a receiver. One layer alone is first and last: too few to be worth
  // a text of its own.
  const auto holds_layers = [&](const Cut& cut) { return most_layer_shared(cut) <= info.shared_bytes; };
  whole_layers = spread.threads > 0 && spread.threads == 32 * spread.tile && slices == spread_members && layers > 1 && holds_layers(spread);
  if (Cut one = spread; whole_layers) {
    one.members = relay_members;
    if (holds_layers(one)) relay = one;
  }
  resident = resident_room(*this, config, info);
  const std::string size = std::to_string(config.features) + " features, " + std::to_string(radial) + " radial functions and hidden layers of the readout of up to " +
                           std::to_string(hidden.empty() ? 0 : *std::max_element(hidden.begin(), hidden.end()));
  if (mixed && !tensor)
    throw InputError("UNSUPPORTED", "precision",
                     "mixed precision is products on tensor cores, of cards from sm_80 on whose blocks hold the numbers of eight atoms; this card is sm_" +
                         std::to_string(info.architecture) + ", the model has " + size + "; use native:cuda:f32 or native:cpu:f64");
  if (small.tile == 0 || large.tile == 0 || (slices == 0 && message_shared > info.shared_bytes))
    throw InputError("UNSUPPORTED", "device",
                     "the CUDA engine keeps the numbers of an atom in a block's shared memory, of which this card has " + std::to_string(info.shared_bytes >> 10) +
                         " kB; the model needs more, with " + size + "; use torch:cuda:f64 or native:cpu:f64");
}

size_t Shape::shared_bytes(const Cut& cut) const {
  return std::max({update_shared, last_shared, adjoint_shared}) * static_cast<size_t>(cut.tile) + exchange_shared(cut);
}
size_t Shape::exchange_shared(const Cut& cut) const {
  return real_bytes * static_cast<size_t>(update_exchange(cut.atoms, cut.split, cut.threads, tensor) + (cut.members > 1 ? spread_counters : 0));
}

size_t Shape::layer_shared(const Cut& cut, bool first, bool last) const {
  return layer_bytes(cut, last ? last_shared : update_shared, 1 + 3, slice_warp_words(received_rows(first), received_own(first)));
}
size_t Shape::layer_adjoint_shared(const Cut& cut) const { return slice_weights_shared + layer_bytes(cut, adjoint_shared, 3, slice_warp_words(returned_rows(false), returned_own(false))); }
size_t Shape::most_layer_shared(const Cut& cut) const { return std::max({layer_shared(cut, false, false), layer_shared(cut, false, true), layer_adjoint_shared(cut)}); }
size_t Shape::pairs_shared() const { return slice_weights_shared + sizeof(float) * slice_block_words(returned_rows(true), returned_own(true)); }
/// own_rows: that come as they are.
size_t Shape::layer_bytes(const Cut& cut, size_t of_atom, int own_rows, int of_warp) const {
  const int warps = cut.threads / 32, sharers = cut.members / slices;
  const int words = warps * of_warp + cut.tile * own_rows * own_row(features / cut.members) + (sharers > 1 ? cut.tile / sharers * relay_words : 0);
  return exchange_shared(cut) + of_atom * static_cast<size_t>(cut.tile) + sizeof(float) * static_cast<size_t>(words);
}

std::vector<Source> Shape::sources() const {
  std::string widths;
  for (const int width : hidden) {
    if (!widths.empty()) widths += ',';
    widths += std::to_string(width);
  }
  using Options = std::vector<std::string>;
  const auto define = [](const char* name, int value) { return std::string("-D") + name + "=" + std::to_string(value); };
  const std::string real = std::string("-Dreal=") + (real_bytes == 4 ? "float" : "double");
  // Each text is given what it reads, and no more: what is the same for two models or cards is compiled once.
  const Options message{real,
                        define("FEATURES", features),
                        define("RADIAL", radial),
                        define("BESSEL", bessel),
                        define("LANE_VALUES", lane_values),
                        define("EDGE_GROUP", edge_group),
                        define("FILTER_SHARED", filters_in_shared),
                        define("MESSAGE_BLOCKS", message_blocks)};
  const Options slices_options{real,
                               define("FEATURES", features),
                               define("RADIAL", radial),
                               define("BESSEL", bessel),
                               "-DLANE_VALUES=4",  // of a slice
                               "-DEDGE_GROUP=4",
                               "-DFILTER_SHARED=0",
                               define("WEIGHTS_SHARED", slice_weights_in_shared)};
  const Options table{real, define("FEATURES", features), define("LANE_VALUES", lane_values)};
  const Options update{real,
                       define("FEATURES", features),
                       define("TENSOR", tensor),
                       define("SMALL_TILE", small.tile),
                       define("SMALL_ATOMS", small.atoms),
                       define("SMALL_SPLIT", small.split),
                       define("SMALL_THREADS", small.threads),
                       define("LARGE_TILE", large.tile),
                       define("LARGE_ATOMS", large.atoms),
                       define("LARGE_SPLIT", large.split),
                       define("LARGE_THREADS", large.threads),
                       define("LARGE_BLOCKS", large_blocks),
                       "-DREADOUT_WIDTHS=" + widths};
  const auto with_clusters = [&](const Cut& cut, Options all) {
    all.insert(all.end(), {define("TENSOR", tensor), define("SMALL_TILE", cut.tile), define("SMALL_ATOMS", cut.atoms), define("SMALL_SPLIT", cut.split),
                           define("SPREAD_THREADS", cut.threads), define("SPREAD_MEMBERS", cut.members), "-DREADOUT_WIDTHS=" + widths});
    return all;
  };
  const Options resident_options{real,
                                 define("FEATURES", features),
                                 define("RADIAL", radial),
                                 define("LAYERS", layers),
                                 define("BESSEL", bessel),
                                 define("TENSOR", tensor),
                                 "-DREADOUT_WIDTHS=" + widths};
#define PAINNLESS_TEXT(name, Arguments) #name,
  static const std::vector<const char*> painn_message{PAINNLESS_PAINN_MESSAGE_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> painn_slices{PAINNLESS_PAINN_SLICES_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> painn_update{PAINNLESS_PAINN_UPDATE_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> painn_spread{PAINNLESS_PAINN_SPREAD_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> painn_layer{PAINNLESS_PAINN_LAYER_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> painn_relay{PAINNLESS_PAINN_RELAY_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> painn_resident{PAINNLESS_PAINN_RESIDENT_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> distiller_message{PAINNLESS_DISTILLER_MESSAGE_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> distiller_table{PAINNLESS_DISTILLER_TABLE_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> distiller_update{PAINNLESS_DISTILLER_UPDATE_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> distiller_spread{PAINNLESS_DISTILLER_SPREAD_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> results{PAINNLESS_RESULT_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> search{PAINNLESS_SEARCH_KERNELS(PAINNLESS_TEXT)};
  static const std::vector<const char*> steps{PAINNLESS_STEP_KERNELS(PAINNLESS_TEXT)};
#undef PAINNLESS_TEXT
  std::vector<Source> all{slices > 0 ? Source{"painn_slices.cu", slices_options, painn_slices}
                                     : Source{painn ? "painn_message.cu" : "distiller_message.cu", message, painn ? painn_message : distiller_message},
          {painn ? "painn_update.cu" : "distiller_update.cu", update, painn ? painn_update : distiller_update},
          {"results.cu", {real}, results},
                          {"neighbors.cu", {real, "-fmad=false"}, search},               // two machines must agree on which pairs are edges
                          {"dynamics.cu", {"-Dreal=double", "-fmad=false"}, steps}};  // and on where atoms go
  if (spread.threads > 0 && tuning.spread_waves > 0) {
    if (whole_layers) all.push_back({"painn_layer.cu", with_clusters(spread, slices_options), painn_layer});
    else all.push_back({painn ? "painn_spread.cu" : "distiller_spread.cu", with_clusters(spread, {real, define("FEATURES", features)}), painn ? painn_spread : distiller_spread});
    if (relay.threads > 0) all.push_back({"painn_layer.cu", with_clusters(relay, slices_options), painn_relay});
  }
  if (tabulates) all.push_back({"distiller_table.cu", table, distiller_table});
  if (resident) all.push_back({"painn_resident.cu", resident_options, painn_resident});
  return all;
}

}  // namespace painnless::cuda
