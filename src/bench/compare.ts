import { PainnlessError } from "../errors.ts";
import type { BenchResult } from "./result.ts";

export interface Change {
  readonly trial: string;
  readonly opponent: string;
  readonly before: number;
  /** null: not measured any more */
  readonly now: number | null;
  readonly fell: boolean;
}

const nameOf = (trial: BenchResult["trials"][number]) => `${trial.name} ${trial.precision}`;

/** Every ratio that the earlier run has and what became of it. It fell if each value lies outside the spread of the other run: less than
 *  that may be noise. A trial that the new run did not ask for is passed over; a ratio that is gone from one it did run has fallen.
 *  @throws {PainnlessError} USAGE if the two have no trial in common, or are of different models or suites */
export function compareResults(before: BenchResult, now: BenchResult): Change[] {
  if (before.suite !== now.suite)
    throw new PainnlessError("USAGE", `cannot compare: the earlier run is of suite ${before.suite}, this one of ${now.suite}`);
  if (before.model.sha256 !== now.model.sha256)
    throw new PainnlessError(
      "USAGE",
      `cannot compare: the earlier run timed model ${before.model.sha256.slice(0, 12)}, this one ${now.model.sha256.slice(0, 12)}`,
    );
  const found = new Map(now.trials.map((trial) => [nameOf(trial), trial] as const));
  const changes = before.trials.flatMap((old) => {
    const trial = found.get(nameOf(old));
    if (trial === undefined) return [];
    return Object.entries(old.spread).map(([opponent, was]): Change => {
      const is = trial.spread[opponent];
      const fell = is === undefined || (is.value < was.low && is.high < was.value);
      return { trial: nameOf(old), opponent, before: was.value, now: is?.value ?? null, fell };
    });
  });
  if (changes.length === 0) throw new PainnlessError("USAGE", "cannot compare: the two runs have no trial in common");
  return changes;
}
