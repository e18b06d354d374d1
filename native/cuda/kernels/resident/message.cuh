#pragma once
// PaiNN's message between resident atoms. Blocks of the same features tell each other what their atoms say; a warp then owns four features of one
// atom, those of a lane of slices, and adds up over its edges in the order of layers/slices.cuh and slices_adjoint.cuh.
#include "layers/lanes.cuh"
#include "layers/sums.cuh"
#include "resident/block.cuh"

namespace painnless::cuda {

constexpr int letters = 64;  // from one block in one turn, at most

__device__ Letter* mailbox(const Block& b, int cluster) {
  return static_cast<Letter*>(b.a.mail) + ((b.mail_turn % 2 * members + b.rank) * b.clusters + cluster) * letters;
}

/// Takes the COUNT letters of every other cluster: put(cluster, index, letter).
template <int COUNT, class Put> __device__ void take_letters(Block& b, Put put) {
  for (int task = threadIdx.x; task < COUNT * b.clusters; task += resident_workers) {
    const int from = task / COUNT, index = task % COUNT;
    if (from == b.cluster) continue;
    const Letter* at = mailbox(b, from) + index;
    Letter letter;
    wait_until([&] { return (letter = look(at)).turn == b.mail_turn; }, b.a.given_up);
    put(from, index, letter);
  }
  b.mail_turn++;
}

/// Tells all clusters what this warp's features say, x^q, x^R and x^m mu, a block on each number of x; all of layer t's rows are there in the end.
__device__ void share_contexts(Block& b, int t, const real* x) {
  const real* mu = b.now() + now_mu + b.own();
  keep(b, b.saved(t) + saved_xm, x[2]);
  for (int k = 0; k < 3; k++) keep(b, b.saved(t) + saved_mu + 32 * k, mu[32 * k]);
  const bool first = lane_index() < 4;  // of a feature's two letters
  const real v[3] = {first ? x[0] : x[2] * mu[32], first ? x[1] : x[2] * mu[64], first ? x[2] * mu[0] : 0};
  const auto put = [&](real* row, const real* said, bool with_third) {
    for (int k = 0; k < (with_third ? 3 : 2); k++) row[k * part_features] = said[k];
  };
  if (lane_index() < 8) {
    post(mailbox(b, b.cluster) + warp_index() * 8 + lane_index(), v[0], v[1], v[2], b.mail_turn);
    put(b.x_row(t, b.global_atom()) + (first ? 0 : 24) + 4 * b.half + b.j, v, first);
  }
  take_letters<64>(b, [&](int from, int index, const Letter& letter) {
    const int second = index / 4 % 2;
    put(b.x_row(t, resident_atoms * from + index / 16) + second * 24 + index / 8 % 2 * 4 + index % 4, letter.v, second == 0);
  });
  meet_first(resident_workers);
}

/// The same for q_bar and mu_bar: six letters from a warp.
__device__ void share_bars(Block& b) {
  real* own = b.bars(b.global_atom()) + 4 * b.half;
  const int c = lane_index() / 4;
  if (lane_index() < 16) own[c * part_features + b.j] = b.now()[now_q_bar + 32 * c + b.own()];
  __syncwarp();
  const auto place = [](int number) { return number / 4 * part_features + number % 4; };
  if (lane_index() < 6) {
    real v[3];
    for (int k = 0; k < 3; k++) v[k] = own[place(min(3 * lane_index() + k, 15))];
    post(mailbox(b, b.cluster) + warp_index() * 6 + lane_index(), v[0], v[1], v[2], b.mail_turn);
  }
  take_letters<48>(b, [&](int from, int index, const Letter& letter) {
    real* row = b.bars(resident_atoms * from + index / 12) + index / 6 % 2 * 4;
    for (int k = 0; k < 3; k++)
      if (index % 6 * 3 + k < 16) row[place(index % 6 * 3 + k)] = letter.v[k];
  });
  meet_first(resident_workers);
}

/// Number c of feature j (q, then the components of mu) of a receiver's messages, by half their place modulo four: sums 2 s and 2 s + 1 on lane 16 s + 4 c + j. As
/// in slices, filters are zero beyond the last edge.
template <bool FIRST> __device__ void add_up_messages(const Block& b, int t, real (&sums)[2]) {
  const int c = lane_index() / 4 % 4, first = lane_index() / 16 * 4, begin = b.first()[b.atom], count = b.first()[b.atom + 1] - begin, f = 4 * b.half + b.j;
  const int block = c == 0 ? 0 : part_features, component = max(c - 1, 0);
  const real *w = b.filter(t, begin) + f, *u = b.memory + b.at.direction + 4 * begin + component;
  const int* sender = b.senders() + 2 * begin;
  for (int tile = 0; tile < count; tile += tile_edges)
#pragma unroll
    for (int k = 0; k < 4; k++) {
      const int place = tile + first + k, n = min(place, count - 1);
      const bool there = place < count;
      const real *x = b.x_row(t, sender[2 * n]) + f, *own = w + n * room.filter_row(FIRST ? 0 : 1);
      const real factor = there ? own[block] : 0, value = x[block], along = factor * value;
      // The lanes of q go the same way: their one product is w x, and where the others' second has W^m, theirs has zero.
      sums[k / 2] += (c == 0 ? factor : u[4 * n]) * (c == 0 ? value : along);
      if constexpr (!FIRST) sums[k / 2] += (c > 0 && there ? own[2 * part_features] : 0) * x[(2 + component) * part_features];
    }
}

/// T16, T17: current q and mu of this warp's features.
__device__ void message_forward(const Block& b, int t) {
  real sums[2] = {};
  if (t == 0) add_up_messages<true>(b, t, sums);
  else add_up_messages<false>(b, t, sums);
  if (t == 0) b.await_weights(0);  // for the scale
  const real even = sums[0] + __shfl_xor_sync(all_lanes, sums[0], 16), odd = sums[1] + __shfl_xor_sync(all_lanes, sums[1], 16);
  if (lane_index() < 16) b.now()[now_q + 32 * (lane_index() / 4) + b.own()] += (even + odd) * b.of_value(t);
  __syncwarp();
}

/// u . v over the components of one feature.
__device__ real along_direction(const real* u, const Pack<4>* v, int k) {
  return three_products(u[0], v[0].v[k], u[1], v[1].v[k], u[2], v[2].v[k]);
}

/// A block of a row: this warp's four features.
__device__ Pack<4> four_of(const Block& b, const real* row, int block) { return load<4>(row + block * part_features + 4 * b.half); }

/// T20, T21 of one edge for this warp's four features: the half of s and t that has `x`, the context of one end, and `bars`, those of the other; u points from
/// there to here. `along`: the components of these bars along u.
__device__ Pack<4> half_of_pair(const Block& b, const real* x, const real* bars, const real* w, const real (&u)[3], Pack<4>& along) {
  const Pack<4> xq = four_of(b, x, 0), xr = four_of(b, x, 1), m[3] = {four_of(b, x, 2), four_of(b, x, 3), four_of(b, x, 4)};
  const Pack<4> q_bar = four_of(b, bars, 0), mu_bar[3] = {four_of(b, bars, 1), four_of(b, bars, 2), four_of(b, bars, 3)};
  const Pack<4> w_r = four_of(b, w, 1), q_slope = four_of(b, w, 3), r_slope = four_of(b, w, 4), m_slope = four_of(b, w, 5);
  Pack<4> st{};
#pragma unroll
  for (int v = 0; v < 4; v++) st.v[0] += q_bar.v[v] * xq.v[v] * q_slope.v[v];
#pragma unroll
  for (int v = 0; v < 4; v++) {
    along.v[v] = along_direction(u, mu_bar, v);
    st.v[0] += -along.v[v] * xr.v[v] * r_slope.v[v];
    const real said = w_r.v[v] * xr.v[v];
#pragma unroll
    for (int k = 0; k < 3; k++) st.v[1 + k] += -said * mu_bar[k].v[v];
  }
#pragma unroll
  for (int v = 0; v < 4; v++) st.v[0] += three_products(mu_bar[0].v[v], m[0].v[v], mu_bar[1].v[v], m[1].v[v], mu_bar[2].v[v], m[2].v[v]) * m_slope.v[v];
  return st;
}

/// The same of a pair in layer 0, both halves: i receives, j sends, on the edge that stands for the pair.
__device__ Pack<4> first_pair(const Block& b, int i, int j, const real* w, const real (&u)[3]) {
  const real *xi = b.x_row(0, i), *xj = b.x_row(0, j), *bi = b.bars(i), *bj = b.bars(j);
  const Pack<4> xq = four_of(b, xi, 0), xr = four_of(b, xi, 1), xq_j = four_of(b, xj, 0), xr_j = four_of(b, xj, 1), q_bar = four_of(b, bi, 0), q_bar_j = four_of(b, bj, 0);
  const Pack<4> mu_bar[3] = {four_of(b, bi, 1), four_of(b, bi, 2), four_of(b, bi, 3)}, mu_bar_j[3] = {four_of(b, bj, 1), four_of(b, bj, 2), four_of(b, bj, 3)};
  const Pack<4> w_r = four_of(b, w, 1), q_slope = four_of(b, w, 2), r_slope = four_of(b, w, 3);
  Pack<4> st{};
#pragma unroll
  for (int v = 0; v < 4; v++) {
    st.v[0] += two_products(q_bar.v[v], xq_j.v[v], q_bar_j.v[v], xq.v[v]) * q_slope.v[v];
    st.v[0] += two_products(along_direction(u, mu_bar, v), xr_j.v[v], -along_direction(u, mu_bar_j, v), xr.v[v]) * r_slope.v[v];
#pragma unroll
    for (int k = 0; k < 3; k++) st.v[1 + k] += w_r.v[v] * two_products(xr_j.v[v], mu_bar[k].v[v], -xr.v[v], mu_bar_j[k].v[v]);
  }
  return st;
}

/// s_e and t_e of an edge of this warp's atom, one a lane, on their way to where they are added up: both halves, as the one with the neighbour's context would be
/// made at the reverse edge. The sender's mu_bar along the edge is left in the scratch.
__device__ void pair_adjoint(const Block& b, int t, int e, real* along_sender) {
  const int own = b.global_atom(), sender = b.senders()[2 * e], four = b.feature() / 4;
  const real *w = b.filter(t, e), *u = b.memory + b.at.direction + 4 * e;
  const real there[3] = {u[0], u[1], u[2]}, back[3] = {-u[0], -u[1], -u[2]};
  const auto send_sums = [&](int half, const Pack<4>& sums) { send(b.pair_sums(t, half, e, four), e % members, sums, *b.pairs_here); };
  if (t == 0) {
    const bool stands = b.senders()[2 * e + 1] != 0;
    send_sums(0, stands ? first_pair(b, own, sender, w, there) : first_pair(b, sender, own, w, back));
    return;
  }
  Pack<4> along, unused;
  const Pack<4> ours = half_of_pair(b, b.x_row(t, own), b.bars(sender), w, there, along), theirs = half_of_pair(b, b.x_row(t, sender), b.bars(own), w, back, unused);
  send_sums(0, ours);
  send_sums(1, theirs);
  store(along_sender, along);
}

/// T19 to T21. x_bar, a block on each number, comes to every lane for its feature j, and current mu_bar turns into the bar of the layer's vectors; nothing of
/// that in layer 0. Lane 16 h + 4 s + j adds up numbers of feature j, over edges half of whose place is s modulo four: those of q and R, or the components of m.
__device__ void message_adjoint(const Block& b, int t, real* x_bar) {
  const int s = lane_index() / 4 % 4, begin = b.first()[b.atom], end = b.first()[b.atom + 1], f = 4 * b.half + b.j;
  const bool vectors = lane_index() >= 16;
  real* scratch = b.scratch();
  real sums[3] = {};
  for (int base = begin; base < end; base += 32) {
    const int count = min(32, end - base);
    __syncwarp();
    if (lane_index() < count) pair_adjoint(b, t, base + lane_index(), scratch + 4 * lane_index());
    __syncwarp();
    if (t == 0) continue;
    const real* w = b.filter(t, base) + (vectors ? 2 * part_features : 0) + f;
    const int* sender = b.senders() + 2 * base;
    for (int tile = 0; tile < count; tile += tile_edges)
#pragma unroll
      for (int k = 0; k < 2; k++) {
        const int place = tile + 2 * s + k, n = min(place, count - 1);
        const real *own = w + n * room.filter_row(1), *bars = b.bars(sender[2 * n]) + f;
        const real first = place < count ? own[0] : 0, second = place < count ? own[vectors ? 0 : part_features] : 0;
        sums[0] += first * bars[vectors ? part_features : 0];
        sums[1] += second * (vectors ? bars[2 * part_features] : -scratch[4 * n + b.j]);
        sums[2] += first * bars[3 * part_features];  // nobody looks at that of q
      }
  }
  __syncwarp();
  if (t == 0) return;
  // Number s of either half on lane 16 h + 4 s + j.
  const real* saved = b.saved(t) + b.own();
  const real total = sum_of_four_lanes<4>(sums[0], sums[1], sums[2], 0) * b.of_value(t), along_mu = saved[saved_mu + 32 * min(s, 2)] * total;
  real gathered[3], along[3];
  for (int k = 0; k < 3; k++) {
    gathered[k] = __shfl_sync(all_lanes, total, 16 + 4 * k + b.j);
    along[k] = __shfl_sync(all_lanes, along_mu, 16 + 4 * k + b.j);
  }
  x_bar[0] = __shfl_sync(all_lanes, total, b.j);
  x_bar[1] = __shfl_sync(all_lanes, total, 4 + b.j);
  x_bar[2] = along[1] + (along[0] + along[2]);  // as slices add them over four lanes, the first of which has none
  const real xm = saved[saved_xm];
  for (int k = 0; k < 3; k++) {
    real& bar = b.now()[now_mu_bar + 32 * k + b.own()];
    const real out = bar + xm * gathered[k];
    __syncwarp();
    if (lane_index() < 4) bar = out;
    __syncwarp();
  }
}

}  // namespace painnless::cuda
