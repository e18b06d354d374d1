import { linearRegression } from "simple-statistics";
import type { Potential } from "../system/potential.ts";
import { decide } from "./decide.ts";
import { EnergyTrace } from "./energy-trace.ts";
import { confidence, estimateOf, fewestPieces, shifted } from "./estimate.ts";
import { type Experiment, runFrom, whole } from "./experiment.ts";
import type { Order } from "./result.ts";
import type { DynamicsState } from "./session.ts";

/** What velocity Verlet does on a true gradient, and how far a fit to three time steps may lie from it. */
export const trueOrder = 2;
export const orderTolerance = 0.1;

/** Timesteps as shares of the experiment's, the longest first: an octave, over which the order is read. */
const shares = [1, Math.SQRT1_2, 0.5];

/** Steps of one replica at the experiment's timestep that cost as much as the runs of the same duration. */
export const orderPasses = shares.reduce((sum, share) => sum + 1 / share, 0);

/** How the fluctuation of the total energy grows with the timestep: the same start, the same time, three timesteps.
 *  @param duration ps of each run
 *  @throws {PainnlessError} UNSTABLE, CANCELLED, what the potential throws */
export async function measureOrder(potential: Potential, experiment: Experiment, start: DynamicsState, duration: number): Promise<Order> {
  const pieces = Math.ceil(fewestPieces / experiment.replicas);
  const timesteps = shares.map((share) => share * experiment.timestep);
  const fluctuations: number[][] = [];
  for (const timestep of timesteps) {
    const found: number[] = [];
    let state = start;
    const steps = Math.max(8, Math.round((1e3 * duration) / pieces / timestep));
    for (let piece = 0; piece < pieces; piece++) {
      const trace = traceOf(experiment, timestep);
      const leg = { steps, timestep, skin: experiment.skin, frameEvery: 0 };
      state = whole(potential, await runFrom(potential, experiment, state, leg, ({ records }) => trace.add(records)));
      for (let r = 0; r < experiment.replicas; r++) found.push(perAtom(trace.moments(r).energyRms, experiment));
    }
    fluctuations.push(found);
  }
  return orderOf(timesteps, fluctuations, duration, potential.name);
}

const traceOf = ({ replicas, structure }: Experiment, timestep: number) =>
  new EnergyTrace({ replicas, timestep, atoms: structure.numbers.length, freedoms: 3 * structure.numbers.length });

const perAtom = (eV: number, { structure }: Experiment) => (1e3 * eV) / structure.numbers.length;

/** The order from the fluctuation of each piece at each timestep. @param fluctuations (timesteps, pieces) meV/atom; @param duration ps */
export function orderOf(timesteps: readonly number[], fluctuations: readonly (readonly number[])[], duration: number, side: string): Order {
  const pieces = fluctuations[0]?.length ?? 0;
  const orders = Array.from({ length: pieces }, (_, piece) => {
    const points = timesteps.map((dt, k) => [Math.log(dt), Math.log(fluctuations[k]?.[piece] ?? Number.NaN)]);
    return linearRegression(points).m;
  });
  const order = estimateOf(orders);
  return {
    ...order,
    confidence,
    method: `slope of ln(rms) against ln(dt) in ${pieces} pieces of ${side} from one start, interval by studentized block bootstrap`,
    sentence: sentence(order),
    duration,
    points: timesteps.map((dt, k) => {
      const { value, low, high } = estimateOf(fluctuations[k] ?? []);
      return { dt, rms: value, low, high };
    }),
  };
}

function sentence({ value, low, high }: Pick<Order, "value" | "low" | "high">): string {
  if (value === null) return "The energy did not fluctuate in a way that an order can be read from.";
  const range = low === null || high === null ? "" : ` (95 %: ${low.toFixed(2)} to ${high.toFixed(2)})`;
  const found = `The energy fluctuates as dt to the ${value.toFixed(2)}${range}`;
  switch (decide(shifted({ value, low, high }, -trueOrder), orderTolerance)) {
    case "pass":
      return `${found}: velocity Verlet on a true gradient gives 2.`;
    case "fail":
      return `${found}, where velocity Verlet on a true gradient gives 2: the force is not the gradient of the energy, or it is rounded too much.`;
    default:
      return `${found}: too short to say whether it is the 2 of velocity Verlet on a true gradient, within ${orderTolerance}.`;
  }
}
