import { EnergyTrace } from "../../src/dynamics/energy-trace.ts";
import type { Random } from "../../src/system/random.ts";

/** Energy series whose drift and correlations are known. Time is in records, 1 fs each; deviations are about 1 meV/atom. */
export type Noise = (random: Random, length: number) => Float64Array;

/** Normal deviates, two of each pair of uniform numbers: these tests take millions. */
function normals(random: Random, length: number): Float64Array {
  const found = new Float64Array(length);
  for (let k = 0; k < length; k += 2) {
    const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
    const angle = 2 * Math.PI * random.uniform();
    found[k] = radius * Math.cos(angle);
    if (k + 1 < length) found[k + 1] = radius * Math.sin(angle);
  }
  return found;
}

/** Exponentially correlated. @param time of the correlation as a share of the run */
export const autoregressive =
  (time: number): Noise =>
  (random, length) => {
    const keep = time === 0 ? 0 : Math.exp(-1 / (time * length));
    const fresh = Math.sqrt(1 - keep * keep);
    let x = random.normal();
    return normals(random, length).map((deviate) => {
      x = keep * x + fresh * deviate;
      return x;
    });
  };

/** What velocity Verlet does to the energy of a molecule: bounded oscillations at the frequencies of its vibrations, of any phase, and a
 *  slow exchange between them. */
export const verletLike: Noise = (random, length) => {
  const series = autoregressive(0.01)(random, length).map((x) => 0.1 * x);
  for (let mode = 0; mode < 5; mode++) {
    const [frequency, phase] = [0.3 + 2.5 * random.uniform(), 2 * Math.PI * random.uniform()];
    const amplitude = 0.3 + 0.7 * random.uniform();
    for (let k = 0; k < length; k++) series[k] = (series[k] as number) + amplitude * Math.cos(frequency * k + phase);
  }
  return series;
};

/** What rounding of forces does: the errors of all steps add up. */
export const randomWalk: Noise = (random, length) => {
  let x = 0;
  return normals(random, length).map((deviate) => {
    x += deviate / Math.sqrt(length);
    return x;
  });
};

/** Both at once: the walk is hidden below the fluctuation except at the lowest frequencies. */
export const hiddenWalk: Noise = (random, length) => {
  const fluctuation = normals(random, length);
  return randomWalk(random, length).map((x, k) => x + 3 * (fluctuation[k] as number));
};

/** What a discontinuous energy does: it jumps when a pair crosses the cutoff, some forty times a run. */
export const jumps: Noise = (random, length) => {
  let x = 0;
  return Float64Array.from({ length }, () => {
    if (random.uniform() < 40 / length) x += random.normal();
    return x;
  });
};

/** A run of one atom whose energy is noise about a line. @param slope meV/ns */
export function syntheticRun(noise: Noise, random: Random, replicas: number, length: number, slope: number): EnergyTrace {
  const trace = new EnergyTrace({ replicas, timestep: 1, atoms: 1, freedoms: 3 });
  const series = Array.from({ length: replicas }, () => noise(random, length));
  const potential = new Float64Array(length * replicas);
  for (let k = 0; k < length; k++)
    for (let r = 0; r < replicas; r++) potential[k * replicas + r] = 1e-3 * ((series[r]?.[k] as number) + slope * 1e-6 * k);
  const zeros = new Float64Array(length * replicas);
  trace.add({
    steps: Float64Array.from({ length }, (_, k) => k),
    potential,
    kinetic: zeros,
    heat: zeros,
    modified: zeros.map(() => Number.NaN),
  });
  return trace;
}
