import { PainnlessError } from "../errors.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { openSession } from "./open.ts";
import type { SimulationRequest } from "./options.ts";
import type { DynamicsState, Stop, Stretch } from "./session.ts";

/** What the experiments share: short runs at constant energy from one equilibrated start. They receive potentials and close none. */
export interface Experiment {
  readonly structure: Structure;
  /** of the start, K */
  readonly temperature: number;
  readonly seed: number;
  readonly replicas: number;
  /** steps of Langevin dynamics before the start; the timestep is that of the experiment */
  readonly equilibration: number;
  /** fs */
  readonly timestep: number;
  /** Å, of neighbours */
  readonly skin: number;
  readonly signal: AbortSignal | null;
}

/** Steps per call: news and an abort are never far away, memory stays small. */
const stride = 500;

/** Constant energy for so long. */
export interface Leg {
  readonly steps: number;
  /** fs */
  readonly timestep: number;
  /** Å */
  readonly skin: number;
  readonly frameEvery: number;
}

export interface Ended {
  readonly state: DynamicsState;
  /** null where all steps were made */
  readonly stop: Stop | null;
}

/** Positions and velocities of all replicas at the given temperature, without momentum, at step 0.
 *  @throws {PainnlessError} UNSTABLE, CANCELLED, what the potential throws */
export async function equilibrated(potential: Potential, experiment: Experiment): Promise<DynamicsState> {
  const { structure, temperature, seed, replicas, equilibration, timestep, skin, signal } = experiment;
  const request = { steps: 0, equilibration, temperature, seed, replicas, timestep, skin, frameEvery: 0 };
  return whole(potential, await stepThrough(potential, structure, request, {}, signal, () => undefined));
}

export const firstReplica = (state: DynamicsState, replicas: number): DynamicsState => {
  const first = (array: Float64Array) => array.slice(0, array.length / replicas);
  const { step, positions, velocities, forces, potential, heat } = state;
  return {
    ...{ step, positions: first(positions), velocities: first(velocities), forces: first(forces) },
    ...{ potential: first(potential), heat: first(heat) },
  };
};

/** Constant energy from a start, to the end of the leg or where a guard stops it; what the steps bring is handed on as they are made.
 *  @throws {PainnlessError} CANCELLED, what the potential throws */
export async function runFrom(
  potential: Potential,
  experiment: Experiment,
  start: DynamicsState,
  leg: Leg,
  onStretch: (stretch: Stretch) => void,
): Promise<Ended> {
  const { structure, temperature, seed, replicas, signal } = experiment;
  const request = { ...leg, steps: start.step + leg.steps, temperature, seed, replicas };
  return stepThrough(potential, structure, request, { state: start }, signal, onStretch);
}

/** The state after all steps. @throws {PainnlessError} UNSTABLE where a guard came before */
export function whole(potential: Potential, { state, stop }: Ended): DynamicsState {
  if (stop !== null) throw new PainnlessError("UNSTABLE", `a run of ${potential.name} made to measure it: ${stop.message}`);
  return state;
}

async function stepThrough(
  potential: Potential,
  structure: Structure,
  request: SimulationRequest & { readonly steps: number },
  start: { readonly state?: DynamicsState },
  signal: AbortSignal | null,
  onStretch: (stretch: Stretch) => void,
): Promise<Ended> {
  const session = await openSession(potential, structure, request, start);
  try {
    let stop: Stop | null = null;
    while (session.step < request.steps && stop === null) {
      const stretch = await session.advance(stride, signal ?? undefined);
      if (signal?.aborted) throw new PainnlessError("CANCELLED", `a run of ${potential.name} was interrupted at step ${session.step}`);
      onStretch(stretch);
      stop = stretch.stop;
    }
    return { state: session.state(), stop };
  } finally {
    await session.close();
  }
}
