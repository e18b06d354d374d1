import { expect, test } from "vitest";
import { assertClose } from "../close.ts";
import { chiSquared, distance, normal, onceInAMillion } from "./chances.ts";

test("the probabilities these tests use are right", () => {
  // Tables of chi-squared and normal quantiles.
  assertClose(
    [chiSquared(1, 3.841458820694124), chiSquared(2, 5.991464547107979), chiSquared(7, 14.067140449340169)],
    [0.95, 0.95, 0.95],
    1e-12,
  );
  assertClose([normal(1.959963984540054), normal(-1.959963984540054), normal(0)], [0.975, 0.025, 0.5], 1e-12);
  const even = Array.from({ length: 1000 }, (_, k) => (k + 0.5) / 1000);
  expect(distance(even, (x) => x)).toBeCloseTo(0.5 / Math.sqrt(1000), 10);
  expect(
    distance(
      even.map((x) => x ** 1.2),
      (x) => x,
    ),
  ).toBeLessThan(onceInAMillion);
  expect(
    distance(
      even.map((x) => x ** 1.3),
      (x) => x,
    ),
  ).toBeGreaterThan(onceInAMillion);
});
