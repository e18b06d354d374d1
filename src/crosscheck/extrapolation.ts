import type { Evaluation } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { type Answers, scaleOf } from "./compare.ts";
import { type Movement, mostAllowed } from "./conditioning.ts";
import { largestOf } from "./metrics.ts";
import type { Comparison } from "./result.ts";
import { pairTolerances } from "./tolerances.ts";

/** Of each structure (conditioning.ts). */
export type AskMovements = (structures: readonly Structure[]) => Promise<readonly Movement[]>;

/** Structures on which a comparison failed although forces are not far off: what a model that extrapolates may make of float32. An energy, a missing answer or
 *  forces that are wrong altogether are nobody's rounding. @param evaluationOf the reference's */
export const extrapolated = (
  comparisons: readonly Comparison[],
  doubtful: readonly Structure[],
  evaluationOf: (structure: Structure) => Evaluation | null,
): Structure[] =>
  doubtful.filter((structure) => {
    const most = mostAllowed * largestOf(evaluationOf(structure)?.forces ?? []);
    return comparisons.some(
      ({ reasons, perStructure }) =>
        reasons.some((reason) => reason.startsWith(`${structure.name}: `)) &&
        perStructure.some((row) => row.structure === structure.name && row.forces !== null && row.forces <= most),
    );
  });

/** What the model says of these, and what to tell where it cannot be asked: then the usual bounds hold. */
export async function askMovements(
  { movements: ask }: { readonly movements?: AskMovements },
  structures: readonly Structure[],
  begin: () => void,
): Promise<{ movements: ReadonlyMap<Structure, Movement>; unknown: string[] }> {
  if (ask === undefined || structures.length === 0) return { movements: new Map(), unknown: [] };
  begin();
  try {
    const found = await ask(structures);
    return { movements: new Map(found.map((movement, i) => [structures[i] as Structure, movement])), unknown: [] };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    return { movements: new Map(), unknown: [`how exact float32 can be on ${structures.length} structures could not be asked: ${why}`] };
  }
}

/** Structures that a float32 side passes because of how far the model's forces move: one sentence each, of the side that is furthest off. */
export function extrapolationFindings(
  comparisons: readonly Comparison[],
  movements: ReadonlyMap<Structure, Movement>,
  answers: readonly Answers[],
  structures: readonly Structure[],
  cutoff: number,
): string[] {
  return [...movements].flatMap(([structure, movement]) => {
    const passed = comparisons.flatMap(({ side, reference, reasons, perStructure }) => {
      const error = perStructure.find((row) => row.structure === structure.name)?.forces ?? Number.NaN;
      const evaluation = answers.find((one) => one.side === reference)?.evaluations[structures.indexOf(structure)];
      if (!evaluation || reasons.some((reason) => reason.startsWith(`${structure.name}: `))) return [];
      const bound = (moved: Movement | null) => pairTolerances(side, reference, scaleOf(structure, evaluation, cutoff), moved).forces;
      const [usual, allowed] = [bound(null), bound(movement)];
      return error > usual && allowed > usual ? [{ side, reference, error, usual, allowed }] : [];
    });
    const [worst] = passed.sort((a, b) => b.error - a.error);
    if (worst === undefined) return [];
    const [moved, error, usual, allowed] = [movement.largest, worst.error, worst.usual, worst.allowed].map((x) => x.toPrecision(3));
    return [
      `${structure.name}: the model extrapolates; its forces move by ${moved} eV/Å when each weight changes by float32's rounding, 2^-24 of it; so ${worst.side} is allowed ${allowed} eV/Å from ${worst.reference} instead of ${usual}, and is ${error} away`,
    ];
  });
}
