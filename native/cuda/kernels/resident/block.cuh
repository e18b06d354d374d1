#pragma once
// A block of the resident schedule: what it owns, where it keeps it, and how it exchanges numbers with the others of its cluster.
#include "cluster.cuh"
#include "request.cuh"
#include "room.h"

namespace painnless::cuda {

constexpr ResidentRoom make_room() {
  constexpr int widths[] = {FEATURES, READOUT_WIDTHS};
  ResidentRoom room{FEATURES, LAYERS, RADIAL, static_cast<int>(sizeof(widths) / sizeof(int)) - 1, {}};
  for (int l = 0; l < room.hidden; l++) room.widths[l] = widths[l + 1];
  return room;
}
constexpr ResidentRoom room = make_room();
constexpr int members = room.members();
static_assert(FEATURES == 32 || FEATURES == 64 || FEATURES == 128, "pair sums go over lanes that own F / 32 features");

/// Bytes that arrive at a block from PARTS blocks.
constexpr unsigned part_bytes(int rows, int parts) { return static_cast<unsigned>(parts * rows * resident_atoms * part_features * static_cast<int>(sizeof(real))); }
/// Bytes of so many whole rows of features.
constexpr unsigned row_bytes(int rows, int width) { return static_cast<unsigned>(rows * width * static_cast<int>(sizeof(real))); }

/// What the kept numbers of a layer are, 32 each: one an owned atom and feature.
enum Saved { saved_v = 0, saved_w = 96, saved_inverse = 192, saved_dot = 224, saved_update = 256, saved_gate = 288, saved_scale = 320, saved_context = 352, saved_xm = 384, saved_mu = 416 };
/// What numbers are current.
enum Current { now_q = 0, now_mu = 32, now_q_bar = 128, now_mu_bar = 160 };

struct Block {
  const ResidentArguments<real>& a;
  real* memory;
  ResidentPlaces at;
  int cluster, clusters, rank;
  int atom, half, j;  // of this worker's warp: one of the four atoms, which four of the eight features; this lane's one of them
  int turn = 0;       // exchanges so far
  unsigned mail_turn;
  Arrivals *arrivals, *pairs_here, *sums_here, *top_here, *filters_here, *weights_here;
  int* words;  // first edges of the four atoms and the end; from 8 on Sizes; from 16 on has any structure a volume, and counts of edges

  __device__ Block(const ResidentArguments<real>& arguments, real* shared)
      : a(arguments), memory(shared), at(room, arguments.room_atoms, arguments.room_edges), cluster(blockIdx.x / members), clusters(gridDim.x / members),
        rank(blockIdx.x % members), atom(warp_index() / 2), half(warp_index() % 2), j(lane_index() % 4) {
    arrivals = reinterpret_cast<Arrivals*>(memory + at.arrivals);
    pairs_here = arrivals + 2;
    sums_here = arrivals + 3;
    top_here = arrivals + 4;
    filters_here = arrivals + 5;
    weights_here = arrivals + 6;
    words = reinterpret_cast<int*>(memory + at.words);
  }

  __device__ int* first() const { return words; }  // (5) edges of the cluster's atoms
  /// The request, until filters take its place.
  __device__ const unsigned char* request() const { return reinterpret_cast<const unsigned char*>(memory + at.filters); }
  __device__ int& voluminous() const { return words[16]; }
  __device__ int* counts() const { return words + 20; }  // (16)
  __device__ Sizes& sizes() const { return *reinterpret_cast<Sizes*>(words + 8); }
  __device__ int global_atom() const { return resident_atoms * cluster + atom; }
  __device__ int own() const { return atom * part_features + 4 * half + j; }       // of 32
  __device__ int feature() const { return part_features * rank + 4 * half; }       // the first of the warp's four
  __device__ real* saved(int t) const { return memory + at.state + 256 + 512 * t; }
  __device__ real* now() const { return memory + at.state; }
  __device__ const real* weights(int begin) const { return memory + at.weights + begin; }
  __device__ real* sums_of_parts() const { return memory + at.scratch; }
  __device__ real* scratch() const { return memory + at.scratch + warp_index() * scratch_row; }
  __device__ real* x_row(int t, int i) const { return memory + (t == 0 ? at.x0 + i * room.x_row(0) : at.x + ((t - 1) * a.room_atoms + i) * room.x_row(1)); }
  __device__ real* bars(int i) const { return memory + at.bars + i * bars_row; }
  __device__ real* filter(int t, int e) const {
    return memory + at.filters + (t == 0 ? e * room.filter_row(0) : a.room_edges * room.filter_row(0) + ((t - 1) * a.room_edges + e) * room.filter_row(1));
  }
  __device__ int* senders() const { return reinterpret_cast<int*>(memory + at.senders); }
  __device__ Placed* placed() const { return reinterpret_cast<Placed*>(memory + at.placed); }
  __device__ int* numbers() const { return reinterpret_cast<int*>(memory + at.numbers); }
  __device__ double* vectors() const { return reinterpret_cast<double*>(memory + at.vectors); }
  /// What an edge's filters are made from: words for W, then for W'.
  __device__ unsigned* inputs(int e) const { return reinterpret_cast<unsigned*>(memory + at.inputs) + e * room.inputs_row(); }
  __device__ real* cutoff(int e) const { return memory + at.cutoff + 2 * e; }  // f and f', until there are inputs
  /// What sums with a layer's W are multiplied by, and those with its W'.
  __device__ real of_value(int t) const { return weights(room.scales())[2 * t]; }
  __device__ real of_slope(int t) const { return weights(room.scales())[2 * t + 1]; }
  /// Where four features' sums of a pair are added up, in the block that does so for the edge. Layer 0 has but one half.
  __device__ real* pair_sums(int t, int half, int e, int four) const {
    const int slots = (a.room_edges + members - 1) / members;
    return memory + at.pairs + t * at.pairs_of_layer + (half * slots + e / members) * room.pair_row() + 4 * four;
  }
  __device__ double* sums(int n) const { return reinterpret_cast<double*>(memory + at.sums) + 4 * n; }  // of an edge of the atom that this block ends
  /// The block that ends atom k of the cluster.
  __device__ int owner(int k) const { return k * (members / resident_atoms); }

  // Exchanges: all workers of all blocks send in each, so who has waited for one knows that all have read the one before. Thus two places are enough.
  __device__ real* arriving() const { return memory + at.ring + turn % 2 * room.ring(); }
  __device__ Arrivals& counter() const { return arrivals[turn % 2]; }
  __device__ const real* await(unsigned bytes) {
    Arrivals& here = counter();
    if (threadIdx.x == 0) announce(here, bytes);
    const unsigned parity = turn / 2 % 2;
    wait_until([&] { return complete(here, parity); }, a.given_up);
    const real* arrived = arriving();
    turn++;
    return arrived;
  }
  __device__ void await_weights(int piece) const {
    wait_until([&] { return complete(weights_here[piece], 0); }, a.given_up);
  }

  /// The warp's four numbers, one on each lane j, together on every lane.
  __device__ Pack<4> four(real x) const {
    Pack<4> out;
    for (int k = 0; k < 4; k++) out.v[k] = __shfl_sync(all_lanes, x, k);
    return out;
  }
  /// To all blocks of the cluster, into a row of inputs of a product. Blocks that have no input in a narrow row send zeros.
  __device__ void send_to_all(real* rows, int row, int width, int first_input, real x) const {
    const Pack<4> value = four(x);
    if (lane_index() < members) send(rows + row * width + swizzled(row, first_input), lane_index(), value, counter());
  }
};

/// An array of 32 numbers, one an owned atom and feature.
__device__ void keep(const Block& b, real* numbers, real x) {
  if (lane_index() < 4) numbers[b.own()] = x;
}

}  // namespace painnless::cuda
