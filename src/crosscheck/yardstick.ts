import { finiteOrNull, worse } from "../system/finite.ts";
import type { Answers } from "./compare.ts";
import { largestOf, rms } from "./metrics.ts";
import type { Comparison } from "./result.ts";
import { yardstickFloor, yardstickLimit } from "./tolerances.ts";

/** Our float32 forces and PyTorch float32's, each against the same float64 reference: how many times as far ours are, structure by structure, and
 *  of those ratios the median, because a ratio of roundings swings widely from one structure to the next (docs/accuracy.md, forces). Where PyTorch
 *  has no answer in float32 ours is the better one. */
export function measureYardstick(
  side: Answers,
  torch32: Answers,
  reference: Answers,
): NonNullable<Comparison["yardstick"]> & { held: boolean } {
  let largest = 0;
  let ours = 0;
  let theirs = 0;
  let atoms = 0;
  const ratios: number[] = [];
  reference.evaluations.forEach((exact, i) => {
    const errors = (answers: Answers): number[] => {
      const forces = answers.evaluations[i]?.forces;
      const known = exact?.forces;
      if (!forces || known?.length !== forces.length) return [Number.NaN];
      return Array.from(forces, (x, k) => x - (known[k] as number));
    };
    const [mine, yours] = [errors(side), errors(torch32)];
    largest = worse(largest, largestOf(exact?.forces ?? []));
    ours = worse(ours, largestOf(mine));
    theirs = worse(theirs, largestOf(yours));
    if (rms(mine) === 0 && rms(yours) === 0) return; // no neighbours, no forces, nothing to round
    atoms += mine.length / 3;
    ratios.push(yours.some(Number.isNaN) ? 0 : rms(mine) / rms(yours));
  });
  const ratio = ratios.some(Number.isNaN) ? Number.NaN : median(ratios);
  const limit = yardstickLimit(atoms);
  const held = ours <= yardstickFloor * largest || ratio <= limit;
  return { side: torch32.side, maxAbs: finiteOrNull(theirs), ratio: finiteOrNull(ratio), limit, held };
}

/** 0 of none. */
function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length === 0 ? 0 : ((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2;
}
