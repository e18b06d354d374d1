import { gammaln } from "simple-statistics";

/** Probability that the sum of squares of `freedoms` normal deviates is at most x: the power series of the incomplete gamma function. */
export function chiSquared(freedoms: number, x: number): number {
  if (!(x > 0)) return Number.isNaN(x) ? Number.NaN : 0;
  const [a, y] = [freedoms / 2, x / 2];
  let term = Math.exp(a * Math.log(y) - y - gammaln(a + 1));
  if (term === 0) return y > a ? 1 : 0; // so far out that a double cannot tell
  let sum = term;
  // Terms grow until k reaches y - a, and from there on fall ever faster.
  for (let k = 1; k < y - a || term > 1e-17 * sum; k++) {
    term *= y / (a + k);
    sum += term;
  }
  return Math.min(sum, 1);
}

/** Largest distance between the distribution of a sample and a continuous one (Kolmogorov-Smirnov); NaN for no sample, or one with a NaN. */
export function largestDistance(sample: readonly number[], probability: (x: number) => number): number {
  const sorted = Float64Array.from(sample).sort();
  let largest = sorted.length === 0 ? Number.NaN : 0;
  sorted.forEach((x, k) => {
    const p = probability(x);
    for (const share of [k / sorted.length, (k + 1) / sorted.length]) {
      const distance = Math.abs(p - share);
      if (!(distance <= largest)) largest = distance;
    }
  });
  return largest;
}

/** Probability of at least this distance for so many independent samples of the very distribution (Kolmogorov's limit, Stephens' correction). */
export function kolmogorov(distance: number, independent: number): number {
  const root = Math.sqrt(independent);
  const x = (root + 0.12 + 0.11 / root) * distance;
  if (x < 0.2) return 1;
  let sum = 0;
  for (let k = 1; k <= 100; k++) sum += (k % 2 === 1 ? 2 : -2) * Math.exp(-2 * k * k * x * x);
  return Math.min(1, Math.max(0, sum));
}
