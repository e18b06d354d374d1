import { PainnlessError } from "../errors.ts";

/** The p-quantile (0 to 1) of unsorted values, linear between neighbours.
 *  @throws {PainnlessError} NOT_FINITE for no values, or one that is not a finite number */
export function quantile(values: readonly number[], p: number): number {
  if (values.length === 0 || !values.every(Number.isFinite))
    throw new PainnlessError("NOT_FINITE", `cannot take a quantile of ${values.length} values that are not all finite numbers`);
  const sorted = [...values].sort((a, b) => a - b);
  const at = p * (sorted.length - 1);
  const low = sorted[Math.floor(at)] as number;
  const high = sorted[Math.ceil(at)] as number;
  return low + (high - low) * (at - Math.floor(at));
}

export interface Timing {
  readonly medianMs: number;
  readonly p10Ms: number;
  readonly p90Ms: number;
  /** how many were timed */
  readonly evaluations: number;
}

export function timingOf(seconds: readonly number[]): Timing {
  const ms = (p: number) => 1e3 * quantile(seconds, p);
  return { medianMs: ms(0.5), p10Ms: ms(0.1), p90Ms: ms(0.9), evaluations: seconds.length };
}

/** How many times as long theirs took: of the medians, and the 10th and 90th percentile over the rounds of one interleaved run. */
export interface Ratio {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** @param ours, theirs seconds of each round; both sides ran in each */
export function ratioOf(theirs: readonly (readonly number[])[], ours: readonly (readonly number[])[]): Ratio {
  if (theirs.length !== ours.length)
    throw new PainnlessError("INTERNAL", `${theirs.length} rounds of theirs against ${ours.length} of ours, expected as many`);
  const rounds = theirs.map((round, i) => quantile(round, 0.5) / quantile(ours[i] as readonly number[], 0.5));
  return { value: quantile(theirs.flat(), 0.5) / quantile(ours.flat(), 0.5), low: quantile(rounds, 0.1), high: quantile(rounds, 0.9) };
}
