import type { NativeIntegrator, NativeState, NativeStop, NativeStretch } from "../engine/native.ts";
import { PainnlessError } from "../errors.ts";
import { evaluateAll } from "../system/evaluate-all.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";

/** What makes the steps of a session: the engine itself, or the same native code between calls of a potential. */
export interface Mover {
  advance(steps: number): Promise<MovedStretch>;
  /** The steps under way end at the next one. */
  cancel(): void;
  state(): NativeState;
  freedoms(): number;
}

/** `searches` is null where the potential finds neighbours in its own way. */
export interface MovedStretch extends Omit<NativeStretch, "searches"> {
  readonly searches: number | null;
}

/** Steps of any potential, which is asked for the forces of all replicas between two half steps. */
export function steppedMover(integrator: NativeIntegrator, potential: Potential, structure: Structure, replicas: number): Mover {
  const numbers = 3 * structure.numbers.length;
  const answersOf = async (positions: Float64Array) => {
    const copies = Array.from({ length: replicas }, (_, r) => ({
      ...structure,
      positions: positions.slice(numbers * r, numbers * (r + 1)),
    }));
    const evaluations = await evaluateAll(potential, copies, ["energy", "forces"]);
    const forces = new Float64Array(positions.length);
    evaluations.forEach((evaluation, r) => {
      forces.set(forcesOf(potential, evaluation.forces), numbers * r);
    });
    return { energies: Float64Array.from(evaluations, ({ netEnergy }) => netEnergy), forces };
  };
  let cancelled = false;
  return {
    cancel() {
      cancelled = true;
    },
    async advance(steps) {
      cancelled = false;
      const start = performance.now();
      let refused: NativeStop | null = null;
      let going = integrator.open(steps);
      try {
        for (let step = 0; going && step < steps && !cancelled; step++) {
          const positions = integrator.firstHalf();
          if (positions === null) break;
          const { energies, forces } = await answersOf(positions);
          going = integrator.secondHalf(energies, forces);
        }
      } catch (error) {
        integrator.giveUp();
        refused = refusal(error, integrator.state().step);
        if (refused === null) throw error;
      }
      const stretch = integrator.close();
      return { ...stretch, stop: refused ?? stretch.stop, seconds: (performance.now() - start) / 1e3, searches: null };
    },
    state: () => integrator.state(),
    freedoms: () => integrator.freedoms(),
  };
}

/** @throws {PainnlessError} UNSUPPORTED where there are none */
export function forcesOf(potential: Potential, forces: Float64Array | null): Float64Array {
  if (forces === null) throw new PainnlessError("UNSUPPORTED", `side "${potential.name}" gives no forces: it cannot move atoms`);
  return forces;
}

/** A geometry that a potential refused, as the engine reports it; null for any other failure. @param step the last good one */
function refusal(error: unknown, step: number): NativeStop | null {
  if (!(error instanceof PainnlessError && (error.code === "BAD_STRUCTURE" || error.code === "NOT_FINITE"))) return null;
  const reason = error.code === "NOT_FINITE" ? "not-finite" : "refused";
  const nobody = { replica: -1, atom: -1, other: -1, value: Number.NaN, limit: Number.NaN, position: new Float64Array(3) };
  return { reason, step: step + 1, ...nobody, detail: error.message };
}
