import type { Evaluation, Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { displaced, permuted } from "../system/transform.ts";
import { always, type Law, type Measure, wantFor } from "./law.ts";

/** Numbers whose bits differ; NaN where one side has no array or another length. */
function differingBits(a: Float64Array | null, b: Float64Array | null): number {
  if (a === null && b === null) return 0;
  if (a === null || b === null || a.length !== b.length) return Number.NaN;
  return a.reduce((count, x, i) => count + (Object.is(x, b[i]) ? 0 : 1), 0);
}

function bitwise(pairs: readonly (readonly [Evaluation | undefined, Evaluation | undefined])[]): Measure[] {
  const unit = "values that differ";
  const count = (array: (evaluation: Evaluation) => Float64Array | null): number =>
    pairs.reduce((sum, [a, b]) => sum + (a && b ? differingBits(array(a), array(b)) : Number.NaN), 0);
  return [
    { quantity: "energy", unit, value: count((e) => Float64Array.of(e.energy, e.netEnergy)), tolerance: 0 },
    { quantity: "forces", unit, value: count((e) => e.forces), tolerance: 0 },
    { quantity: "stress", unit, value: count((e) => e.stress), tolerance: 0 },
  ];
}

const single = async (potential: Potential, structure: Structure): Promise<Evaluation | undefined> =>
  (await potential.evaluate([structure], wantFor([structure], potential)))[0];

/** A structure among others is what it is alone, to the last bit. */
export const batchEqualsSingle: Law = {
  name: "batch",
  expensive: false,
  inapplicable: always,
  async measure(potential, { structure, random }) {
    const companions = [1, 2, 3, 4].map((k) => displaced(structure, 0.05, random.split(`${k}`), `${structure.name} companion ${k}`));
    const [first, second, ...rest] = companions as [Structure, Structure, ...Structure[]];
    const mates = [first, second, structure, permuted(structure, random.permutation(structure.numbers.length)), ...rest];
    const together = await potential.evaluate(mates, wantFor(mates, potential));
    const pairs: (readonly [Evaluation | undefined, Evaluation | undefined])[] = [];
    for (const [i, mate] of mates.entries()) pairs.push([together[i], await single(potential, mate)]);
    return { measures: bitwise(pairs), curves: [] };
  },
};

/** The same structure again, with something else in between, is the same to the last bit. */
export const repetition: Law = {
  name: "repetition",
  expensive: false,
  inapplicable: always,
  async measure(potential, { structure, random }) {
    const before = await single(potential, structure);
    const pairs: (readonly [Evaluation | undefined, Evaluation | undefined])[] = [];
    for (const k of [1, 2, 3]) {
      await single(potential, displaced(structure, 0.1, random.split(`${k}`), `${structure.name} in between`));
      pairs.push([before, await single(potential, structure)]);
    }
    return { measures: bitwise(pairs), curves: [] };
  },
};
