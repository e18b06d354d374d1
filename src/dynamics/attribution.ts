import type { Potential } from "../system/potential.ts";
import { type AttributedRun, attributionOf } from "./attribution-table.ts";
import { CrossingTrace } from "./crossings.ts";
import { EnergyTrace } from "./energy-trace.ts";
import { type Experiment, equilibrated, runFrom } from "./experiment.ts";
import type { Attribution } from "./result.ts";
import type { DynamicsState } from "./session.ts";

export interface AttributionRequest extends Experiment {
  /** the side whose drift is explained */
  readonly side: Potential;
  /** the same model in float64; may be `side` itself, whose drift then has no part from float32 */
  readonly exact: Potential;
  /** Å; null where it is not known */
  readonly cutoff: number | null;
  /** ps of each run */
  readonly duration: number;
}

/** Timesteps of the extrapolation to 0, as shares of the experiment's. */
const shares = [1, 1 / 2, 1 / 4];
/** Steps of duration / timestep that all runs make together: the extrapolation, the list, the independent run, and float32 where it differs. */
const passes = shares.reduce((sum, share) => sum + 1 / share, 0) + 2;
/** Seeds of the independent run: beyond those of any run that starts at `seed`. */
const seedOffset = 1_000_003;

/** ps that each run may last for an attribution to take so many steps of single replicas in all, the equilibration of the second start included. */
export function affordableDuration(replicaSteps: number, experiment: Experiment, withFloat32: boolean): number {
  const steps = replicaSteps / experiment.replicas - experiment.equilibration;
  return Math.max(0, ((steps / (passes + (withFloat32 ? 1 : 0))) * experiment.timestep) / 1e3);
}

/** Where the drift of a side comes from. Each cause has runs of its own from one common start, so that what they share cancels in differences;
 *  the whole is a run from another start, which none of the parts uses.
 *  @throws {PainnlessError} UNSTABLE, CANCELLED, what the potentials throw */
export async function attributeDrift(request: AttributionRequest, start: DynamicsState): Promise<Attribution> {
  const { side, exact, timestep, skin } = request;
  const crossings = request.cutoff === null ? null : new CrossingTrace(request.structure, request.cutoff);
  const exactRuns: AttributedRun[] = [];
  for (const share of shares) {
    const smallest = share === shares.at(-1);
    exactRuns.push(await measure(request, start, exact, { timestep: share * timestep, skin: 0, crossings: smallest ? crossings : null }));
  }
  const listed = await measure(request, start, exact, { timestep, skin, crossings: null });
  const rounded = side === exact ? null : await measure(request, start, side, { timestep, skin, crossings: null });
  const elsewhere = { ...request, seed: request.seed + seedOffset };
  const independent = await measure(elsewhere, await equilibrated(exact, elsewhere), side, { timestep, skin, crossings: null });
  return attributionOf({ exactRuns, listed, rounded, independent, crossings: (await crossings?.result(exact)) ?? null });
}

async function measure(
  request: AttributionRequest,
  start: DynamicsState,
  potential: Potential,
  { timestep, skin, crossings }: { readonly timestep: number; readonly skin: number; readonly crossings: CrossingTrace | null },
): Promise<AttributedRun> {
  const { replicas, seed, structure, duration } = request;
  const atoms = structure.numbers.length;
  const trace = new EnergyTrace({ replicas, timestep, atoms, freedoms: 3 * atoms });
  const leg = { steps: Math.max(1, Math.round((1e3 * duration) / timestep)), timestep, skin, frameEvery: crossings === null ? 0 : 1 };
  const { state, stop } = await runFrom(potential, request, start, leg, ({ records, frames }) => {
    trace.add(records);
    for (const frame of frames) crossings?.add(frame);
  });
  return { side: potential.name, dt: timestep, skin, steps: state.step - start.step, seed, trace, stop: stop?.message ?? null };
}
