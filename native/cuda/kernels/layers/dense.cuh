#pragma once
// Dense products over a tile of atoms: y = x W, x in shared memory, W streamed from global memory. Every output is summed over each part of its inputs, then
// over the parts, in an order that depends neither on the tile nor on what else is in it; that also rounds less than one long sum. On the way back the
// parts are eight features of all blocks of outputs (by_parts, shapes.h), the parts of each quarter first: so can those sum who own eight features each (the
// resident schedule). Twin of cpu/dense.h.
#if TENSOR
#include "layers/multiply_tensor.cuh"
#else
#include "layers/multiply.cuh"
#endif
#include "layers/silu.cuh"

namespace painnless::cuda {

/// Inputs of a hidden layer's or of its adjoint's products for a tile: those of a layer of F features.
template <class Cut> using Hidden = Inputs<Cut::tile, FEATURES>;
template <class Cut> using HiddenBars = Inputs<Cut::tile, FEATURES, 1>;

/// A hidden layer: h = silu(x W + b) of WIDTH features. keep(part, slopes) gets each atom's silu'(z), also of atoms that are not there.
template <int WIDTH, class Cut, class X, class H, class Keep>
__device__ void hidden_forward(const Tile<Cut>& tile, const Dense<real>& layer, const X& x, const H& h, Keep keep) {
  each_part<Cut, WIDTH>([&](const Part<Cut>& part) {
    real z[Cut::atoms][1][2];
    Pack<2> bias;
    const auto ask = [&] { bias = load<2>(layer.bias + part.feature); };
    if (Cut::asks_first && part.owned()) ask();
    if (!multiply<WIDTH>(tile, part, x, layer.weight, z)) return;
    if (!Cut::asks_first) ask();
    Pack<2> slopes[Cut::atoms];
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      Pack<2> value;
      for (int c = 0; c < 2; c++) silu(z[i][0][c] + bias.v[c], value.v[c], slopes[i].v[c]);
      h.put(part.atom(i), part.feature, value);
    }
    hand_on<16>(tile, h, part.column());
    keep(part, slopes);
  });
}
/// The same of F features, with slopes (atoms, F).
template <class Cut, class X>
__device__ void hidden_forward(const Tile<Cut>& tile, const Dense<real>& layer, const X& x, const Hidden<Cut>& h, real* slope) {
  hidden_forward<FEATURES>(tile, layer, x, h, [&](const Part<Cut>& part, const Pack<2>(&slopes)[Cut::atoms]) {
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++)
      if (part.atom(i) < tile.count) store(slope + tile.at(part.atom(i)) + part.feature, slopes[i]);
  });
}

/// From the bars of the product after a hidden layer of F features to its own: z_bar = silu'(z) (y_bar W^T), zeros for atoms that are not there. `slope`
/// (atoms, F) is what hidden_forward gave.
template <class Cut, class Y>
__device__ void hidden_adjoint(const Tile<Cut>& tile, const Dense<real>& next, const Y& y_bar, const real* slope, const HiddenBars<Cut>& z_bar) {
  each_part<Cut, FEATURES>([&](const Part<Cut>& part) {
    real h_bar[Cut::atoms][1][2];
    Pack<2> derivative[Cut::atoms];
    if (part.owned()) {
#pragma unroll
      for (int i = 0; i < Cut::atoms; i++)
        if (part.atom(i) < tile.count) derivative[i] = load<2>(slope + tile.at(part.atom(i)) + part.feature);
    }
    if (!multiply_back<FEATURES>(tile, part, y_bar, next.adjoint, h_bar)) return;
#pragma unroll
    for (int i = 0; i < Cut::atoms; i++) {
      Pack<2> out{};
      if (part.atom(i) < tile.count)
        for (int c = 0; c < 2; c++) out.v[c] = h_bar[i][0][c] * derivative[i].v[c];
      z_bar.put(part.atom(i), part.feature, out);
    }
    hand_on<16>(tile, z_bar, part.column());
  });
}

/// Calls get(p) and then put(p, what it got) for this thread's share of COUNT: several are asked for before the first is waited for.
template <class Cut, int COUNT, class Get, class Put> __device__ void in_turns(const Get& get, const Put& put) {
  constexpr int turns = (COUNT + Cut::threads - 1) / Cut::threads, rounds = (turns + 11) / 12, at_once = (turns + rounds - 1) / rounds;
#pragma unroll 1
  for (int first = 0; first < turns; first += at_once) {
    Pack<4> got[at_once];
#pragma unroll
    for (int n = 0; n < at_once; n++)
      if (const int p = (first + n) * Cut::threads + threadIdx.x; p < COUNT) got[n] = get(p);
#pragma unroll
    for (int n = 0; n < at_once; n++)
      if (const int p = (first + n) * Cut::threads + threadIdx.x; p < COUNT) put(p, got[n]);
  }
}
template <class X> __device__ void put_pack(const X& to, int row, int column, const Pack<4>& x) {
  to.put(row, column, Pack<2>{x.v[0], x.v[1]});
  to.put(row, column + 2, Pack<2>{x.v[2], x.v[3]});
}

/// Copies rows of WIDTH numbers from (atoms, rows of an atom, WIDTH) of this tile, zeros for atoms that are not there.
template <int WIDTH, class Cut, class X> __device__ void fetch(const Tile<Cut>& tile, const real* from, const X& to) {
  constexpr int packs = WIDTH / 4, per = X::rows / Cut::tile;
  const real* begin = from + static_cast<long long>(tile.first) * per * WIDTH;
  in_turns<Cut, X::rows * packs>([&](int p) { return p / packs < tile.count * per ? load<4>(begin + static_cast<long long>(4) * p) : Pack<4>{}; },
                                 [&](int p, const Pack<4>& x) { put_pack(to, p / packs, p % packs * 4, x); });
}

/// Copies (atoms, blocks, F) of this tile by parts, zeros for atoms that are not there.
template <class Cut, class X> __device__ void fetch_by_parts(const Tile<Cut>& tile, const real* from, const X& to) {
  constexpr int packs = X::numbers / 4;
  const real* begin = from + tile.at(0, X::units);
  in_turns<Cut, Cut::tile * packs>([&](int p) { return p / packs < tile.count ? load<4>(begin + static_cast<long long>(4) * p) : Pack<4>{}; },
                                   [&](int p, const Pack<4>& x) {
                                     const int column = p % packs * 4;
                                     put_pack(to, p / packs, by_parts(X::units, column / FEATURES, column % FEATURES), x);
                                   });
}

}  // namespace painnless::cuda
