import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { assertComparable, compareResults } from "../../src/bench/compare.ts";
import { type BenchResult, benchResultSchema, type CardResult, type CardTrial, type Trial } from "../../src/bench/result.ts";
import { changeSummary } from "../../src/cli/bench-summary.ts";

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
    ["lower, and the spreads meet", [12, 11, 13.1], false],
    ["lower, but so unsteady that the earlier value lies within", [12, 9, 16], false],
    ["lower than either spread explains", [12, 11.5, 12.5], true],
  ] as const)("%s", (_, [value, low, high], fell) => {
    expect(compareResults(before, result([trial("9 atoms", value, low, high)])).changes).toEqual([
      { trial: "9 atoms f32", against: "torch-eager", before: 14, now: value, fell },
    ]);
  });

  test.each([
    [0.99, false],
    [0.97, true],
  ])("rounds that hardly spread, of a run %d times the other: fallen %s, as runs differ by more than their rounds", (share, fell) => {
    const steady = result([trial("9 atoms", 14, 13.99, 14.01)]);
    const now = result([trial("9 atoms", 14 * share, 13.99 * share, 14.01 * share)]);
    expect(compareResults(steady, now).changes).toMatchObject([{ fell }]);
  });

  test("an opponent that is gone has fallen", () => {
    const now = result([{ ...trial("9 atoms", 14, 13, 15), spread: {} }]);
    expect(compareResults(before, now).changes).toMatchObject([{ now: null, fell: true }]);
  });

  test("trials of one run only are named, and there must be others", () => {
    const both = result([trial("9 atoms", 14, 13, 15), trial("21 atoms", 1, 1, 1)]);
    const other = result([trial("9 atoms", 14, 13, 15), trial("100 atoms", 1, 1, 1)]);
    expect(compareResults(both, other)).toMatchObject({ onlyBefore: ["21 atoms f32"], onlyNow: ["100 atoms f32"] });
    expect(compareResults(both, other).changes).toHaveLength(1);
    expect(changeSummary(compareResults(both, other), "old.json")).toMatch(
      /21 atoms f32: in old.json alone.*100 atoms f32: not in old.json/s,
    );
    expect(() => compareResults(before, result([trial("21 atoms", 1, 1, 1)]))).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  test("trials made by other settings of the CUDA engine are named", () => {
    const made = (smallWaves: number) => ({ ...before, trials: [{ ...before.trials[0], tuning: { smallWaves } }] });
    const [was, is] = [made(1), made(2)];
    expect(compareResults(was as never, was as never).tunedOtherwise).toEqual([]);
    expect(changeSummary(compareResults(was as never, is as never), "old.json")).toContain(
      "9 atoms f32: with other settings of the CUDA engine",
    );
  });

  test("another suite, card or model cannot be compared", () => {
    expect(() => assertComparable(before, { suite: "gpu", card: before.card })).toThrow(/suite cpu, this one of gpu/);
    expect(() => compareResults(before, { ...before, card: "another" })).toThrow(/on "a CPU", this one is on "another"/);
    expect(() => compareResults(before, result([trial("9 atoms", 14, 13, 15)], "cd"))).toThrow(/model ab.*this one cd/);
  });
});

describe("results of a card", () => {
  const kept = benchResultSchema.parse(JSON.parse(readFileSync("benchmarks/results/gpu-h200.json", "utf8"))) as CardResult;
  const water = kept.trials.find(({ name }) => name === "water") as CardTrial;
  const slower = (by: number): CardResult => ({
    ...kept,
    trials: [{ ...water, medianMs: by * water.medianMs, p10Ms: by * water.p10Ms, p90Ms: by * water.p90Ms }],
  });

  test.each([
    [1.01, false],
    [1.05, true],
  ])("a row without opponents that takes %d times as long: fallen %s", (by, fell) => {
    expect(compareResults(kept, slower(by)).changes).toMatchObject([{ trial: "water f32", against: "own rate", fell }]);
  });

  test("a row that was tried in vain has fallen", () => {
    const now = { ...kept, trials: [water], leftOut: [{ name: "student f32", reason: "the GPU has too little memory" }] };
    const { changes } = compareResults(kept, now);
    expect(changes.filter(({ fell }) => fell)).toMatchObject([{ trial: "student f32", now: null }]);
  });

  test("a row of another model is not compared", () => {
    const other = { ...water, model: { ...water.model, sha256: "cd" } };
    expect(() => compareResults(kept, { ...kept, trials: [other] })).toThrow(/of water f32.*this one cd/);
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
    const { changes } = compareResults(parsed, parsed);
    expect(changes.length).toBeGreaterThan(0);
    expect(changes.filter(({ fell, now }) => fell || now === null)).toEqual([]);
  }
});
