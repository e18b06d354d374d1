#pragma once
// PaiNN's message between resident atoms. Blocks of the same features tell each other what their atoms say; a warp then owns four features of one
// atom and goes over its edges in their order, as layers/message.cuh does.
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

/// Tells all clusters x, one block on each number, and the current vectors of this warp's features; all of layer t's rows are there in the end.
__device__ void share_contexts(Block& b, int t, const real* x) {
  const real* mu = b.now() + now_mu + b.own();
  const bool scalars = lane_index() < 4;
  const real v[3] = {scalars ? x[0] : mu[0], scalars ? x[1] : mu[32], scalars ? x[2] : mu[64]};
  if (lane_index() < 8) {
    post(mailbox(b, b.cluster) + warp_index() * 8 + lane_index(), v[0], v[1], v[2], b.mail_turn);
    real* row = b.x_row(t, b.global_atom()) + (scalars ? 0 : 24) + 4 * b.half + b.j;
    for (int k = 0; k < 3; k++) row[k * part_features] = v[k];
  }
  take_letters<64>(b, [&](int from, int index, const Letter& letter) {
    real* row = b.x_row(t, resident_atoms * from + index / 16) + index / 4 % 2 * 24 + index / 8 % 2 * 4 + index % 4;
    for (int k = 0; k < 3; k++) row[k * part_features] = letter.v[k];
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

/// T16, T17: current q and mu of this warp's features. Lane 4c + j adds up number c of feature j: q, then the components of mu.
__device__ void message_forward(const Block& b, int t) {
  const int c = lane_index() / 4, begin = b.first()[b.atom], end = b.first()[b.atom + 1], f = 4 * b.half + b.j;
  const int block = c == 0 ? 0 : part_features, vectors = (c == 0 ? 3 : 2 + c) * part_features;
  real sum = 0;
  if (lane_index() < 16) {
    const real *w = b.filter(t, begin) + f, *u = b.memory + b.at.direction + 4 * begin + max(c - 1, 0);
    const int* sender = b.senders() + 2 * begin;
    const int row = room.filter_row(t);
    // The lanes of q go the same way: their one product is w x, and where the others' second has W^m, theirs has zero.
    if (t == 0) {
#pragma unroll 4
      for (int n = 0; n < end - begin; n++) {
        const real* x = b.x_row(0, sender[2 * n]) + f;
        const real factor = w[n * row + block], value = x[block], along = factor * value;
        sum += (c == 0 ? factor : u[4 * n]) * (c == 0 ? value : along);
      }
    } else {
#pragma unroll 4
      for (int n = 0; n < end - begin; n++) {
        const real* x = b.x_row(t, sender[2 * n]) + f;
        const real factor = w[n * row + block], value = x[block], along = factor * value;
        const real said = x[2 * part_features] * x[vectors];
        sum += (c == 0 ? factor : u[4 * n]) * (c == 0 ? value : along);
        sum += (c == 0 ? 0 : w[n * row + 2 * part_features]) * said;
      }
    }
    real& now = b.now()[now_q + 32 * c + b.own()];
    now += sum;
  }
  __syncwarp();
}

/// u . v over the components of one feature.
__device__ real along_direction(const real* u, const Pack<4>* v, int k) {
  return three_products(u[0], v[0].v[k], u[1], v[1].v[k], u[2], v[2].v[k]);
}

/// T20, T21 of one edge for this warp's four features, one edge a lane, i and j those of the edge that stands for the pair; `turned`: this one is its reverse.
/// Sends s_e and t_e to where they are added up; the sender's mu_bar along this edge is left in the scratch.
__device__ void pair_adjoint(const Block& b, int t, int e, int i, int j, bool turned, real* along_sender) {
  constexpr int lane_features = FEATURES / 32, sums = 4 / lane_features;
  const int f = 4 * b.half;
  const real* direction = b.memory + b.at.direction + 4 * e;
  real u[3];
  for (int k = 0; k < 3; k++) u[k] = turned ? -direction[k] : direction[k];
  const real *xi = b.x_row(t, i) + f, *xj = b.x_row(t, j) + f, *bi = b.bars(i) + f, *bj = b.bars(j) + f, *w = b.filter(t, e) + f;
  const real* w_slope = w + (t == 0 ? 16 : 24);
  const auto at = [](const real* row, int block) { return load<4>(row + block * part_features); };
  const Pack<4> xq = at(xi, 0), xr = at(xi, 1), xq_j = at(xj, 0), xr_j = at(xj, 1), q_bar = at(bi, 0), q_bar_j = at(bj, 0);
  const Pack<4> mu_bar[3] = {at(bi, 1), at(bi, 2), at(bi, 3)}, mu_bar_j[3] = {at(bj, 1), at(bj, 2), at(bj, 3)};
  const Pack<4> w_r = at(w, 1), q_slope = at(w_slope, 0), r_slope = at(w_slope, 1);
  real s[sums] = {}, turn[3][sums] = {};
  Pack<4> along_there;
#pragma unroll
  for (int v = 0; v < 4; v++) {
    real& sum = s[v / lane_features];
    const real along_j = along_direction(u, mu_bar_j, v), along = along_direction(u, mu_bar, v);
    sum += two_products(q_bar.v[v], xq_j.v[v], q_bar_j.v[v], xq.v[v]) * q_slope.v[v];
    sum += two_products(along, xr_j.v[v], -along_j, xr.v[v]) * r_slope.v[v];
#pragma unroll
    for (int k = 0; k < 3; k++) turn[k][v / lane_features] += w_r.v[v] * two_products(xr_j.v[v], mu_bar[k].v[v], -xr.v[v], mu_bar_j[k].v[v]);
    along_there.v[v] = turned ? -along : along_j;
  }
  if (t > 0) {
    const Pack<4> xm = at(xi, 2), xm_j = at(xj, 2), m_slope = at(w_slope, 2);
    const Pack<4> mu[3] = {at(xi, 3), at(xi, 4), at(xi, 5)}, other[3] = {at(xj, 3), at(xj, 4), at(xj, 5)};
#pragma unroll
    for (int v = 0; v < 4; v++) {
      const real there = three_products(mu_bar[0].v[v], other[0].v[v], mu_bar[1].v[v], other[1].v[v], mu_bar[2].v[v], other[2].v[v]);
      const real back = three_products(mu_bar_j[0].v[v], mu[0].v[v], mu_bar_j[1].v[v], mu[1].v[v], mu_bar_j[2].v[v], mu[2].v[v]);
      s[v / lane_features] += two_products(there, xm_j.v[v], back, xm.v[v]) * m_slope.v[v];
    }
    store(along_sender, along_there);
  }
  real* to = b.memory + b.at.pairs + ((t * b.slots() + e / members) * 32 + b.feature() / lane_features) * 4;
#pragma unroll
  for (int p = 0; p < sums; p++) send(to + 4 * p, e % members, Pack<4>{s[p], turn[0][p], turn[1][p], turn[2][p]}, *b.pairs_here);
}

/// T19 to T21. x_bar, a block on each number, comes to every lane for its feature j, and current mu_bar turns into the bar of the layer's vectors; nothing of
/// that in layer 0. Lane 4c + j adds up number c of feature j: those of q, R, and the components of m.
__device__ void message_adjoint(const Block& b, int t, real* x_bar) {
  const int c = lane_index() / 4, begin = b.first()[b.atom], end = b.first()[b.atom + 1], f = 4 * b.half + b.j, own = b.global_atom();
  real* scratch = b.scratch();
  real sum = 0;
  for (int base = begin; base < end; base += 32) {
    const int e = base + lane_index();
    __syncwarp();
    if (e < end) {
      const int sender = b.senders()[2 * e];
      const bool turned = b.senders()[2 * e + 1] == 0;
      pair_adjoint(b, t, e, turned ? sender : own, turned ? own : sender, turned, scratch + 4 * lane_index());
    }
    __syncwarp();
    if (t == 0 || lane_index() >= 20) continue;
    const real* w = b.filter(t, base) + min(c, 2) * part_features + f;
    const real* bars = c == 1 ? scratch + b.j : b.bars(0) + max(c - 1, 0) * part_features + f;
    const int* sender = b.senders() + 2 * base;
#pragma unroll 4
    for (int n = 0; n < min(32, end - base); n++) {
      const real factor = w[n * room.filter_row(1)], bar = bars[c == 1 ? 4 * n : sender[2 * n] * bars_row];
      sum += (c == 1 ? -factor : factor) * bar;
    }
  }
  __syncwarp();
  if (t == 0) return;
  const real* x = b.x_row(t, own) + f;
  real gathered[3];
  for (int k = 0; k < 3; k++) gathered[k] = __shfl_sync(all_lanes, sum, 4 * (2 + k) + b.j);
  x_bar[0] = __shfl_sync(all_lanes, sum, b.j);
  x_bar[1] = __shfl_sync(all_lanes, sum, 4 + b.j);
  x_bar[2] = three_products(x[3 * part_features], gathered[0], x[4 * part_features], gathered[1], x[5 * part_features], gathered[2]);
  const real xm = x[2 * part_features];
  for (int k = 0; k < 3; k++) {
    real& bar = b.now()[now_mu_bar + 32 * k + b.own()];
    const real out = bar + xm * gathered[k];
    __syncwarp();
    if (lane_index() < 4) bar = out;
    __syncwarp();
  }
}

}  // namespace painnless::cuda
