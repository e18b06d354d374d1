import { PainnlessError } from "../errors.ts";
import { evaluateAll } from "../system/evaluate-all.ts";
import { finiteOrNull } from "../system/finite.ts";
import type { Frame } from "../system/frame.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import type { MdResult } from "./result.ts";
import type { ShadowPoint } from "./run-log.ts";

/** All points of a run as one: what is not finite anywhere is null. */
export function shadowSummary(points: readonly ShadowPoint[]): Omit<NonNullable<MdResult["shadow"]>, "side"> {
  const all = (of: (point: ShadowPoint) => number | null) => points.map((point) => of(point) ?? Number.NaN);
  const largestOf = (values: readonly number[]) =>
    finiteOrNull(values.reduce((largest, x) => Math.max(largest, x), Number.NEGATIVE_INFINITY));
  const squares = all(({ rms }) => rms).reduce((sum, x) => sum + x * x, 0);
  return {
    frames: points.length,
    forces: {
      maxAbs: largestOf(all(({ maxAbs }) => maxAbs)),
      // Each point is of as many components as the others.
      rms: finiteOrNull(Math.sqrt(squares / points.length)),
      largest: largestOf(all(({ largest }) => largest)),
      unit: "eV/Å",
    },
    points: points.map(({ time, maxAbs, rms }) => ({ time, maxAbs, rms })),
  };
}

/** Compares a second side's forces with those a run is moved by, on every so manieth of its frames; null for frames that it passes over.
 *  Which frames they are depends on their steps alone.
 *  @param every of frames, the first included; @param frameEvery steps between frames
 *  @returns a function that throws {PainnlessError} what the potential throws */
export function shadowOf(potential: Potential, structure: Structure, every: number, frameEvery: number) {
  const numbers = 3 * structure.numbers.length;
  return async ({ step, time, positions, forces }: Frame): Promise<ShadowPoint | null> => {
    if (step % (every * frameEvery) !== 0) return null;
    const replicas = Array.from({ length: positions.length / numbers }, (_, r) => ({
      ...structure,
      positions: positions.slice(numbers * r, numbers * (r + 1)),
    }));
    const evaluations = await evaluateAll(potential, replicas, ["energy", "forces"]);
    let [maxAbs, squares, largest] = [0, 0, 0];
    evaluations.forEach(({ forces: theirs }, r) => {
      if (theirs === null) throw new PainnlessError("UNSUPPORTED", `side "${potential.name}" gives no forces to compare`);
      theirs.forEach((force, k) => {
        const own = forces[numbers * r + k] as number;
        const difference = force - own;
        maxAbs = Math.max(maxAbs, Math.abs(difference));
        squares += difference * difference;
        largest = Math.max(largest, Math.abs(own));
      });
    });
    return {
      step,
      time,
      maxAbs: finiteOrNull(maxAbs),
      rms: finiteOrNull(Math.sqrt(squares / positions.length)),
      largest: finiteOrNull(largest),
    };
  };
}
