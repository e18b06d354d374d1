import { finiteOrNull } from "../system/finite.ts";
import type { Structure } from "../system/structure.ts";
import type { SideAnswers } from "./answers.ts";
import { type Answered, energyDifferences } from "./energies.ts";
import { largestOf, rms } from "./metrics.ts";
import type { BudgetEntry } from "./result.ts";
import { accuracyOf } from "./tolerances.ts";

/** Another potential with weights of its own: how far the model is from it is an error to measure, and nothing to pass. Named as the
 *  reference, it is what the others must equal. */
export const isTeacher = (side: string): boolean => side.startsWith("ase:");

/** Where the error of a result comes from, smallest causes first: our engine, float32, the package, and the model against its teachers.
 *  @param answers the reference's first */
export function budgetOf(answers: readonly SideAnswers[], structures: readonly Structure[]): BudgetEntry[] {
  const [reference, ...sides] = answers;
  if (reference === undefined) return [];
  const exact = sides.find(({ side }) => /^native:.*:f64$/.test(side)) ?? reference;
  return sides.flatMap((side): BudgetEntry[] => {
    const entry = (source: BudgetEntry["source"], expects: BudgetEntry["expects"], against: SideAnswers) => [
      { source, expects, ...measure(side, against, structures) },
    ];
    if (/^native:.*:f64$/.test(side.side)) return entry("engine", "equality", reference);
    if (/^native:.*:f32$/.test(side.side)) return entry("float32", "equality", exact);
    if (accuracyOf(side.side) === "mixed") return entry("mixed", "equality", exact);
    if (side.side === "package") return entry("package", "equality", reference);
    return isTeacher(side.side) ? entry("model", "error", reference) : [];
  });
}

/** Distances over all structures that both sides answered. */
function measure(side: SideAnswers, against: SideAnswers, structures: readonly Structure[]): Omit<BudgetEntry, "source" | "expects"> {
  const pairs = structures.flatMap((structure, i): Answered[] => {
    const [ours, theirs] = [side.evaluations[i] ?? null, against.evaluations[i] ?? null];
    return ours === null || theirs === null ? [] : [{ structure, side: ours, reference: theirs }];
  });
  const { basis, differences } = energyDifferences(pairs, [side.side, against.side]);
  const perAtom = differences.map((difference, i) => difference / (pairs[i] as Answered).structure.numbers.length);
  const forces = pairs.flatMap((pair) => forceDifferences(pair));
  return {
    side: side.side,
    reference: against.side,
    structures: pairs.length,
    energy: { ...size(perAtom), basis },
    forces: side.provides.has("forces") && against.provides.has("forces") ? size(forces) : null,
  };
}

const size = (errors: readonly number[]) => ({
  rms: finiteOrNull(rms(errors)),
  maxAbs: finiteOrNull(errors.length === 0 ? Number.NaN : largestOf(errors)),
});

/** NaN for each component that one side has and the other has not. */
function forceDifferences({ side, reference }: Answered): number[] {
  const [ours, theirs] = [side.forces ?? [], reference.forces ?? []];
  const length = Math.max(ours.length, theirs.length);
  return Array.from({ length }, (_, i) => (ours[i] ?? Number.NaN) - (theirs[i] ?? Number.NaN));
}
