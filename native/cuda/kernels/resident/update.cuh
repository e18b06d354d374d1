#pragma once
// What resident atoms do by themselves: context, update and readout, each way. Twins of layers/context.cuh, update.cuh and readout.cuh; a warp owns
// four features of one atom, every lane its feature j, and what only a few lanes hold is passed on by shuffles.
#include "layers/sums.cuh"
#include "resident/product.cuh"

namespace painnless::cuda {

/// Output j of block g for row r, of what multiply_rows gave.
template <int ROWS> __device__ real output(const Block& b, real y, int g, int r) { return __shfl_sync(all_lanes, y, (g * ROWS + r) * 4 + b.j); }

/// silu(z) to all blocks, its slope kept.
__device__ void send_hidden(const Block& b, real z, real* slopes) {
  real value, slope;
  silu(z, value, slope);
  keep(b, slopes, slope);
  b.send_to_all(b.arriving(), b.atom, FEATURES, b.feature(), value);
}

/// T14: x of this warp's features from q, which has been sent.
__device__ void context_forward(Block& b, int t, real* x) {
  const real* biases = b.weights(64 * t);
  const int f = 4 * b.half + b.j;
  b.await_weights(t);
  const auto rows = [&] { return b.await(row_bytes(resident_atoms, FEATURES)); };
  const real z = multiply_rows<1, 1, FEATURES>(b, b.weights(room.context1(t)), rows);
  send_hidden(b, output<1>(b, z, 0, 0) + biases[f], b.saved(t) + saved_context);
  const real y = multiply_rows<3, 1, FEATURES>(b, b.weights(room.context2(t)), rows);
  for (int g = 0; g < 3; g++) x[g] = output<1>(b, y, g, 0) + biases[8 + g * part_features + f];
}

/// T23 to T26: current q and mu after the message turn into those of the next layer. In the last layer there is no y^m, and y^p has its place.
__device__ void update_forward(Block& b, int t) {
  const real* biases = b.weights(64 * t + 32);
  real *now = b.now() + b.own(), *saved = b.saved(t);
  const int f = 4 * b.half + b.j;
  real* qn = b.memory + b.at.qn;
  b.await_weights(t);
  b.send_to_all(qn, b.atom, 2 * FEATURES, b.feature(), now[now_q]);
  for (int k = 0; k < 3; k++) b.send_to_all(b.arriving(), 3 * b.atom + k, FEATURES, b.feature(), now[now_mu + 32 * k]);
  const real vy = multiply_rows<2, 3, FEATURES>(b, b.weights(room.channels(t)), [&] { return b.await(row_bytes(4 * resident_atoms, FEATURES)); });
  real square = b.a.norm_eps, dot = 0, w[3];
  for (int k = 0; k < 3; k++) {
    const real v = output<3>(b, vy, 0, k);
    w[k] = output<3>(b, vy, 1, k);
    square += v * v;
    dot += v * w[k];
    keep(b, saved + saved_v + 32 * k, v);
    keep(b, saved + saved_w + 32 * k, w[k]);
  }
  const real norm = sqrt(square);
  b.send_to_all(qn, b.atom, 2 * FEATURES, FEATURES + b.feature(), norm);
  keep(b, saved + saved_inverse, norm > 0 ? 1 / norm : 0);
  keep(b, saved + saved_dot, dot);
  const real z = multiply_rows<1, 1, 2 * FEATURES>(b, b.weights(room.update1(t)), [&] {
    b.await(row_bytes(resident_atoms, FEATURES));
    return qn;
  });
  send_hidden(b, output<1>(b, z, 0, 0) + biases[f], saved + saved_update);
  const real y = multiply_rows<3, 1, FEATURES>(b, b.weights(room.update2(t)), [&] { return b.await(row_bytes(resident_atoms, FEATURES)); });
  real out[3];
  for (int g = 0; g < 3; g++) out[g] = output<1>(b, y, g, 0) + biases[8 + g * part_features + f];
  if (t == LAYERS - 1) out[2] = out[1], out[1] = 0;
  keep(b, saved + saved_gate, out[1]);
  keep(b, saved + saved_scale, out[2]);
  __syncwarp();
  real next[4] = {now[now_q], now[now_mu], now[now_mu + 32], now[now_mu + 64]};
  next[0] += out[0] + out[2] * dot;
  for (int k = 0; k < 3; k++) next[1 + k] = next[1 + k] + out[1] * w[k];
  __syncwarp();
  for (int c = 0; c < 4; c++) keep(b, b.now() + 32 * c, next[c]);
  __syncwarp();
}

/// Where a block's outputs' bars wait for send_back: row of an atom, `rows` of them, `blocks` blocks of eight.
__device__ real* y_bar(const Block& b, int blocks, int rows, int row, int block) {
  return b.memory + b.at.y_bar + (b.atom * rows + row) * (part_features * blocks + 4) + block * part_features;
}
__device__ void put_bar(const Block& b, int blocks, int rows, int row, int block, real x) {
  if (lane_index() < 4) y_bar(b, blocks, rows, row, block)[4 * b.half + b.j] = x;
}

/// From the bars of a product after a hidden layer, sent back, to those of its inputs, of which there are HALVES times F; theirs are sent back too.
template <int HALVES> __device__ void hidden_adjoint(Block& b, const real* weights, const real* slopes) {
  send_back<1, 1, HALVES, FEATURES>(b, weights, [&] {
    const real h_bar = add_up<1, members>(b, b.await(part_bytes(1, members)), 0);
    put_bar(b, 1, 1, 0, 0, h_bar * slopes[b.own()]);
  });
}

/// T27 to T30: current q_bar and mu_bar turn from bars of the results into bars of what update_forward was given.
__device__ void update_adjoint(Block& b, int t) {
  real* now = b.now() + b.own();
  const real* saved = b.saved(t) + b.own();
  const real q_bar = now[now_q_bar], scale = saved[saved_scale], gate = saved[saved_gate], inverse = saved[saved_inverse];
  real v[3], w[3], mu_bar[3], gate_bar = 0;
  for (int k = 0; k < 3; k++) {
    v[k] = saved[saved_v + 32 * k], w[k] = saved[saved_w + 32 * k], mu_bar[k] = now[now_mu_bar + 32 * k];
    gate_bar += mu_bar[k] * w[k];
  }
  const auto put_results = [&](int groups) {
    put_bar(b, groups, 1, 0, 0, q_bar);
    if (groups == 3) put_bar(b, groups, 1, 0, 1, gate_bar);
    put_bar(b, groups, 1, 0, groups - 1, q_bar * saved[saved_dot]);
  };
  if (t == LAYERS - 1) send_back<2, 1, 1, FEATURES>(b, b.weights(room.update2(t)), [&] { put_results(2); });
  else send_back<3, 1, 1, FEATURES>(b, b.weights(room.update2(t)), [&] { put_results(3); });
  hidden_adjoint<2>(b, b.weights(room.update1(t)), b.saved(t) + saved_update);
  real c_bar = 0;
  send_back<2, 3, 1, FEATURES>(b, b.weights(room.channels(t)), [&] {
    const real* arrived = b.await(part_bytes(2, members));
    c_bar = add_up<2, members>(b, arrived, 0);
    const real norm_bar = add_up<2, members>(b, arrived, 1);
    for (int k = 0; k < 3; k++) {
      const real dot_bar = q_bar * scale, norm_part = norm_bar * inverse;
      put_bar(b, 2, 3, k, 0, two_products(norm_part, v[k], dot_bar, w[k]));
      put_bar(b, 2, 3, k, 1, two_products(dot_bar, v[k], gate, mu_bar[k]));
    }
  });
  const real* arrived = b.await(part_bytes(3, members));
  __syncwarp();
  keep(b, b.now() + now_q_bar, q_bar + c_bar);
  for (int k = 0; k < 3; k++) keep(b, b.now() + now_mu_bar + 32 * k, mu_bar[k] + add_up<3, members>(b, arrived, k));
  __syncwarp();
}

/// T15: current q_bar += from x_bar.
__device__ void context_adjoint(Block& b, int t, const real* x_bar) {
  send_back<3, 1, 1, FEATURES>(b, b.weights(room.context2(t)), [&] {
    for (int g = 0; g < 3; g++) put_bar(b, 3, 1, 0, g, x_bar[g]);
  });
  hidden_adjoint<1>(b, b.weights(room.context1(t)), b.saved(t) + saved_context);
  const real q_bar = b.now()[now_q_bar + b.own()] + add_up<1, members>(b, b.await(part_bytes(1, members)), 0);
  __syncwarp();
  keep(b, b.now() + now_q_bar, q_bar);
  __syncwarp();
}

/// The atom's last numbers of this warp's features, to the block that sums up its energy. Who owns an atom that is not there waits for none, and may
/// have ended.
__device__ void send_top(const Block& b, const Pack<4>& top) {
  if (lane_index() == 0 && b.global_atom() < b.sizes().atoms) send(b.memory + b.at.top + b.feature(), b.owner(b.atom), top, *b.top_here);
}

/// T31 for hidden layer LAYER and those after it. `slopes` is this lane's.
template <int LAYER> __device__ void readout_forward(Block& b, real* slopes) {
  if constexpr (LAYER < room.hidden) {
    constexpr int inputs = room.inputs(LAYER), width = room.widths[LAYER];
    const real z = multiply_rows<1, 1, inputs>(b, b.weights(room.readout(LAYER)),
                                               [&] { return b.await(row_bytes(resident_atoms, FEATURES)); });
    real h;
    silu(output<1>(b, z, 0, 0) + b.weights(64 * LAYERS + 8 * LAYER)[4 * b.half + b.j], h, slopes[LAYER]);
    if constexpr (LAYER + 1 < room.hidden) {
      b.send_to_all(b.arriving(), b.atom, FEATURES, b.feature(), h);
    } else {
      const Pack<4> top = b.four(h);
      if (b.feature() < width) send_top(b, top);
    }
    readout_forward<LAYER + 1>(b, slopes);
  } else if constexpr (room.hidden == 0) {
    send_top(b, b.four(b.now()[now_q + b.own()]));
  }
}

/// T32 from hidden layer LAYER (1-based) down: current q_bar is set.
template <int LAYER> __device__ void readout_adjoint(Block& b, const real* slopes, real h_bar) {
  if constexpr (LAYER == 0) {
    keep(b, b.now() + now_q_bar, h_bar);
    for (int k = 0; k < 3; k++) keep(b, b.now() + now_mu_bar + 32 * k, 0);
    __syncwarp();
  } else {
    constexpr int inputs = room.inputs(LAYER - 1), width = room.widths[LAYER - 1];
    send_back<1, 1, 1, inputs>(b, b.weights(room.readout(LAYER - 1)), [&] { put_bar(b, 1, 1, 0, 0, h_bar * slopes[LAYER - 1]); });
    readout_adjoint<LAYER - 1>(b, slopes, add_up<1, width / part_features>(b, b.await(part_bytes(1, members)), 0));
  }
}

}  // namespace painnless::cuda
