import { describe, expect, test } from "vitest";
import { CanonicalTrace, correlationTime } from "../../src/dynamics/canonical.ts";
import { chiSquared, kolmogorov, largestDistance } from "../../src/dynamics/distributions.ts";
import { canonicalSchema } from "../../src/dynamics/result.ts";
import { Random } from "../../src/system/random.ts";
import { boltzmannInEv } from "../../src/system/units.ts";
import { assertClose } from "../close.ts";

test("chi-square probabilities are scipy's", () => {
  const rows: readonly (readonly [number, number, number])[] = [
    [1, 1, 0.682689492137086],
    [3, 2.5, 0.5247089166569795],
    [21, 18.3, 0.3700516598274152],
    [21, 60, 0.9999872283117348],
    [300, 310, 0.6667456511408638],
    [3000, 2900, 0.09731671903009428],
  ];
  assertClose(
    rows.map(([freedoms, x]) => chiSquared(freedoms, x)),
    rows.map(([, , p]) => p),
    1e-10,
  );
  expect([chiSquared(6, 0), chiSquared(6, -1), chiSquared(6, 1e5), chiSquared(6, Number.NaN)]).toEqual([0, 0, 1, Number.NaN]);
});

test("Kolmogorov-Smirnov probabilities are scipy's", () => {
  assertClose([kolmogorov(0.1, 100), kolmogorov(0.05, 1000)], [0.2526927570063874, 0.013012074781090332], 5e-3);
  expect(kolmogorov(0, 50)).toBe(1);
  expect(kolmogorov(1, 50)).toBeLessThan(1e-40);
  expect(largestDistance([0.1, 0.4, 0.7], (x) => x)).toBeCloseTo(0.3, 12);
  expect(largestDistance([], (x) => x)).toBeNaN();
  expect(largestDistance([0.1, Number.NaN], (x) => x)).toBeNaN();
});

/** Exponentially correlated normal deviates. @param time in samples */
function correlated(random: Random, length: number, time: number): number[] {
  const keep = Math.exp(-1 / time);
  let x = random.normal();
  return Array.from({ length }, () => {
    x = keep * x + Math.sqrt(1 - keep * keep) * random.normal();
    return x;
  });
}

test("the correlation time of an exponentially correlated series is (1 + rho) / (1 - rho)", () => {
  const random = new Random(4, "correlation");
  for (const time of [1, 5, 20]) {
    const rho = Math.exp(-1 / time);
    const series = Array.from({ length: 4 }, () => correlated(random, 4000, time));
    expect(correlationTime(series) / ((1 + rho) / (1 - rho))).toBeGreaterThan(0.8);
    expect(correlationTime(series) / ((1 + rho) / (1 - rho))).toBeLessThan(1.2);
  }
  expect(correlationTime([Array(100).fill(3)])).toBe(1);
});

/** Kinetic energies of 6 freedoms whose velocities are correlated over 10 records. @param spread of each velocity by replica and time */
function run(seed: number, { replicas = 4, length = 2000, kelvin = 300, shape = (x: number) => x } = {}) {
  const random = new Random(seed, "kinetic");
  const trace = new CanonicalTrace({ replicas, freedoms: 6, target: 300 });
  const series = Array.from({ length: replicas }, () => Array.from({ length: 6 }, () => correlated(random, length, 10)));
  const kinetic = new Float64Array(replicas * length);
  for (let k = 0; k < length; k++)
    for (let r = 0; r < replicas; r++) {
      const square = series[r]?.reduce((sum, velocity) => sum + (velocity[k] as number) ** 2, 0) as number;
      kinetic[k * replicas + r] = 0.5 * boltzmannInEv * kelvin * shape(square);
    }
  const zeros = new Float64Array(kinetic.length);
  trace.add({ steps: Float64Array.from({ length }, (_, k) => k), potential: zeros, kinetic, heat: zeros, modified: zeros });
  const result = trace.result();
  return result === null ? null : canonicalSchema.parse(result);
}

describe("kinetic energies against the canonical distribution", () => {
  const p = (result: ReturnType<typeof run>) => result?.pValue ?? Number.NaN;

  test("right ones pass, and seldom look wrong", () => {
    const values = Array.from({ length: 100 }, (_, seed) => p(run(seed, { length: 500 })));
    expect(Math.min(...values)).toBeGreaterThan(1e-4);
    expect(values.filter((x) => x < 0.05).length).toBeLessThanOrEqual(12);
    expect(values.filter((x) => x > 0.5).length).toBeGreaterThan(30);
  });

  test("the temperature's interval covers it, and correlated samples count for less", () => {
    const result = run(1);
    expect(result?.temperature.low).toBeLessThan(300);
    expect(result?.temperature.high).toBeGreaterThan(300);
    // The square of a correlated deviate is correlated half as long.
    expect(result?.independent).toBeGreaterThan(8000 / 14);
    expect(result?.independent).toBeLessThan(8000 / 7);
  });

  test.each([
    ["too hot by a seventh", { kelvin: 343 }],
    ["too narrow, as under a Berendsen thermostat", { shape: (x: number) => 6 + 0.6 * (x - 6) }],
    ["of too few freedoms", { shape: (x: number) => 0.85 * x }],
  ])("%s: does not pass", (_, wrong) => {
    expect(p(run(1, wrong))).toBeLessThan(1e-4);
  });

  test("a long run is thinned, a short one says nothing", () => {
    const result = run(2, { replicas: 1, length: 10_000 });
    expect(result?.independent).toBeGreaterThan(10_000 / 14);
    expect(p(result)).toBeGreaterThan(1e-4);
    expect(run(2, { length: 15 })).toBeNull();
  });
});
