import type { Potential } from "../system/potential.ts";
import type { NativeSession, NativeSetup, NativeState } from "./native.ts";

/** An engine that moves atoms itself, many steps a call. */
export interface MovingPotential extends Potential {
  /** A run that stands at `state`; its setup and shapes are the caller's to check. Errors of its steps are ours, and `close` of the engine
   *  waits for them.
   *  @throws {PainnlessError} CANCELLED after `close` */
  createSession(setup: NativeSetup, state: NativeState, reportStart: boolean): NativeSession;
}

export const movesAtoms = (potential: Potential): potential is MovingPotential => "createSession" in potential;
