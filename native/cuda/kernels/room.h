#pragma once
// The resident schedule's cut of a model and of shared memory, as host and kernel must agree on it. A cluster of F / 8 blocks owns four atoms; each
// block owns eight features of them, and of every matrix the rows that make or take those. Numbers count `real` unless said otherwise.
#include "shapes.h"

namespace painnless::cuda {

constexpr int resident_atoms = 4;      // of a cluster
constexpr int resident_workers = 256;  // threads that carry the network: a warp has four features of one atom
constexpr int resident_threads = 384;
constexpr int most_hidden = 4;  // hidden layers of a readout

constexpr int whole_packs(int count) { return (count + 3) / 4 * 4; }

struct ResidentRoom {
  int features, layers, radial, hidden;
  int widths[most_hidden];  // of the readout's hidden layers

  constexpr int members() const { return features / part_features; }  // blocks of a cluster
  constexpr int top() const { return hidden > 0 ? widths[hidden - 1] : features; }

  // A block's weights: vectors, layers, readout. Of a matrix its rows, each with the inputs where swizzled() has them.
  // Biases of context 1 and 2, update 1 and 2; of the readout; its last layer; of each layer what sums with W and with W' are multiplied by.
  constexpr int scales() const { return 64 * layers + 8 * hidden + 8; }
  constexpr int vectors() const { return scales() + whole_packs(2 * layers); }
  constexpr int layer(int t) const { return vectors() + (t == 0 ? 0 : 88 * features * t - 32 * features); }  // layer 0 has no context
  constexpr int context1(int t) const { return layer(t); }
  constexpr int context2(int t) const { return layer(t) + 8 * features; }
  constexpr int channels(int t) const { return layer(t) + (t == 0 ? 0 : 32 * features); }
  constexpr int update1(int t) const { return channels(t) + 16 * features; }
  constexpr int update2(int t) const { return update1(t) + 16 * features; }
  constexpr int inputs(int l) const { return l == 0 ? features : widths[l - 1]; }
  constexpr int readout(int l) const {
    int at = layer(layers);
    for (int k = 0; k < l; k++) at += part_features * inputs(k);
    return at;
  }
  constexpr int weights() const { return readout(hidden); }

  // Rows in shared memory; four numbers more than they hold where a warp reads several of them at once.
  constexpr int ring() const { return larger(12 * features, members() * (12 * part_features + 2)); }  // one of the two places where exchanges arrive
  constexpr int state() const { return 256 + 512 * layers; }
  constexpr int x_row(int t) const { return t == 0 ? 20 : 44; }
  constexpr int filter_row(int t) const { return t == 0 ? 36 : 52; }
  constexpr int inputs_row() const { return 2 * filter_row_words(radial); }

  // Filters of all layers, a block's eight features of each: W^q and W^R of layer 0, then W^q, W^R and W^m of the others. They are made two at a time.
  constexpr int filters() const { return 3 * layers - 1; }
  constexpr int filter_layer(int n) const { return (n + 1) / 3; }
  constexpr int filter_block(int n) const { return n < 2 ? n : (n + 1) % 3; }
  constexpr int filter_pairs() const { return (filters() + 1) / 2; }

  // Sums of a pair of atoms, for every four features four numbers: of each layer but the first two halves, one for either end's context.
  constexpr int pair_sets() const { return 2 * layers - 1; }
  constexpr int pair_row() const { return features; }
};

/// Where a row keeps input k: by packs of eight, in an order such that neither four neighbouring rows nor every second of eight have theirs in the same banks,
/// so that fragments of a matrix and of its transpose are read without conflicts.
constexpr int swizzled(int row, int k) { return k ^ (row % 4 ^ row / 4 % 2) * 8; }

constexpr int bars_row = 36, scratch_row = 192, y_row_floats = 12 * 28;

/// Where things begin in the shared memory of a block that has room for so many atoms of the batch and edges of its cluster.
struct ResidentPlaces {
  int weights, ring, qn, y_bar, scratch, state, top, arrivals, words, placed, numbers, x0, senders, direction, rest, vectors, filters, inputs, pairs, pairs_of_layer, sums, bars, x, cutoff, end;

  constexpr ResidentPlaces(const ResidentRoom& room, int atoms, int edges) : weights(0), ring(0), qn(0), y_bar(0), scratch(0), state(0), top(0), arrivals(0),
      words(0), placed(0), numbers(0), x0(0), senders(0), direction(0), rest(0), vectors(0), filters(0), inputs(0), pairs(0), pairs_of_layer(0), sums(0), bars(0), x(0), cutoff(0), end(0) {
    int next = 0;
    const auto take = [&](int& place, int count) {
      place = next;
      next += whole_packs(count);
    };
    take(weights, room.weights());
    take(ring, 2 * room.ring());
    take(qn, 8 * room.features);
    take(y_bar, y_row_floats);
    take(scratch, resident_workers / 32 * scratch_row);
    take(state, room.state());
    take(top, room.features);
    take(arrivals, 2 * (7 + room.layers));
    take(words, 40);
    take(placed, 20 * atoms);
    take(numbers, atoms);
    take(x0, room.x_row(0) * atoms);
    take(senders, 2 * edges);  // and translations
    take(direction, 4 * edges);
    take(rest, edges);
    take(vectors, 6 * edges);
    take(filters, room.filter_row(0) * edges + (room.layers - 1) * room.filter_row(1) * edges);
    inputs = next;  // of filters: no longer read when what lies here is written
    // Pairs' sums of a layer lie in the place of its update's weights, if that is enough: no block needs them any more when one of the cluster is past the update.
    const int slots = (edges + room.members() - 1) / room.members(), pair_set = room.pair_row() * slots;
    pairs = weights + room.channels(0), pairs_of_layer = room.channels(1) - room.channels(0);
    if (2 * pair_set > room.layer(1) - room.channels(0)) pairs_of_layer = 2 * pair_set, take(pairs, room.layers * pairs_of_layer);
    take(sums, 8 * edges);  // float64
    take(bars, bars_row * atoms);
    take(x, (room.layers - 1) * room.x_row(1) * atoms);
    cutoff = inputs + room.inputs_row() * edges;
    end = larger(next, cutoff + 2 * edges);
  }
};

/// Edges of a cluster for which there is room beside so many atoms; below zero where there is none for them.
constexpr int edges_beside(const ResidentRoom& room, int atoms, long long shared_bytes) {
  int edges = -1;
  while (ResidentPlaces(room, atoms, edges + 1).end * 4ll <= shared_bytes) edges++;
  return edges;
}

}  // namespace painnless::cuda
