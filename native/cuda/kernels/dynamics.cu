// Steps of a run (docs/theory.md, T51 to T55): begin_step, an evaluation, end_step; next_step is the end of one and the beginning of the next. A thread
// has an atom, a block a part of a replica's, and the part that ends last what is the replica's. Sums go over the threads of a warp in a tree, then over
// warps, then over parts in order, so that a replica's numbers depend on its own atoms alone. In float64 and without fused multiply-add: with the same
// forces a step of T51 gives the bits of the CPU's session.
#include "formulas/step.h"
#include "prelude.cuh"

namespace painnless::cuda {

using Arguments = StepArguments<real>;

/// Sums over the block, which every thread gets.
template <int N> __device__ void sum_over_block(double (&x)[N]) {
  __shared__ double parts[N][most_step_threads / 32];
  for (int k = 0; k < N; k++) {
    for (int mask = 16; mask > 0; mask /= 2) x[k] += __shfl_xor_sync(all_lanes, x[k], mask);
    if (lane_index() == 0) parts[k][warp_index()] = x[k];
  }
  __syncthreads();
  for (int k = 0; k < N; k++) {
    x[k] = 0;
    for (int w = 0; w < static_cast<int>(blockDim.x) / 32; w++) x[k] += parts[k][w];
  }
  __syncthreads();
}

/// Sums over the parts of a replica, for the one that ends last, which may then read what the others have written; the others get false.
template <int N> __device__ bool sum_over_parts(const Arguments& a, double (&x)[N]) {
  const int parts = gridDim.y, r = blockIdx.x;
  if (parts == 1) return true;
  static_assert(N <= step_sums, "room for them");
  __shared__ int earlier;
  double* const sums = a.parts + static_cast<long long>(r) * parts * step_sums;
  if (threadIdx.x == 0) {
    for (int k = 0; k < N; k++) sums[blockIdx.y * step_sums + k] = x[k];
    __threadfence();
    earlier = atomicAdd(a.ended + r, 1);
    __threadfence();
  }
  __syncthreads();
  if (earlier < parts - 1) return false;
  __threadfence();  // every thread: the sums, and velocities that are rescaled, may lie in this multiprocessor's cache as they were
  for (int k = 0; k < N; k++) {
    x[k] = 0;
    for (int part = threadIdx.x; part < parts; part += blockDim.x) x[k] += sums[part * step_sums + k];
  }
  sum_over_block(x);
  if (threadIdx.x == 0) a.ended[r] = 0;
  return true;
}

/// The state is kept as the one before; then T51 or T52 up to the positions of the next step, where the evaluation finds them.
__device__ void begin(const Arguments& a) {
  volatile Progress& progress = *a.progress;  // what this block has just written too
  const long long step = progress.step;
  const bool moving = progress.alarm == 0;
  const int r = blockIdx.x, part = blockIdx.y, i = part * blockDim.x + threadIdx.x;
  if (r == 0 && part == 0 && threadIdx.x == 0) {
    progress.moving = moving;
    progress.making = step + 1;
  }
  if (!moving) return;
  const RunConstants& run = *a.run;
  const double first_drift = run.langevin ? 0.5 * run.timestep : run.timestep;
  double squares[2] = {};  // m v^2 before and after the O
  if (i < run.atoms) {
    const long long at = 3 * (static_cast<long long>(r) * run.atoms + i);
    double x[3], v[3];
    for (int c = 0; c < 3; c++) {
      x[c] = a.before.positions[at + c] = a.now.positions[at + c];
      v[c] = a.before.velocities[at + c] = a.now.velocities[at + c];
      const double force = a.before.forces[at + c] = a.now.forces[at + c];
      v[c] = kicked(v[c], a.half_kick[i], FAULT(21, 2.0, 1.0) * force);
      x[c] = drifted(x[c], first_drift, v[c]);
    }
    if (run.langevin) {
      const ThreeNormals normals = three_normals(key_of(run.seed + r), Purpose::langevin, step, i);
      squares[0] += a.masses[i] * square_of(v);
      for (int c = 0; c < 3; c++) v[c] = exchanged(v[c], run.kept, run.renewed, a.spread[i], normals.along[c]);
      squares[1] += a.masses[i] * square_of(v);
      for (int c = 0; c < 3; c++) x[c] = drifted(x[c], 0.5 * run.timestep, v[c]);
    }
    for (int c = 0; c < 3; c++) {
      a.now.velocities[at + c] = v[c];
      a.evaluated[at + c] = a.now.positions[at + c] = x[c];
    }
  }
  if (run.langevin) {
    sum_over_block(squares);
    if (!sum_over_parts(a, squares)) return;
  } else if (part > 0) {
    return;
  }
  if (threadIdx.x > 0) return;
  a.before.potential[r] = a.now.potential[r];
  a.before.heat[r] = a.now.heat[r];
  a.now.heat[r] = a.before.heat[r] + (0.5 * squares[1] - 0.5 * squares[0]);
}

/// Row of a ring for a step that `every` divides.
__device__ int row_of_step(long long step, long long every, long long before, int rows) {
  return static_cast<int>((multiples_up_to(step, every) - before - 1) % rows);
}

/// The second half of T51, T53, energies, guards, and what is noted of the step.
__device__ void end(const Arguments& a) {
  Progress& progress = *a.progress;
  if (!progress.moving) return;
  const RunConstants& run = *a.run;
  const int r = blockIdx.x, part = blockIdx.y, n = run.atoms, i = part * blockDim.x + threadIdx.x;
  const long long step = progress.making, entries = 3 * static_cast<long long>(run.replicas) * n;
  if (r == 0 && part == 0 && threadIdx.x == 0) {
    progress.step = step;
    progress.found = a.sizes->found;
    progress.searches += a.sizes->fresh;
  }
  if (a.sizes->status != 0) {  // there are no forces, or atoms are on top of each other
    if (threadIdx.x == 0) atomicOr(&progress.alarm, a.sizes->status);
    return;
  }

  const bool framed = step >= 0 && is_due(step, run.frame_every);
  double* const frame = a.frames + (framed ? row_of_step(step, run.frame_every, run.frames_before, run.frame_rows) : 0) * (3 * entries + 2 * run.replicas);
  bool alarm = false;
  ModifiedSums modified;
  double half_way = 0, kinetic = 0;
  if (i < n) {
    const long long at = 3 * (static_cast<long long>(r) * n + i);
    double way[3], v[3], force[3];
    for (int c = 0; c < 3; c++) {
      const double x = a.now.positions[at + c];
      way[c] = x - a.before.positions[at + c];
      v[c] = a.now.velocities[at + c];
      force[c] = a.now.forces[at + c] = a.forces[at + c];
      add_to(modified, v[c], a.before.forces[at + c], force[c], a.masses[i]);
      alarm |= !(fabs(x) <= farthest);
    }
    half_way += a.masses[i] * square_of(v);
    for (int c = 0; c < 3; c++) v[c] = a.now.velocities[at + c] = kicked(v[c], a.half_kick[i], force[c]);
    kinetic += a.masses[i] * square_of(v);
    alarm |= !(sqrt(square_of(way)) <= run.displacement) || !(sqrt(square_of(force)) <= run.force);
    if (framed)
      for (int c = 0; c < 3; c++) {
        frame[at + c] = a.now.positions[at + c];
        frame[entries + at + c] = v[c];
        frame[2 * entries + at + c] = force[c];
      }
  }
  if (alarm) atomicOr(&progress.alarm, guard_alarm);
  double sums[4] = {modified.power, modified.squares, half_way, kinetic};
  sum_over_block(sums);
  if (!sum_over_parts(a, sums)) return;
  kinetic = 0.5 * sums[3];
  double put_in = 0;
  if (run.rescales && run.internal > 0 && kinetic > 0) {
    __shared__ double factor;
    if (threadIdx.x == 0) factor = rescaling_factor(key_of(run.seed + r), step - 1, run.internal, run.relaxed, run.thermal_energy, kinetic);
    __syncthreads();
    double after[1] = {};
    for (int j = threadIdx.x; j < n; j += blockDim.x) {
      const long long at = 3 * (static_cast<long long>(r) * n + j);
      double* v = a.now.velocities + at;
      for (int c = 0; c < 3; c++) v[c] *= factor;
      after[0] += a.masses[j] * square_of(v);
      if (framed)
        for (int c = 0; c < 3; c++) frame[entries + at + c] = v[c];
    }
    sum_over_block(after);
    put_in = 0.5 * after[0] - kinetic;
    kinetic = 0.5 * after[0];
  }

  const double potential = a.energies[r];
  if (threadIdx.x > 0) return;
  if (!(potential - potential == 0) || !(2 * kinetic / run.freedoms <= run.temperature)) atomicOr(&progress.alarm, guard_alarm);
  const double heat = a.now.heat[r] + put_in;
  a.now.heat[r] = heat;
  a.now.potential[r] = potential;
  if (framed) {
    frame[3 * entries + r] = potential;
    frame[3 * entries + run.replicas + r] = kinetic;
  }
  if (!is_due(step, run.record_every)) return;
  double* const record = a.records + row_of_step(step, run.record_every, run.records_before, run.record_rows) * (4 * static_cast<long long>(run.replicas));
  record[r] = potential;
  record[run.replicas + r] = kinetic;
  record[2 * run.replicas + r] = heat;
  record[3 * run.replicas + r] =
      modified_energy({sums[0], sums[1]}, a.before.potential[r] + potential, 0.5 * sums[2], run.timestep);
}

KERNEL(most_step_threads, 1, begin_step, StepArguments) { begin(a); }
KERNEL(most_step_threads, 1, end_step, StepArguments) { end(a); }
/// Both in one launch, of a run that has one block: between blocks an alarm would have to be heard of.
KERNEL(most_step_threads, 1, next_step, StepArguments) {
  end(a);
  __syncthreads();
  begin(a);
}

}  // namespace painnless::cuda
