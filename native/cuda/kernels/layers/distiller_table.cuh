#pragma once
// The student's message with filters from a table (docs/theory.md, T48 and T50). Of an edge and a block of the filter a warp reads a row of coefficients and
// five of differences, which neighbouring intervals share. What an edge needs before that is made by a lane an edge and read by all of the warp.
#include "layers/distiller_edges.cuh"
#include "layers/spline.cuh"

namespace painnless::cuda {

/// An edge, ready to be looked up.
struct alignas(16) StagedEdge {
  real value[table_degree], slope[table_degree];  // what differences weigh in W and in W'
  real u[3];
  int interval, sender, stands;  // for its pair, as it comes before its reverse?
};
static_assert(sizeof(StagedEdge) == staged_edge * sizeof(real));

template <bool FIRST> struct DistillerTable {
  static constexpr int blocks = filter_blocks<FIRST>, row = 3 * chunk, next = 2 * row;  // from coefficients to differences, and to the next interval's
  const DistillerMessageArguments<real>& a;
  const real* rows;    // of this chunk, at this lane's feature
  StagedEdge* staged;  // (32) of this warp

  __device__ DistillerTable(const DistillerMessageArguments<real>& arguments, real* memory) : a(arguments) {
    rows = a.splines.rows + blockIdx.y * (a.splines.intervals + table_degree) * next + lane_index() * LANE_VALUES;
    staged = reinterpret_cast<StagedEdge*>(memory) + 32 * warp_index();
  }

  /// Edges e to e + count - 1, up to 32.
  __device__ void stage(int e, int count) const {
    __syncwarp();
    if (const int at = e + lane_index(); lane_index() < count) {
      StagedEdge& own = staged[lane_index()];
      const Pack<4> direction = load<4>(a.edges.direction + 4 * static_cast<long long>(at));
      double t;
      own.interval = interval_of(a.splines, direction.v[3], a.edges.rest[at], t);
      spline_weights(FAULT(38, 1 - t, t), a.splines.per_step, own.value, own.slope);
      for (int k = 0; k < 3; k++) own.u[k] = direction.v[k];
      own.sender = a.edges.senders[at];
      own.stands = at < a.edges.reverse[at];
    }
    __syncwarp();
  }

  /// T50, and T48 with the same differences.
  template <bool SLOPE> __device__ void look_up(const StagedEdge& edge, Filter<FIRST>& w, Filter<FIRST>& w_slope) const {
    const real* at = rows + edge.interval * next;
#pragma unroll
    for (int b = 0; b < blocks; b++) {
      Values coefficient = values_at(at + b * chunk), difference[table_degree];
#pragma unroll
      for (int k = 0; k < table_degree; k++) difference[k] = values_at(at + k * next + row + b * chunk);
#pragma unroll
      for (int v = 0; v < LANE_VALUES; v++) {
        w[b][v] = coefficient.v[v];
        if constexpr (SLOPE) w_slope[b][v] = 0;
#pragma unroll
        for (int k = 0; k < table_degree; k++) {
          w[b][v] += edge.value[k] * difference[k].v[v];
          if constexpr (SLOPE) w_slope[b][v] += edge.slope[k] * difference[k].v[v];
        }
      }
    }
  }

  /// Calls for each edge of a receiver, in order.
  template <class Add> __device__ void for_edges(int i, const Add& add) const {
    const int end = a.edges.first[i + 1];
    for (int e = a.edges.first[i]; e < end; e += 32) {
      const int count = min(32, end - e);
      stage(e, count);
#pragma unroll 1
      for (int n = 0; n < count; n++) add(e + n, staged[n]);
    }
  }

  __device__ void forward(int i) const {
    DistillerForward<FIRST> sums(a, i);
    for_edges(i, [&](int, const StagedEdge& edge) {
      Filter<FIRST> w;
      look_up<false>(edge, w, w);
      sums.add(edge.sender, edge.u, w);
    });
    sums.finish();
  }

  __device__ void adjoint(int i) const {
    DistillerAdjoint<FIRST> sums(a, i);
    for_edges(i, [&](int e, const StagedEdge& edge) {
      if (FIRST && !edge.stands) return;
      Filter<FIRST> w, w_slope;
      if (edge.stands) look_up<true>(edge, w, w_slope);
      else look_up<false>(edge, w, w);
      const auto bars_j = sums.bars_of(edge.sender);
      if (edge.stands) sums.add_pair(e, true, edge.sender, edge.u, bars_j, w, w_slope);
      sums.gather(bars_j, w);
    });
    sums.finish();
  }
};

}  // namespace painnless::cuda
