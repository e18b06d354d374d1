import { finiteOrNull } from "../system/finite.ts";
import type { Potential } from "../system/potential.ts";
import { type Experiment, firstReplica, runFrom, whole } from "./experiment.ts";
import type { Reversal } from "./result.ts";
import type { DynamicsState } from "./session.ts";

/** Ways there, as shares of the longest; what they leave grows as trajectories part. */
const shares = [0.01, 0.1, 1];

/** Runs, negates the velocities, runs as long again: velocity Verlet comes back to where it started but for rounding, which grows as nearby
 *  trajectories part. Of the first replica.
 *  @param steps there, and as many back
 *  @throws {PainnlessError} UNSTABLE, CANCELLED, what the potential throws */
export async function measureReversal(
  potential: Potential,
  experiment: Experiment,
  replicas: DynamicsState,
  steps: number,
): Promise<Reversal> {
  const alone = { ...experiment, replicas: 1 };
  const start = firstReplica(replicas, experiment.replicas);
  const { timestep, skin } = alone;
  const distances: { steps: number; distance: number; velocity: number }[] = [];
  for (const there of [...new Set(shares.map((share) => Math.max(1, Math.round(share * steps))))]) {
    const go = async (from: DynamicsState) =>
      whole(potential, await runFrom(potential, alone, from, { steps: there, timestep, skin, frameEvery: 0 }, () => undefined));
    const turn = await go(start);
    const end = await go({ ...turn, velocities: turn.velocities.map((v) => -v) });
    distances.push({
      steps: there,
      distance: longest(end.positions, start.positions, 1),
      velocity: longest(end.velocities, start.velocities, -1),
    });
  }
  const last = distances.at(-1);
  return {
    value: finiteOrNull(last?.distance ?? Number.NaN),
    unit: "Å",
    side: potential.name,
    steps,
    dt: timestep,
    velocity: finiteOrNull(last?.velocity ?? Number.NaN),
    points: distances.map(({ steps: n, distance }) => ({ steps: n, distance: finiteOrNull(distance) })),
  };
}

/** Longest |a - sign b| of the rows of two (n, 3) arrays; NaN if one is. */
function longest(a: Float64Array, b: Float64Array, sign: 1 | -1): number {
  let found = 0;
  for (let i = 0; i < a.length; i += 3) {
    const distance = Math.hypot(...[0, 1, 2].map((k) => (a[i + k] as number) - sign * (b[i + k] as number)));
    if (!(distance <= found)) found = distance;
  }
  return found;
}
