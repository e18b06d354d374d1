// From the sums of pairs to forces, stress and energies, in float64 (docs/theory.md, sections 9 and 10), put together where the host fetches
// them. The gradient of a pair is computed from the same numbers at both its ends, so forces cancel to the last bit of their sums.
#include "answer.cuh"
#include "layers/pairs.cuh"
#include "request.cuh"

namespace painnless::cuda {

using Arguments = ResultArguments<real>;

/// s_e and t_e, all chunks of features.
__device__ void pair_sums(const Arguments& a, int e, double* sum) {
  for (int c = 0; c < a.chunks; c++) {
    const Pack<4> part = load<4>(a.sums + (static_cast<long long>(c) * a.edge_capacity + e) * 4);
    for (int k = 0; k < 4; k++) sum[k] += part.v[k];
  }
}

/// T34 and each atom's share of T35: one warp an atom, its lanes over the atom's edges.
KERNEL(result_threads, 1, sum_forces, ResultArguments) {
  const int i = blockIdx.x * (blockDim.x / 32) + warp_index();
  if (i >= a.sizes->atoms) return;
  double force[3] = {}, virial[6] = {};
  for (int e = a.edges.first[i] + lane_index(); e < a.edges.first[i + 1]; e += 32) {
    const int back = a.edges.reverse[e], stands = min(e, back);
    const double* r = a.edges.vectors + 3 * static_cast<long long>(stands);
    double sum[4] = {}, g[3];
    pair_sums(a, stands, sum);
    pair_gradient(sum, a.direction_eps, r, g);
    add_pair(stands == e, r, g, force, virial);
  }
  for (int k = 0; k < 3; k++) force[k] = sum_of_warp(force[k]);
  for (int k = 0; k < 6; k++) virial[k] = sum_of_warp(virial[k]);
  if (lane_index() != 0) return;
  const Answer answer(a.answer, request_of(a));
  for (int k = 0; k < 3; k++) answer.forces[3 * i + k] = a.energy_unit * force[k];
  for (int k = 0; k < FAULT(22, 0, 6); k++) a.virials[6 * static_cast<long long>(i) + k] = a.energy_unit * virial[k];
}

/// T33 and T36: one block a structure; thread t adds atoms t, t + threads, .., then the threads' sums in a fixed tree. `with_virial` says
/// that sum_forces has run.
__device__ void sum_structure(const Arguments& a, bool with_virial) {
  __shared__ double parts[7][result_threads / 32];
  const int index = blockIdx.x, structures = request_of(a).structures;
  if (index == 0 && threadIdx.x == 0) *reinterpret_cast<Sizes*>(a.answer) = *a.sizes;
  if (index >= structures || a.sizes->atoms == 0) return;
  const Structure& s = structures_of(a)[index];
  const Answer answer(a.answer, request_of(a));
  if (index == 0 && threadIdx.x == 0 && structures % 2 == 1) answer.edges[structures] = 0;  // the gap is fetched too
  double sum[7] = {};
  for (int i = s.first + threadIdx.x; i < s.first + s.atoms; i += blockDim.x) {
    const double energy = a.energy_unit * a.energies[i];
    answer.atom_energies[i] = energy;
    sum[0] += energy;
    if (with_virial)
      for (int k = 0; k < 6; k++) sum[1 + k] += a.virials[6 * static_cast<long long>(i) + k];
  }
  for (int k = 0; k < 7; k++) {
    const double of_warp = sum_of_warp(sum[k]);
    if (lane_index() == 0) parts[k][warp_index()] = of_warp;
  }
  __syncthreads();
  if (threadIdx.x >= 7) return;
  double total = 0;
  for (int w = 0; w < blockDim.x / 32; w++) total += parts[threadIdx.x][w];
  if (threadIdx.x == 0) {
    answer.energies[index] = total;
    answer.edges[index] = a.edges.first[s.first + s.atoms] - a.edges.first[s.first];
  } else {
    answer.stress[6 * index + threadIdx.x - 1] = with_virial && s.volume > 0 ? total / s.volume : 0;
  }
}

KERNEL(result_threads, 1, sum_structures, ResultArguments) { sum_structure(a, true); }
KERNEL(result_threads, 1, sum_energies, ResultArguments) { sum_structure(a, false); }

}  // namespace painnless::cuda
