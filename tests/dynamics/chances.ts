/** Probabilities for tests of random numbers. Seeds are fixed, so a test gives the same answer each time; the rates say how often a right
 *  program would fail with another seed. */

/** log of the gamma function of a half-integer or integer x > 0 */
function logGamma(x: number): number {
  let sum = 0;
  let a = x;
  while (a > 1) {
    a -= 1;
    sum += Math.log(a);
  }
  return sum + (a === 0.5 ? Math.log(Math.PI) / 2 : 0);
}

/** P(sum of `count` squared normal deviates <= x) */
export function chiSquared(count: number, x: number): number {
  if (!(x > 0)) return 0;
  const [a, y] = [count / 2, x / 2];
  let term = Math.exp(a * Math.log(y) - y - logGamma(a + 1));
  let sum = term;
  for (let k = 1; term > 1e-17 * sum || k < y; k++) {
    term *= y / (a + k);
    sum += term;
  }
  return Math.min(sum, 1);
}

/** P(normal deviate <= x) */
export const normal = (x: number): number => (1 + Math.sign(x) * chiSquared(1, x * x)) / 2;

/** Kolmogorov and Smirnov: the largest distance between the distribution of the sample and `cdf`, times sqrt(size). Exceeds 2.7 once in a
 *  million samples (2 exp(-2 x^2)). NaN where a figure is not a number. */
export function distance(sample: readonly number[], cdf: (x: number) => number): number {
  const sorted = Float64Array.from(sample).sort();
  let worst = 0;
  sorted.forEach((x, k) => {
    const p = cdf(x);
    for (const step of [k, k + 1]) {
      const d = Math.abs(p - step / sorted.length);
      if (!(d <= worst)) worst = d;
    }
  });
  return worst * Math.sqrt(sorted.length);
}

export const onceInAMillion = 2.7;
/** Standard deviations that a normal deviate exceeds, either way, once in a million. */
export const fiveSigma = 4.9;
