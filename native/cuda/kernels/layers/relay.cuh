#pragma once
// How warps that share a receiver add up over its edges in one order: they take its tiles by turns, each does by itself what it can, and the sums so far go from one
// to the other. Whoever has the last tile has the receiver's sums.
#include "layers/walk.cuh"

namespace painnless::cuda {

/// A warp that has its receivers for itself.
struct NoRelay {
  static constexpr bool shares = false;
  __device__ void begin() const {}
};

#if defined(SPREAD_THREADS)
/// One of two warps.
class Relay {
 public:
  static constexpr bool shares = true;

  /// `memory`: of both.
  __device__ Relay(real* memory, int part) : counters(reinterpret_cast<Arrivals*>(memory)), sums_of_lane(memory + 4 + 4 * lane_index()), part(part), taken(-(part == 0)) {
    if (lane_index() == 0) clear(counters[part], 1);
  }
  /// Every thread of the block does, before the first tile.
  __device__ void begin() const { __syncthreads(); }
  /// The sums over all tiles before, of this warp's next one.
  template <class Sums> __device__ void take(Sums& sums) {
    static_assert(sizeof(Sums) % sizeof(Pack<4>) == 0 && sizeof(Sums) <= relay_sums * sizeof(real));
    if (taken >= 0) {
      if (FAULT(50, false, true)) await(counters[part], taken % 2);
      real* const numbers = reinterpret_cast<real*>(&sums);
#pragma unroll
      for (int n = 0; n < packs_of<Sums>; n++) {
        const Pack<4> pack = load<4>(sums_of_lane + 128 * n);
        for (int v = 0; v < 4; v++) numbers[4 * n + v] = pack.v[v];
      }
    }
    taken++;
  }
  /// With this one's, to whoever has the next.
  template <class Sums> __device__ void hand_on(const EdgeTile& tile, const Sums& sums) const {
    if (tile.last()) return;
    const real* const numbers = reinterpret_cast<const real*>(&sums);
#pragma unroll
    for (int n = 0; n < packs_of<Sums>; n++) store(sums_of_lane + 128 * n, Pack<4>{numbers[4 * n], numbers[4 * n + 1], numbers[4 * n + 2], numbers[4 * n + 3]});
    __syncwarp();
    if (lane_index() == 0) arrive(counters[part ^ 1]);
  }

 private:
  template <class Sums> static constexpr int packs_of = sizeof(Sums) / sizeof(Pack<4>);
  Arrivals* counters;  // of what has come to either
  real* sums_of_lane;
  int part, taken;  // how often it has taken sums; part 0 begins with none
};
#endif

}  // namespace painnless::cuda
