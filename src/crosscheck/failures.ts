import type { Structure } from "../system/structure.ts";
import { packStructure, type Replay } from "./replay.ts";
import type { Comparison, LawResult } from "./result.ts";

/** Of one comparison that are kept. */
const replaysPerComparison = 10;

export const isFail = ({ verdict }: { verdict: string }): boolean => verdict === "fail";

/** What replays each failure: first of comparisons, by structure, then of laws.
 *  `reference`: by which a broken law is attributed */
export function failuresOf(
  comparisons: readonly Comparison[],
  results: readonly LawResult[],
  structures: readonly Structure[],
  { reference: judge, ...about }: Pick<Replay, "modelFile" | "modelSha256" | "seed" | "reference">,
): Replay[] {
  const common = { format: "painnless.replay/1" as const, ...about };
  const compared = comparisons.filter(isFail).flatMap(({ side, reference, reasons }) => {
    const reasonOf = ({ name }: Structure) => reasons.find((reason) => reason.startsWith(`${name}: `));
    return structures
      .flatMap((structure) => {
        const reason = reasonOf(structure);
        return reason === undefined ? [] : [{ ...common, side, reference, law: null, reason, structure: packStructure(structure) }];
      })
      .slice(0, replaysPerComparison);
  });
  const lawful = results.filter(isFail).flatMap(({ name, side, error, value, unit, tolerance, ...law }) => {
    const structure = structures.find((one) => one.name === law.structure);
    if (structure === undefined) return [];
    const reason = error?.message ?? `${name}: ${value} ${unit}, tolerance ${tolerance}`;
    return [{ ...common, side, reference: judge, law: name, reason, structure: packStructure(structure) }];
  });
  return [...compared, ...lawful];
}
