import { loadAddon } from "../engine/addon.ts";
import type { NativeAddon, NativeSetup, NativeState } from "../engine/native.ts";
import { movesAtoms } from "../engine/session.ts";
import { PainnlessError } from "../errors.ts";
import { onAbort } from "../system/on-abort.ts";
import type { Potential } from "../system/potential.ts";
import { assertComputable, type Structure } from "../system/structure.ts";
import { forcesOf, type Mover, steppedMover } from "./mover.ts";
import { type SimulationRequest, simulationOptions } from "./options.ts";
import type { DynamicsSession, Stretch } from "./session.ts";
import { massesOf, nativeSetup, nativeState, type Start } from "./start.ts";
import { readStretch } from "./stretch.ts";

export interface OpenOptions extends Start {
  /** another build of the addon than the product's, for tests */
  readonly addon?: NativeAddon;
  /** asks even an engine that moves atoms itself for forces at each step */
  readonly stepped?: boolean;
}

/** A session at its first step, or at `start.state`. Engines of ours make their steps inside; any other potential is asked for forces at each
 *  step, and the same native code moves the atoms.
 *  @throws {PainnlessError} USAGE (an option; a state of another shape), BAD_STRUCTURE, UNSUPPORTED (no forces), what the potential throws */
export async function openSession(
  potential: Potential,
  structure: Structure,
  request: SimulationRequest,
  start: OpenOptions = {},
): Promise<DynamicsSession> {
  const options = simulationOptions(request);
  assertComputable(structure, potential.domain);
  const [evaluation] = await potential.evaluate([structure], ["energy", "forces"]);
  if (evaluation === undefined) throw new PainnlessError("INTERNAL", `side "${potential.name}" answered none of 1 structure`);
  const state = nativeState(structure, options, start, forcesOf(potential, evaluation.forces), evaluation.netEnergy);
  const mover = moverOf(potential, structure, nativeSetup(structure, options), state, start);

  let step = state.step;
  let running: Promise<Stretch> | null = null;
  let closed = false;
  const assertFree = (what: string) => {
    if (running !== null) throw new PainnlessError("USAGE", `${what} while steps are being made: wait for them first`);
    if (closed) throw new PainnlessError("CANCELLED", `${what} after the session was closed`);
  };
  const makeSteps = async (steps: number, signal: AbortSignal | undefined): Promise<Stretch> => {
    const letGo = onAbort(signal, () => mover.cancel());
    try {
      const possible = signal?.aborted ? 0 : Math.min(steps, options.steps - step);
      return readStretch(await mover.advance(possible), options, structure.numbers);
    } finally {
      letGo();
      step = mover.state().step;
      running = null;
    }
  };
  return {
    side: potential.name,
    structure,
    options,
    masses: massesOf(structure),
    energyOffset: evaluation.energy - evaluation.netEnergy,
    freedoms: mover.freedoms(),
    get step() {
      return step;
    },
    async advance(steps, signal) {
      if (!(Number.isInteger(steps) && steps >= 0))
        throw new PainnlessError("USAGE", `a session cannot advance by ${steps} steps, expected a whole number of at least 0`, {
          field: "steps",
        });
      assertFree("advance was called");
      running = makeSteps(steps, signal);
      return running;
    },
    state() {
      assertFree("the state was asked for");
      return mover.state();
    },
    async close() {
      closed = true;
      mover.cancel();
      await Promise.allSettled([running]);
    },
  };
}

function moverOf(potential: Potential, structure: Structure, setup: NativeSetup, state: NativeState, start: OpenOptions): Mover {
  const isNew = start.state === undefined;
  const { replicas } = setup;
  if (start.stepped || !movesAtoms(potential)) {
    const addon = start.addon ?? loadAddon();
    return steppedMover(addon.createIntegrator(setup, state, isNew), potential, structure, replicas);
  }
  const atoms = replicas * structure.numbers.length;
  if (!(atoms <= potential.domain.maxAtoms))
    throw new PainnlessError("BAD_STRUCTURE", `${replicas} replicas hold ${atoms} atoms, the limit is ${potential.domain.maxAtoms}`, {
      field: "numbers",
    });
  return potential.createSession(setup, state, isNew);
}
