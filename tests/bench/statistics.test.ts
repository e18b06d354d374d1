import { expect, test } from "vitest";
import { quantile, ratioOf, timingOf } from "../../src/bench/statistics.ts";

test("quantiles are linear between neighbours, whatever the order", () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5);
  expect(quantile([7], 0.9)).toBe(7);
  expect(quantile([10, 0], 0.1)).toBeCloseTo(1, 12);
});

test.each([[[]], [[1, Number.NaN]], [[Number.POSITIVE_INFINITY]]])("no quantile of %j", (values) => {
  expect(() => quantile(values, 0.5)).toThrow(expect.objectContaining({ code: "NOT_FINITE" }));
});

test("timings are in milliseconds and ordered", () => {
  const timing = timingOf([0.001, 0.002, 0.003, 0.004, 0.1]);
  expect(timing).toMatchObject({ medianMs: 3, evaluations: 5 });
  expect(timing.p10Ms).toBeLessThan(timing.medianMs);
  expect(timing.p90Ms).toBeGreaterThan(timing.medianMs);
});

test("a ratio is theirs over ours, its spread that of the rounds", () => {
  const ours = [
    [1, 1],
    [2, 2],
    [1, 1],
  ];
  const theirs = [[10], [20], [12]];
  const ratio = ratioOf(theirs, ours);
  expect(ratio.value).toBe(12);
  expect(ratio.low).toBeCloseTo(10, 12);
  expect(ratio.high).toBeCloseTo(11.6, 12);
  expect(() => ratioOf(theirs, ours.slice(1))).toThrow(expect.objectContaining({ code: "INTERNAL" }));
});
