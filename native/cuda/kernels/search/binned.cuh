#pragma once
// What may be an edge of a structure of many atoms: those in the bins around the receiver's. Distances are judged in float32 where its error cannot matter.
#include "search/candidates.cuh"
#include "search/scan.cuh"

namespace painnless::cuda {

/// Where float32 is sure of what float64 would say of a squared distance. With u = 2^-24, r = x + b of rounded x and b is wrong by up to 2 u (|b| + |r|)
/// along each axis; whatever is an edge, or too near, has |r| <= R, the longest edge.
struct Sure {
  float inside, outside, apart;
  /// `extent`: the largest |b|, Å.
  __device__ Sure(float longest, double nearest, float extent) {
    constexpr float u = 6e-8f;
    const float square = longest * longest, error = 2 * u * (extent + longest), margin = 4 * longest * error + 4 * error * error + 8 * u * square;
    inside = square - margin;
    outside = square + margin;
    apart = max(static_cast<float>(nearest), static_cast<float>(coincident_square)) + margin;
  }
};

/// The bins around one receiver, a lane each.
struct BinsAround {
  int low[3], size[3];
  float offset[3], scale[3];  // the receiver's place among them; what a bin is of the cutoff's reach

  __device__ BinsAround(const Placed& p, const Structure& s) {
    for (int k = 0; k < 3; k++) {
      const double fraction = p.fraction[k], reach = s.reach[k];
      if (s.bins[k] > 0) {
        low[k] = static_cast<int>(floor((fraction - reach) * s.bins[k]));
        size[k] = static_cast<int>(floor((fraction + reach) * s.bins[k])) - low[k] + 1;
        offset[k] = static_cast<float>(fraction * s.bins[k] - low[k]);
        scale[k] = 1 / static_cast<float>(reach * s.bins[k]);
      } else {
        low[k] = p.bin[k] - 1;
        size[k] = 3;
        offset[k] = 1 + min(max(static_cast<float>(fraction - p.bin[k] * reach) / static_cast<float>(reach), 0.0f), 1.0f);  // the last bins have no end
        scale[k] = 1;
      }
    }
  }
  __device__ int count() const { return size[0] * size[1] * size[2]; }
  __device__ void bin(int index, int* at) const {
    const int row = static_cast<unsigned>(index) / static_cast<unsigned>(size[2]), plane = static_cast<unsigned>(row) / static_cast<unsigned>(size[1]);
    at[0] = low[0] + plane;
    at[1] = low[1] + row - plane * size[1];
    at[2] = low[2] + index - row * size[2];
  }
  /// Is a bin nearer than the cutoff, as far as its faces say?
  __device__ bool within(const int* at, float nearness) const {
    float square = 0;
    for (int k = 0; k < 3; k++) {
      const float beyond = static_cast<float>(at[k] - low[k]) - offset[k], gap = max(max(beyond, -1 - beyond), 0.0f) * scale[k];
      square += gap * gap;
    }
    return square * nearness <= 1;
  }
};

/// Calls take(is perhaps within reach, sender, translation) for every candidate of one receiver, in any order; all lanes of its warp take part each time.
/// Returns whether float64 must be asked: float32 is not sure of some.
template <class Take> __device__ bool visit_bins(const SearchArguments<real>& a, const Reach& reach, int i, Take take) {
  const Placed& p = a.placed[i];
  const Structure& s = structures_of(a)[p.structure];
  const int lane = lane_index(), first = s.first, atoms = s.atoms, own_translation = translation_index(s, 0, 0, 0);
  const BinsAround around(p, s);
  int doubtful = 0;
#pragma unroll 1
  for (int base = 0; base < around.count(); base += 32) {
    // Each lane opens one bin; then all lanes go through the atoms of these 32 bins, 32 atoms at a time.
    int bin[3], steps[3] = {}, begin = 0, count = 0, translation = 0;
    float from[3] = {}, extent = 0;  // the image that the bin is of, from the receiver
    around.bin(base + lane, bin);
    if (base + lane < around.count() && around.within(bin, s.nearness)) {
      double image[3] = {-p.position[0], -p.position[1], -p.position[2]};
      for (int k = 0; k < 3; k++)
        if (s.bins[k] > 0 && (bin[k] < 0 || bin[k] >= s.bins[k])) {
          steps[k] = bin[k] >= 0 ? bin[k] / s.bins[k] : -((s.bins[k] - 1 - bin[k]) / s.bins[k]);
          bin[k] -= steps[k] * s.bins[k];
          for (int c = 0; c < 3; c++) image[c] += steps[k] * s.lattice[3 * k + c];
        }
      const int slot = slot_of(a, p.structure, bin[0], bin[1], bin[2]);
      begin = a.slot_begin[slot];
      count = a.slot_end[slot] - begin;
      translation = translation_index(s, steps[0], steps[1], steps[2]);
      for (int c = 0; c < 3; c++) {
        from[c] = static_cast<float>(image[c]);
        extent = max(extent, max(from[c], -from[c]));
      }
    }
    for (int mask = 16; mask > 0; mask /= 2) extent = max(extent, __shfl_xor_sync(all_lanes, extent, mask));
    const Sure sure(reach.longest, request_of(a).nearest, extent);
    const int upto = sum_up_to_lane(count);
    const int total = __shfl_sync(all_lanes, upto, 31);
    begin -= upto - count;
#pragma unroll 1
    for (int c0 = 0; c0 < total; c0 += 32) {
      const int c = c0 + lane;
      int owner = 0;  // the first lane with upto > c
      for (int half = 16; half > 0; half /= 2)
        if (__shfl_sync(all_lanes, upto, owner + half - 1) <= c) owner += half;
      const int start = __shfl_sync(all_lanes, begin, owner), by = __shfl_sync(all_lanes, translation, owner);
      const InSlot other = a.in_slots[c < total ? start + c : 0];
      float square = 0;
      for (int k = 0; k < 3; k++) {
        const float r = other.position[k] + __shfl_sync(all_lanes, from[k], owner);
        square = fma(r, r, square);
      }
      const int j = other.atom;
      // Of another bin, or of another structure, that shares the slot: the former is an edge by no translation that its bin is not visited with.
      const bool candidate = c < total && static_cast<unsigned>(j - first) < static_cast<unsigned>(atoms) && !(j == i && by == own_translation);
      const bool perhaps = candidate && !(square > sure.outside);
      if (perhaps && !(square < sure.inside && square > sure.apart)) doubtful = 1;
      take(perhaps, j, by);
    }
  }
  return __ballot_sync(all_lanes, doubtful) != 0;
}

}  // namespace painnless::cuda
