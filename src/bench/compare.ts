import { isDeepStrictEqual } from "node:util";
import { PainnlessError } from "../errors.ts";
import type { BenchResult } from "./result.ts";
import type { Ratio } from "./statistics.ts";

export interface Change {
  readonly trial: string;
  /** whose time over ours; or "own rate", evaluations a second on the same card */
  readonly against: string;
  readonly before: number;
  /** null: could not be measured any more */
  readonly now: number | null;
  readonly fell: boolean;
}

export interface Comparison {
  readonly changes: readonly Change[];
  /** trials that one of the runs did not make, and so nobody has compared */
  readonly onlyBefore: readonly string[];
  readonly onlyNow: readonly string[];
  /** trials that the CUDA engine made by other settings in the two runs */
  readonly tunedOtherwise: readonly string[];
}

/** What a ratio may fall by whatever the spreads: runs of one commit on one card and day differed by up to 0.7 %, rounds of each by 0.3 %. */
const steadiness = 0.02;

type Trial = BenchResult["trials"][number];
const nameOf = (trial: Trial) => `${trial.name} ${trial.precision}`;
const modelOf = (trial: Trial, { model }: BenchResult) => ("model" in trial ? trial.model.sha256 : model.sha256);

/** A ring that was not used is none. */
const tuningOf = (trial: Trial) => {
  if (!("tuning" in trial) || trial.tuning === undefined) return undefined;
  const { ringWeights = 0, ...rest } = trial.tuning;
  return ringWeights > 0 ? trial.tuning : rest;
};

/** Their times over ours; and on a card, where two runs may be set beside each other, how often a second ours does it, which a row without opponents has
 *  too. */
function ratiosOf(trial: Trial): [string, Ratio][] {
  const { medianMs, p10Ms, p90Ms } = trial;
  const rate = { value: 1e3 / medianMs, low: 1e3 / p90Ms, high: 1e3 / p10Ms };
  return [...Object.entries(trial.spread), ...("measures" in trial ? ([["own rate", rate]] as const) : [])].map(([name, ratio]) => [
    name,
    ratio,
  ]);
}

/** Has it fallen by more than both runs spread: from its 10th to its 90th percentile neither reaches the other, and it is lower by more than runs of one
 *  commit differ. */
const hasFallen = (was: Ratio, is: Ratio): boolean => is.high < was.low && is.value < (1 - steadiness) * was.value;

/** Can the two be compared at all? @throws {PainnlessError} USAGE if they are of different suites or cards */
export function assertComparable(before: Pick<BenchResult, "suite" | "card">, now: Pick<BenchResult, "suite" | "card">): void {
  if (before.suite !== now.suite)
    throw new PainnlessError("USAGE", `cannot compare: the earlier run is of suite ${before.suite}, this one of ${now.suite}`);
  if (before.card !== now.card)
    throw new PainnlessError("USAGE", `cannot compare: the earlier run was on "${before.card}", this one is on "${now.card}"`);
}

/** Every ratio that the earlier run has and what became of it. One that is gone from a trial that was made again, or tried in vain, has fallen; trials
 *  that only one run made are named.
 *  @throws {PainnlessError} USAGE if the two have no trial in common, or are of different models, cards or suites */
export function compareResults(before: BenchResult, now: BenchResult): Comparison {
  assertComparable(before, now);
  const found = new Map(now.trials.map((trial) => [nameOf(trial), trial] as const));
  const failed = new Set("leftOut" in now ? now.leftOut.map(({ name }) => name) : []);
  const known = new Set(before.trials.map(nameOf));
  const changes = before.trials.flatMap((old) => {
    const name = nameOf(old);
    const trial = found.get(name);
    if (trial === undefined && !failed.has(name)) return [];
    if (trial !== undefined && modelOf(old, before) !== modelOf(trial, now))
      throw new PainnlessError(
        "USAGE",
        `cannot compare: of ${name} the earlier run timed model ${modelOf(old, before).slice(0, 12)}, this one ${modelOf(trial, now).slice(0, 12)}`,
      );
    const ratios = new Map(trial === undefined ? [] : ratiosOf(trial));
    return ratiosOf(old).map(([against, was]): Change => {
      const is = ratios.get(against);
      return { trial: name, against, before: was.value, now: is?.value ?? null, fell: is === undefined || hasFallen(was, is) };
    });
  });
  if (changes.length === 0) throw new PainnlessError("USAGE", "cannot compare: the two runs have no trial in common");
  return {
    changes,
    onlyBefore: [...known].filter((name) => !found.has(name) && !failed.has(name)),
    onlyNow: [...found.keys()].filter((name) => !known.has(name)),
    tunedOtherwise: before.trials
      .filter((old) => found.has(nameOf(old)) && !isDeepStrictEqual(tuningOf(old), tuningOf(found.get(nameOf(old)) as Trial)))
      .map(nameOf),
  };
}
