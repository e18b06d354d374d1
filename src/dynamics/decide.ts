import { finiteOrNull } from "../system/finite.ts";
import { halfWidth, isResolved } from "./estimate.ts";
import type { Check, Estimate } from "./result.ts";
import { figure } from "./words.ts";

/** What an interval says of a figure that may lie `bar` to either side of zero: all of it does, none of it does, or nothing is decided. */
export function decide({ low, high }: Estimate, bar: number): Check["verdict"] {
  if (low === null || high === null) return "undecided";
  if (low >= -bar && high <= bar) return "pass";
  return low > bar || high < -bar ? "fail" : "undecided";
}

/** How many times as many steps decide, at most: the interval has to become as narrow as the bar, or to leave out its nearer end where it is that narrow
 *  already or leaves out zero. It narrows as the root of the steps where the figure walks at random, faster where it only fluctuates.
 *  null where there is no interval, or the figure lies on the bar itself. */
export function stepsToDecide(estimate: Estimate, bar: number): number | null {
  const half = halfWidth(estimate);
  if (half === null || estimate.value === null) return null;
  const goal = isResolved(estimate) || half <= bar ? Math.abs(Math.abs(estimate.value) - bar) : bar;
  return narrowing(half, goal);
}

/** Times as many steps that bring a half interval to a goal; null where none do. */
export const narrowing = (half: number, goal: number): number | null => finiteOrNull(Math.ceil((half / goal) ** 2));

/** What was not decided, and what decides it: "drift undecided: too short a run, up to 70 times as many steps decide". The other intervals are of runs
 *  beside the run, for which there is a budget of steps. */
export const undecidedWords = (checks: readonly Check[]): string[] =>
  checks
    .filter(({ verdict }) => verdict === "undecided")
    .map(({ name, longer }) => {
      const [short, more] =
        name === "drift" ? ["too short a run", "times as many steps decide"] : ["too small a budget", "times as much decides"];
      return `${name} undecided: ${short}${longer === null ? "" : `, up to ${figure(longer)} ${more}`}`;
    });
