#pragma once
// The student's message over the edges of one receiver (docs/theory.md, section 12), wherever their filters come from. Owned and ordered like PaiNN's
// (message.cuh). Twin of cpu/layers/distiller_message.h.
#include "layers/receivers.cuh"

namespace painnless::cuda {

/// Blocks of a filter in the order in which layers need them: s and 2 always, 1 where there are vectors.
template <bool FIRST> constexpr int filter_blocks = FIRST ? 2 : 3;
/// W or W' of one edge, this lane's features.
template <bool FIRST> using Filter = real[filter_blocks<FIRST>][LANE_VALUES];

template <bool FIRST> __device__ const real* s_of(const DistillerMessageArguments<real>& a, int atom, int feature) {
  return FIRST ? a.embedding + static_cast<long long>(a.numbers[atom]) * FEATURES + feature : a.s + static_cast<long long>(atom) * FEATURES + feature;
}

/// T37, T38 for receiver i: s_out and mid of its features.
template <bool FIRST> struct DistillerForward {
  const DistillerMessageArguments<real>& a;
  const int i, feature;
  real s[LANE_VALUES] = {}, m[3][LANE_VALUES] = {};

  __device__ DistillerForward(const DistillerMessageArguments<real>& arguments, int receiver) : a(arguments), i(receiver), feature(own_feature()) {}

  /// Of sender j in direction u.
  __device__ void add(int j, const real* u, const Filter<FIRST>& w) {
    const Values s_j = values_at(s_of<FIRST>(a, j, feature));
#pragma unroll
    for (int v = 0; v < LANE_VALUES; v++) {
      s[v] += w[0][v] * s_j.v[v];
      for (int k = 0; k < 3; k++) m[k][v] += u[k] * w[1][v];
    }
    if constexpr (!FIRST) {
      const real* v_j = a.v + static_cast<long long>(j) * 3 * FEATURES + feature;
#pragma unroll
      for (int k = 0; k < 3; k++) {
        const Values v_k = values_at(v_j + k * FEATURES);
#pragma unroll
        for (int v = 0; v < LANE_VALUES; v++) m[k][v] += w[2][v] * v_k.v[v];
      }
    }
  }

  __device__ void finish() const {
    const long long rows = 3 * static_cast<long long>(i) * FEATURES + feature;
    Values own = values_at(s_of<FIRST>(a, i, feature));
    for (int v = 0; v < LANE_VALUES; v++) own.v[v] += s[v];
    store(a.s_out + static_cast<long long>(i) * FEATURES + feature, own);
    for (int k = 0; k < 3; k++) {
      Values mid = FIRST ? Values{} : values_at(a.v + rows + k * FEATURES);
      for (int v = 0; v < LANE_VALUES; v++) mid.v[v] += m[k][v];
      store(a.mid + rows + k * FEATURES, mid);
    }
  }
};

/// T40, T41 for receiver i: bars of the inputs, except in layer 0, and s_e, t_e of the edges that stand for their pair.
template <bool FIRST> struct DistillerAdjoint {
  const DistillerMessageArguments<real>& a;
  const int feature;
  const long long row, rows;
  Values s, s_bar, v_own[3], v_bar[3];
  real sum_s[LANE_VALUES] = {}, sum_v[3][LANE_VALUES] = {};

  __device__ DistillerAdjoint(const DistillerMessageArguments<real>& arguments, int i)
      : a(arguments),
        feature(own_feature()),
        row(static_cast<long long>(i) * FEATURES + feature),
        rows(3 * static_cast<long long>(i) * FEATURES + feature),
        s(values_at(s_of<FIRST>(a, i, feature))),
        s_bar(values_at(a.s_bar + row)) {
    for (int k = 0; k < 3; k++) {
      v_bar[k] = values_at(a.v_bar + rows + k * FEATURES);
      v_own[k] = FIRST ? Values{} : values_at(a.v + rows + k * FEATURES);
    }
  }

  /// Of a sender.
  struct Bars {
    Values s, v[3];
  };
  __device__ Bars bars_of(int j) const {
    Bars bars;
    bars.s = values_at(a.s_bar + static_cast<long long>(j) * FEATURES + feature);
    for (int k = 0; k < 3; k++) bars.v[k] = values_at(a.v_bar + (3 * static_cast<long long>(j) + k) * FEATURES + feature);
    return bars;
  }

  __device__ void gather(const Bars& bars_j, const Filter<FIRST>& w) {
    if constexpr (!FIRST) {
#pragma unroll
      for (int v = 0; v < LANE_VALUES; v++) {
        sum_s[v] += w[0][v] * bars_j.s.v[v];
        for (int k = 0; k < 3; k++) sum_v[k][v] += w[2][v] * bars_j.v[k].v[v];
      }
    }
  }

  /// Of edge e, if it stands for its pair.
  __device__ void add_pair(int e, bool stands, int j, const real* u, const Bars& bars_j, const Filter<FIRST>& w, const Filter<FIRST>& w_slope) const {
    const Values s_j = values_at(s_of<FIRST>(a, j, feature));
    Values v_j[3];
    if constexpr (!FIRST)
      for (int k = 0; k < 3; k++) v_j[k] = values_at(a.v + (3 * static_cast<long long>(j) + k) * FEATURES + feature);
    real sum = 0, t[3] = {};
#pragma unroll
    for (int v = 0; v < LANE_VALUES; v++) {
      sum += (s_bar.v[v] * s_j.v[v] + bars_j.s.v[v] * s.v[v]) * w_slope[0][v];
      real along = 0;
      for (int k = 0; k < 3; k++) {
        const real difference = v_bar[k].v[v] - bars_j.v[k].v[v];
        along += u[k] * difference;
        t[k] += w[1][v] * difference;
      }
      sum += along * w_slope[1][v];
      if constexpr (!FIRST) {
        real both = 0;
        for (int k = 0; k < 3; k++) both += v_bar[k].v[v] * v_j[k].v[v] + bars_j.v[k].v[v] * v_own[k].v[v];
        sum += both * w_slope[2][v];
      }
    }
    add_pair_sums(a.sums, a.edge_capacity, e, stands, a.set_sums, sum, t[0], t[1], t[2]);
  }

  __device__ void finish() const {
    if constexpr (!FIRST) {
      Values out;
      for (int v = 0; v < LANE_VALUES; v++) out.v[v] = s_bar.v[v] + sum_s[v];
      store(a.s_bar_out + row, out);
      for (int k = 0; k < 3; k++) {
        for (int v = 0; v < LANE_VALUES; v++) out.v[v] = v_bar[k].v[v] + sum_v[k][v];
        store(a.v_bar_out + rows + k * FEATURES, out);
      }
    }
  }
};

}  // namespace painnless::cuda
