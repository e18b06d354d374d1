import { linearRegression } from "simple-statistics";
import { expect, test } from "vitest";
import { driftSoFar } from "../../src/dynamics/drift.ts";
import type { EnergyTrace } from "../../src/dynamics/energy-trace.ts";
import { Random } from "../../src/system/random.ts";
import { autoregressive, hiddenWalk, jumps, type Noise, randomWalk, syntheticRun, verletLike } from "./processes.ts";

/** A 95 % interval covers the truth in 95 of 100 runs. 1,000 draws tell that to ±1.4 (two standard errors); less or more than ±3 is wrong. */
const draws = 1000;
const slope = 500; // meV/ns

function coverage(
  noise: Noise,
  name: string,
  replicas: number,
  length: number,
  interval: (trace: EnergyTrace) => { low: number | null; high: number | null },
) {
  const random = new Random(2026, `${name}, ${replicas}`);
  let covered = 0;
  for (let draw = 0; draw < draws; draw++) {
    const { low, high } = interval(syntheticRun(noise, random, replicas, length, slope));
    if (low !== null && high !== null && low <= slope && slope <= high) covered++;
  }
  return covered / draws;
}

test.each<[string, number, number, Noise]>([
  ["white noise", 1, 128, autoregressive(0)],
  ["white noise", 8, 64, autoregressive(0)],
  ["correlated over 1/200 of the run", 1, 256, autoregressive(1 / 200)],
  ["correlated over 1/50 of the run", 1, 128, autoregressive(1 / 50)],
  ["correlated over 1/50 of the run", 3, 128, autoregressive(1 / 50)],
  ["correlated over 1/10 of the run", 8, 64, autoregressive(1 / 10)],
  ["a bounded oscillation, as of velocity Verlet", 1, 1024, verletLike],
  ["a bounded oscillation, as of velocity Verlet", 3, 512, verletLike],
  ["a bounded oscillation, as of velocity Verlet", 8, 256, verletLike],
  ["a random walk, as of rounding", 1, 128, randomWalk],
  ["a random walk, as of rounding", 3, 128, randomWalk],
  ["a random walk, as of rounding", 8, 64, randomWalk],
  ["a random walk below a fluctuation", 1, 128, hiddenWalk],
  ["a random walk below a fluctuation", 3, 128, hiddenWalk],
  ["jumps, as of a cutoff", 1, 128, jumps],
  ["jumps, as of a cutoff", 3, 128, jumps],
])("%s, %i replicas, %i records: the interval covers the slope in 95 ± 3 of 100 runs", (name, replicas, length, noise) => {
  const share = coverage(noise, name, replicas, length, driftSoFar);
  expect(share).toBeGreaterThanOrEqual(0.92);
  expect(share).toBeLessThanOrEqual(0.98);
});

/** The interval of the textbook: one line through all records, whose residuals are taken to be independent. */
function textbookInterval(trace: EnergyTrace) {
  const { times, values } = trace.points("energy", 0, 0, trace.length);
  const points = times.map((time, k) => [time, values[k] as number]);
  const { m, b } = linearRegression(points);
  const middle = ((times[0] ?? 0) + (times.at(-1) ?? 0)) / 2;
  const residuals = points.reduce((sum, [x = 0, y = 0]) => sum + (y - m * x - b) ** 2, 0);
  const half = 1.98 * Math.sqrt(residuals / (times.length - 2) / times.reduce((sum, time) => sum + (time - middle) ** 2, 0));
  return { low: 1e9 * (m - half), high: 1e9 * (m + half) };
}

test("the textbook's interval, which knows no correlation, would not pass", () => {
  expect(coverage(autoregressive(0), "textbook, white", 1, 128, textbookInterval)).toBeGreaterThanOrEqual(0.92);
  expect(coverage(autoregressive(1 / 50), "textbook, correlated", 1, 128, textbookInterval)).toBeLessThan(0.8);
  expect(coverage(randomWalk, "textbook, walk", 1, 128, textbookInterval)).toBeLessThan(0.5);
});
