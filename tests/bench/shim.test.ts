import { expect, test } from "vitest";
import { crowdResult, type ShimCase, shimResult } from "../../src/bench/shim.ts";
import type { Statistics } from "../../src/wire/messages.ts";

const shape: ShimCase = { atoms: 20, spacing: 1.6, calls: 3, turns: 1, warmTurns: 0, medianMs: 0.5, p99Ms: 0.9 };

/** Seconds of three measurements about so many ms, the last later by `late`. */
const around = (ms: number, late = 0) => [0.9, 1, 1 + late].map((factor) => (factor * ms) / 1e3);
const statisticsOf = (latency: number, compute: number) =>
  ({ latency: { p50: latency }, compute: { p50: compute } }) as unknown as Statistics;

const run = { ase: around(1.2), client: around(1.15), pingAfter: around(0.19), ping: around(0.15) };
const times = { engine: around(0.75), door: around(0.8), called: [0.0009, 0.0008, 0.0011] };

test("rows say what each layer adds, and add up to the call", () => {
  const { rows, callMs, overheadMs, besideMs } = shimResult(shape, run, statisticsOf(0.9, 0.87), times);
  const expected = [50, 150, 40, 60, 30, 70, 50, 750];
  expect(rows.map(({ micros }) => Math.round(micros))).toEqual(expected);
  expect(rows.reduce((sum, { micros }) => sum + micros, 0)).toBeCloseTo(1e3 * callMs.median, 6);
  expect(overheadMs.median).toBeCloseTo(0.45, 9);
  expect(besideMs.median).toBeCloseTo(0.18, 9); // of 1.08 - 0.9, 1.2 - 0.8 and 1.2 - 1.1
});

// [what, is it within what is allowed, calls, engine]
const verdicts: readonly (readonly [string, boolean, readonly number[], readonly number[]])[] = [
  ["little over the engine", true, around(1.2), around(0.75)],
  ["more than is allowed", false, around(1.2), around(0.65)],
  ["one call that is late", false, around(1.2, 0.9), around(0.75)],
];

test.each(verdicts)("%s", (_, pass, ase, engine) => {
  const result = shimResult(shape, { ...run, ase: [...ase] }, statisticsOf(0.9, 0.87), { ...times, engine });
  expect(result.pass).toBe(pass);
});

test("a crowd is compared with one client round by round", () => {
  const result = crowdResult([
    { one: 100, all: [200, 150] },
    { one: 200, all: [400, 500] },
    { one: 100, all: [250, 250] },
  ]);
  expect(result).toEqual({ clients: 2, one: 100, all: 500, times: 4.5, pass: true });
  expect(crowdResult([{ one: 100, all: [200, 199] }]).pass).toBe(false);
  expect(() => crowdResult([])).toThrow("0 values");
  expect(() => crowdResult([{ one: Number.NaN, all: [1] }])).toThrow("finite");
});

test("what was not timed, or not a number, has no verdict", () => {
  for (const engine of [[], [Number.NaN]])
    expect(() => shimResult(shape, run, statisticsOf(0.9, 0.87), { ...times, engine })).toThrow("finite");
});
