import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import type { SimulationRequest } from "./options.ts";
import type { DynamicsSession, DynamicsState, Frame } from "./session.ts";

/** A session at its first step, or at `state`. Engines of ours step natively; any other potential is asked for forces at each step, and
 *  the same native code moves the atoms.
 *  @throws {PainnlessError} USAGE (an option, a state of another shape), BAD_STRUCTURE, what the potential throws */
export type OpenSession = (
  potential: Potential,
  structure: Structure,
  request: SimulationRequest,
  start?: { readonly state?: DynamicsState; readonly velocities?: Float64Array },
) => Promise<DynamicsSession>;

/** The frames of a run, one after the other; a run ends early when the consumer stops asking.
 *  @throws {PainnlessError} UNSTABLE when a guard stops it, after the last good frame; CANCELLED when `signal` is aborted */
export type Simulate = (
  potential: Potential,
  structure: Structure,
  request: SimulationRequest,
  signal?: AbortSignal,
) => AsyncGenerator<Frame, void, void>;
