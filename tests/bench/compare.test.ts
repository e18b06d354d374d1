import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compareResults } from "../../src/bench/compare.ts";
import { type BenchResult, benchResultSchema, type Trial } from "../../src/bench/result.ts";

const timing = { medianMs: 0.2, p10Ms: 0.19, p90Ms: 0.25, evaluations: 100 };
const error = { forces: 3e-6, tolerance: 1e-5, energyPerAtom: 1e-7 };

function trial(name: string, value: number, low: number, high: number): Trial {
  return {
    ...{ name, precision: "f32", structures: 1, atoms: 9, edges: 72, sets: 4, side: "native:cpu:f32", threads: 2, ...timing, error },
    ...{ through: timing, single: timing, scaling: { value: 1.7, low: 1.6, high: 1.8 }, peakFraction: 0.8, absent: [] },
    opponents: [{ name: "torch-eager", threads: 2, malloc: "tuned", ...timing, error, compilations: 0 }],
    against: { "torch-eager": value, "torch-best": value },
    spread: { "torch-eager": { value, low, high } },
  };
}

function result(trials: Trial[], sha256 = "ab"): BenchResult {
  return benchResultSchema.parse({
    ...{ format: "painnless.bench/1", suite: "cpu", card: "a CPU", commit: null, started: "2026-11-24T00:00:00Z", seconds: 9 },
    ...{
      command: "painnless bench cpu",
      seed: 0,
      instructionSet: "avx2",
      peak: { f32: 80, f64: 40 },
      malloc: {},
      load: { before: 0, after: 1 },
    },
    machine: { platform: "linux", arch: "x64", cpu: "a CPU", cores: 2, versions: {} },
    model: { name: "m", sha256, architecture: "painn-schnetpack", features: 128, layers: 3, radial: 20, cutoff: 5 },
    trials,
  });
}

const before = result([trial("9 atoms", 14, 13, 15)]);

describe("against an earlier result", () => {
  test.each([
    ["as before", [14, 13, 15], false],
    ["better", [20, 19, 21], false],
    ["lower, within the earlier spread", [13.2, 13.1, 13.3], false],
    ["lower, but so unsteady that the earlier value lies within", [12, 9, 16], false],
    ["lower than either spread explains", [12, 11.5, 12.5], true],
  ] as const)("%s", (_, [value, low, high], fell) => {
    expect(compareResults(before, result([trial("9 atoms", value, low, high)]))).toEqual([
      { trial: "9 atoms f32", opponent: "torch-eager", before: 14, now: value, fell },
    ]);
  });

  test("an opponent that is gone has fallen", () => {
    const now = result([{ ...trial("9 atoms", 14, 13, 15), spread: {} }]);
    expect(compareResults(before, now)).toMatchObject([{ now: null, fell: true }]);
  });

  test("trials of one run only are passed over, but not all of them", () => {
    const both = result([trial("9 atoms", 14, 13, 15), trial("21 atoms", 1, 1, 1)]);
    expect(compareResults(both, before)).toHaveLength(1);
    expect(() => compareResults(before, result([trial("21 atoms", 1, 1, 1)]))).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  test("another suite cannot be compared", () => {
    const now = { ...result([trial("9 atoms", 14, 13, 15)]), suite: "gpu" } as unknown as BenchResult;
    expect(() => compareResults(before, now)).toThrow(/suite cpu, this one of gpu/);
  });

  test("another model cannot be compared", () => {
    expect(() => compareResults(before, result([trial("9 atoms", 14, 13, 15)], "cd"))).toThrow(/model ab/);
  });
});

test.each([
  ["a time of 0", { medianMs: 0 }],
  ["NaN", { p90Ms: Number.NaN }],
  ["an unknown field", { colour: "red" }],
])("the schema refuses %s", (_, change) => {
  const bad = { ...before, trials: [{ ...before.trials[0], ...change }] };
  expect(benchResultSchema.safeParse(bad).success).toBe(false);
});

test("results that are kept can be compared with", () => {
  const kept = readdirSync("benchmarks/results").map((name) => JSON.parse(readFileSync(`benchmarks/results/${name}`, "utf8")));
  const ours = kept.filter(({ format }) => format === "painnless.bench/1");
  expect(ours.length).toBeGreaterThan(1);
  for (const one of ours) {
    const parsed = benchResultSchema.parse(one);
    expect(compareResults(parsed, parsed).every(({ fell, now }) => !fell && now !== null)).toBe(true);
  }
});
