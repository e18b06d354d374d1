#pragma once
// PaiNN's message: neighbours -> atoms (docs/theory.md, section 6). What one edge adds at a lane's features, and the walk of a warp that owns a receiver, all that
// is written for it, and its edges in their order. Twin of cpu/layers/message.h, but in the form of a gather over an atom's own list: twice the filters, no
// meeting of writers. slices.cuh walks in tiles.
#include "layers/edges.cuh"
#include "layers/sums.cuh"

namespace painnless::cuda {

/// Blocks of a filter: W^q, W^R, W^m. FIRST is layer 0, where mu = 0 and x depends on the element alone.
template <bool FIRST> constexpr int message_blocks = FIRST ? 2 : 3;

/// Where the layer's inputs of an atom are.
template <bool FIRST> __device__ const real* x_of(const PainnMessageArguments<real>& a, int atom, int feature) {
  return a.x + static_cast<long long>(FIRST ? a.numbers[atom] : atom) * 3 * FEATURES + feature;
}
__device__ const real* vectors_of(const real* all, int atom, int feature) { return all + static_cast<long long>(atom) * 3 * FEATURES + feature; }

/// x^q and x^R of an atom, and the bars of what the layer makes of it.
struct Scalars {
  Values q, r;
  __device__ Scalars(const Values& q, const Values& r) : q(q), r(r) {}
  __device__ explicit Scalars(const real* x) : q(values_at(x)), r(values_at(x + FEATURES)) {}
};
/// Three components.
struct Vectors {
  Values k[3];
  __device__ Vectors(const Values& x, const Values& y, const Values& z) : k{x, y, z} {}
  __device__ explicit Vectors(const real* rows) {
    for (int c = 0; c < 3; c++) k[c] = values_at(rows + c * FEATURES);
  }
};

__device__ Vectors product(const Values& x, const Vectors& vectors) {
  Vectors out = vectors;
#pragma unroll
  for (int k = 0; k < 3; k++)
#pragma unroll
    for (int v = 0; v < LANE_VALUES; v++) out.k[k].v[v] *= x.v[v];
  return out;
}

/// T16, T17: sums over a receiver's edges. Layer 0 does not look at w_m.
template <bool FIRST> struct Received {
  real q[LANE_VALUES] = {}, m[3][LANE_VALUES] = {};

  __device__ void add(const PainnMessageArguments<real>& a, int j, int feature, const Pack<4>& u, const real (&w_q)[LANE_VALUES],
                      const real (&w_r)[LANE_VALUES], const real (&w_m)[LANE_VALUES]) {
    const real* x = x_of<FIRST>(a, j, feature);
    const Scalars said(x);
    add_scalars(said.q, said.r, u, w_q, w_r);
    if constexpr (!FIRST) add_vectors(values_at(x + 2 * FEATURES), Vectors(vectors_of(a.mu, j, feature)), w_m);
  }
  __device__ void add_scalars(const Values& x_q, const Values& x_r, const Pack<4>& u, const real (&w_q)[LANE_VALUES], const real (&w_r)[LANE_VALUES]) {
#pragma unroll
    for (int v = 0; v < LANE_VALUES; v++) {
      q[v] += w_q[v] * x_q.v[v];
      const real along = w_r[v] * x_r.v[v];
      for (int k = 0; k < 3; k++) m[k][v] += u.v[k] * along;
    }
  }
  /// x^m mu is the sender's, whatever the edge.
  __device__ void add_vectors(const Values& xm, const Vectors& mu, const real (&w_m)[LANE_VALUES]) { add_passed(product(xm, mu), w_m); }
  __device__ void add_passed(const Vectors& passed, const real (&w_m)[LANE_VALUES]) {
#pragma unroll
    for (int k = 0; k < 3; k++)
#pragma unroll
      for (int v = 0; v < LANE_VALUES; v++) m[k][v] += w_m[v] * passed.k[k].v[v];
  }
};

/// u . v over the components, feature by feature.
__device__ real along(const Pack<4>& u, const Vectors& vectors, int v) {
  return three_products(u.v[0], vectors.k[0].v[v], u.v[1], vectors.k[1].v[v], u.v[2], vectors.k[2].v[v]);
}

/// T19: sums over an atom's edges for the bars of its context and vectors.
struct Returned {
  real q[LANE_VALUES] = {}, r[LANE_VALUES] = {}, m[3][LANE_VALUES] = {};

  __device__ void add_scalars(const Values& q_bar_j, const real (&w_q)[LANE_VALUES]) {
#pragma unroll
    for (int v = 0; v < LANE_VALUES; v++) q[v] += FAULT(6, 0, w_q[v] * q_bar_j.v[v]);
  }
  __device__ void add_along(const Vectors& mu_bar_j, const Pack<4>& u, const real (&w_r)[LANE_VALUES]) {
#pragma unroll
    for (int v = 0; v < LANE_VALUES; v++) {
      const real along_j = along(u, mu_bar_j, v);
      r[v] -= w_r[v] * FAULT(7, -along_j, along_j);
    }
  }
  __device__ void add_vectors(const Vectors& mu_bar_j, const real (&w_m)[LANE_VALUES]) {
#pragma unroll
    for (int v = 0; v < LANE_VALUES; v++)
      for (int k = 0; k < 3; k++) m[k][v] += w_m[v] * mu_bar_j.k[k].v[v];
  }
};

/// T20, T21 of a pair at a lane's features, the part of q and R: s and t. i receives, j sends.
__device__ void add_scalar_pair(const Scalars& x, const Values& q_bar, const Vectors& mu_bar, const Scalars& x_j, const Values& q_bar_j, const Vectors& mu_bar_j,
                                const Pack<4>& u, const real (&w_r)[LANE_VALUES], const real (&q_slope)[LANE_VALUES], const real (&r_slope)[LANE_VALUES], real& s,
                                real (&t)[3]) {
#pragma unroll
  for (int v = 0; v < LANE_VALUES; v++) {
    s += two_products(q_bar.v[v], x_j.q.v[v], q_bar_j.v[v], x.q.v[v]) * q_slope[v];
    const real along_i = along(u, mu_bar, v), along_j = along(u, mu_bar_j, v);
    s += two_products(along_i, x_j.r.v[v], FAULT(4, along_j, -along_j), x.r.v[v]) * r_slope[v];
    for (int k = 0; k < 3; k++) t[k] += w_r[v] * two_products(x_j.r.v[v], mu_bar.k[k].v[v], FAULT(5, x.r.v[v], -x.r.v[v]), mu_bar_j.k[k].v[v]);
  }
}

/// The part of m.
__device__ void add_vector_pair(const Values& xm, const Vectors& mu, const Vectors& mu_bar, const Values& xm_j, const Vectors& mu_j, const Vectors& mu_bar_j,
                                const real (&m_slope)[LANE_VALUES], real& s) {
#pragma unroll
  for (int v = 0; v < LANE_VALUES; v++) {
    const real there = three_products(mu_bar.k[0].v[v], mu_j.k[0].v[v], mu_bar.k[1].v[v], mu_j.k[1].v[v], mu_bar.k[2].v[v], mu_j.k[2].v[v]);
    const real back = three_products(mu_bar_j.k[0].v[v], mu.k[0].v[v], mu_bar_j.k[1].v[v], mu.k[1].v[v], mu_bar_j.k[2].v[v], mu.k[2].v[v]);
    s += two_products(there, xm_j.v[v], back, xm.v[v]) * m_slope[v];
  }
}

/// One layer's message by multiply-adds.
template <bool FIRST> struct PainnMessage {
  static constexpr int blocks = message_blocks<FIRST>;
  const PainnMessageArguments<real>& a;
  const real* weight;   // of this chunk, at this lane's feature
  real *value, *slope;  // radial inputs of this warp

  /// `memory`: the block's dynamic shared memory. Every thread of the block calls it.
  __device__ PainnMessage(const PainnMessageArguments<real>& arguments, real* memory) : a(arguments) {
    weight = chunk_weights<RADIAL + 1>(a.filter, memory) + lane_index() * LANE_VALUES;
    value = memory + warp_index() * painn_message_shared(RADIAL, EDGE_GROUP);
    slope = value + group_inputs;
  }

  /// T16, T17 for receiver i: q and mid of its features.
  __device__ void forward(int i) const {
    const int feature = own_feature(), begin = a.edges.first[i], end = a.edges.first[i + 1];
    Received<FIRST> sums;
    for (int e = begin; e < end; e += EDGE_GROUP) {
      const int count = min(EDGE_GROUP, end - e);
      const EdgeGroup group(a.edges, e, count);
      __syncwarp();
      radial_inputs(a.radial, a.edges, e, count, value, nullptr);
      __syncwarp();
      Filters<blocks> w;
      clear<blocks>(w);
      add_filters<blocks, RADIAL + 1>(weight, value, w);
#pragma unroll
      for (int n = 0; n < EDGE_GROUP; n++) sums.add(a, group.sender[n], feature, group.u[n], w[n][0], w[n][1], w[n][blocks - 1]);
    }
    const long long row = static_cast<long long>(i) * FEATURES + feature, rows = 3 * static_cast<long long>(i) * FEATURES + feature;
    Values own = values_at(FIRST ? a.embedding + static_cast<long long>(a.numbers[i]) * FEATURES + feature : a.q + row);
    for (int v = 0; v < LANE_VALUES; v++) own.v[v] += sums.q[v];
    store(a.q + row, own);
    for (int k = 0; k < 3; k++) {
      Values mid = FIRST ? Values{} : values_at(a.mu + rows + k * FEATURES);
      for (int v = 0; v < LANE_VALUES; v++) mid.v[v] += sums.m[k][v];
      store(a.mid + rows + k * FEATURES, mid);
    }
  }

  /// T19 to T21 for receiver i. x, mu: the layer's inputs; q_bar, mu_bar: bars of its results. x_bar is set and mu_bar_out is the bar of mu,
  /// except in layer 0, where nothing below depends on positions; s_e and t_e are added for the edges that stand for their pair.
  __device__ void adjoint(int i) const {
    const int feature = own_feature(), begin = a.edges.first[i], end = a.edges.first[i + 1];
    const long long rows = 3 * static_cast<long long>(i) * FEATURES + feature;
    const real* own_x = x_of<FIRST>(a, i, feature);
    const Scalars x(own_x);
    const Values q_bar = values_at(a.q_bar + static_cast<long long>(i) * FEATURES + feature), xm = FIRST ? Values{} : values_at(own_x + 2 * FEATURES);
    const Vectors mu_bar(a.mu_bar + rows), mu(FIRST ? a.mu_bar + rows : a.mu + rows);  // layer 0 does not look at mu
    Returned sums;

    for (int e = begin; e < end; e += EDGE_GROUP) {
      const int count = min(EDGE_GROUP, end - e);
      const unsigned pairs = pairs_among(a.edges, e, count);
      if (FIRST && !pairs) continue;
      const EdgeGroup group(a.edges, e, count);
      __syncwarp();
      radial_inputs(a.radial, a.edges, e, count, value, slope);
      __syncwarp();
      Filters<blocks> w, w_slope;
      clear<blocks>(w);
      if (pairs) {
        clear<blocks>(w_slope);
        add_filters<blocks, RADIAL + 1>(weight, value, slope, w, w_slope);
      } else {
        add_filters<blocks, RADIAL + 1>(weight, value, w);
      }
#pragma unroll
      for (int n = 0; n < EDGE_GROUP; n++) {
        const int j = group.sender[n];
        const Values q_bar_j = values_at(a.q_bar + static_cast<long long>(j) * FEATURES + feature);
        const Vectors mu_bar_j(vectors_of(a.mu_bar, j, feature));
        if constexpr (!FIRST) {
          sums.add_scalars(q_bar_j, w[n][0]);
          sums.add_along(mu_bar_j, group.u[n], w[n][1]);
          sums.add_vectors(mu_bar_j, w[n][2]);
        }
        if (!pairs) continue;
        const real* other = x_of<FIRST>(a, j, feature);
        real s = 0, t[3] = {};
        add_scalar_pair(x, q_bar, mu_bar, Scalars(other), q_bar_j, mu_bar_j, group.u[n], w[n][1], w_slope[n][0], w_slope[n][1], s, t);
        if constexpr (!FIRST)
          add_vector_pair(xm, mu, mu_bar, values_at(other + 2 * FEATURES), Vectors(vectors_of(a.mu, j, feature)), mu_bar_j, w_slope[n][2], s);
        add_pair_sums(a.sums, a.edge_capacity, e + n, pairs >> n & 1, a.set_sums, s, t[0], t[1], t[2]);
      }
    }
    if constexpr (!FIRST) {
      Values x_bar_q, x_bar_r, x_bar_m, out;
      for (int v = 0; v < LANE_VALUES; v++) {
        x_bar_q.v[v] = sums.q[v];
        x_bar_r.v[v] = sums.r[v];
        x_bar_m.v[v] = three_products(mu.k[0].v[v], sums.m[0][v], mu.k[1].v[v], sums.m[1][v], mu.k[2].v[v], sums.m[2][v]);
      }
      store(a.x_bar + rows, x_bar_q);
      store(a.x_bar + rows + FEATURES, x_bar_r);
      store(a.x_bar + rows + 2 * FEATURES, x_bar_m);
      for (int k = 0; k < 3; k++) {
        for (int v = 0; v < LANE_VALUES; v++) out.v[v] = mu_bar.k[k].v[v] + xm.v[v] * sums.m[k][v];
        store(a.mu_bar_out + rows + k * FEATURES, out);
      }
    }
  }
};

}  // namespace painnless::cuda
