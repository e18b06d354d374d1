import { describe, expect, test } from "vitest";
import { affordableDuration, attributeDrift } from "../../src/dynamics/attribution.ts";
import { type AttributedRun, attributionOf } from "../../src/dynamics/attribution-table.ts";
import { EnergyTrace } from "../../src/dynamics/energy-trace.ts";
import { equilibrated } from "../../src/dynamics/experiment.ts";
import { interceptWeights } from "../../src/dynamics/extrapolate.ts";
import { type Attribution, attributionSchema, type Cause } from "../../src/dynamics/result.ts";
import { createNativeEngine } from "../../src/engine/engine.ts";
import { Random } from "../../src/system/random.ts";
import { randomModel } from "../engine/models.ts";
import { chain, fluid, joint, morsePairs, rounded } from "./particles.ts";
import { autoregressive } from "./processes.ts";

const part = (table: Attribution, cause: Cause) => table.parts.find((row) => row.cause === cause) as Attribution["parts"][number];
const value = (x: number | null) => x ?? Number.NaN;
const covers = ({ low, high }: { low: number | null; high: number | null }, truth: number) => value(low) <= truth && truth <= value(high);

test("the limit at timestep 0: exact on a parabola, whatever the weights, and led by the best points", () => {
  const dts = [1, 0.5, 0.25];
  for (const variances of [
    [1, 1, 1],
    [100, 4, 0.1],
    [0, 0, 0],
    [1, 0, 0],
  ]) {
    const weights = interceptWeights(dts, variances);
    expect(weights.reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 9);
    expect(weights.reduce((sum, w, k) => sum + w * (3 - 7 * (dts[k] as number) ** 2), 0)).toBeCloseTo(3, 9);
  }
  expect(Math.abs(interceptWeights(dts, [1e4, 1, 1])[0] as number)).toBeLessThan(1e-3);
});

describe("the table, from runs whose drifts are known", () => {
  const replicas = 8;
  const records = 64;
  /** Per replica: what the start brings (which runs from one start share), the drift, and a fluctuation of its own. meV/atom/ns over 2 ps */
  const run = (side: string, dt: number, skin: number, seed: number, drift: number): AttributedRun => {
    const [shared, own] = [new Random(seed, "start"), new Random(seed, `${side} ${dt} ${skin}`)];
    const trace = new EnergyTrace({ replicas, timestep: dt, atoms: 1, freedoms: 3 });
    const every = 2000 / dt / records;
    const slopes = Array.from({ length: replicas }, () => drift + 50 * shared.normal() * dt * dt);
    const noises = slopes.map(() => autoregressive(0.01)(own, records));
    const modified = Float64Array.from({ length: records * replicas }, (_, at) => {
      const [k, r] = [Math.floor(at / replicas), at % replicas];
      return 1e-3 * ((slopes[r] as number) * 1e-6 * k * every * dt + 1e-4 * (noises[r]?.[k] as number));
    });
    const zeros = new Float64Array(modified.length);
    const steps = Float64Array.from({ length: records }, (_, k) => (k + 1) * every);
    trace.add({ steps, potential: modified, kinetic: zeros, heat: zeros, modified });
    return { side, dt, skin, steps: records * every, seed, trace, stop: null };
  };
  const [model, perSquare, list, float32] = [30, 400, 20, 10];
  const exact = (dt: number) => model + perSquare * dt * dt;
  const table = (seed: number): Attribution =>
    attributionOf({
      exactRuns: [0.5, 0.25, 0.125].map((dt) => run("f64", dt, 0, seed, exact(dt))),
      listed: run("f64", 0.5, 0.5, seed, exact(0.5) + list),
      rounded: run("f32", 0.5, 0.5, seed, exact(0.5) + list + float32),
      independent: run("f32", 0.5, 0.5, seed + 1000, exact(0.5) + list + float32),
      crossings: null,
    });

  test("each cause is found within its interval in 95 ± 5 of 100 tables, and the parts add up to the whole", () => {
    const truths: readonly (readonly [Cause, number])[] = [
      ["time step", perSquare * 0.25],
      ["float32", float32],
      ["neighbour list", list],
      ["model", model],
    ];
    const tables = Array.from({ length: 100 }, (_, k) => attributionSchema.parse(table(10 * k)));
    for (const [cause, truth] of truths) {
      const covered = tables.filter((found) => covers(part(found, cause), truth)).length;
      expect(covered, cause).toBeGreaterThanOrEqual(90);
    }
    expect(tables.filter(({ closes }) => closes).length).toBeGreaterThanOrEqual(97);
    for (const { parts, sum } of tables) expect(parts.reduce((total, p) => total + value(p.value), 0)).toBeCloseTo(value(sum.value), 8);
  });

  test("what runs share cancels: float32 is known 10 times better than the drift it is a part of", () => {
    const { parts, whole } = table(1);
    const width = ({ low, high }: { low: number | null; high: number | null }) => value(high) - value(low);
    const rounding = parts.find(({ cause }) => cause === "float32");
    expect(rounding?.resolved).toBe(true);
    expect(width(whole)).toBeGreaterThan(10 * width(rounding as (typeof parts)[number]));
  });

  test("does not close where the whole has a cause that no part knows", () => {
    const runs = {
      exactRuns: [0.5, 0.25, 0.125].map((dt) => run("f64", dt, 0, 1, 0)),
      listed: run("f64", 0.5, 0.5, 1, 0),
      rounded: null,
      crossings: null,
    };
    expect(attributionOf({ ...runs, independent: run("f64", 0.5, 0.5, 2, 0) }).closes).toBe(true);
    expect(attributionOf({ ...runs, independent: run("f64", 0.5, 0.5, 2, 500) }).closes).toBe(false);
  });

  test("a run that a guard ended early shortens all, and is named", () => {
    const stopped = { ...run("f64", 0.25, 0, 1, exact(0.25)), steps: 2000, stop: "step 2001 cannot be made" };
    const found = attributionOf({
      exactRuns: [run("f64", 0.5, 0, 1, exact(0.5)), stopped, run("f64", 0.125, 0, 1, exact(0.125))],
      listed: run("f64", 0.5, 0.5, 1, exact(0.5)),
      rounded: null,
      independent: run("f64", 0.5, 0.5, 2, exact(0.5)),
      crossings: null,
    });
    expect(found.sentence).toContain("A run ended early: step 2001 cannot be made");
    expect(part(found, "float32")).toMatchObject({ value: 0, low: 0, high: 0, resolved: false, method: "the side computes in float64" });
  });
});

describe("measured", () => {
  const common = { temperature: 300, seed: 1, replicas: 8, equilibration: 200, timestep: 1, skin: 0.5, signal: null };
  const measure = async (request: Omit<Parameters<typeof attributeDrift>[0], keyof typeof common>) => {
    const whole = { ...common, ...request };
    return attributionSchema.parse(await attributeDrift(whole, await equilibrated(request.exact, whole)));
  };

  test("float32 forces show, and are told from the time step", async () => {
    const exact = morsePairs();
    const table = await measure({ structure: fluid, side: rounded(exact, 2 ** -14), exact, cutoff: null, duration: 0.4 });
    const [float32, list] = [part(table, "float32"), part(table, "neighbour list")];
    expect(list).toMatchObject({ value: 0, low: 0, high: 0 });
    expect(Math.abs(value(float32.value))).toBeGreaterThan(0);
    expect(table.runs.map(({ label }) => label)).toEqual([
      "test:pairs, 1 fs, no skin",
      "test:pairs, 0.5 fs, no skin",
      "test:pairs, 0.25 fs, no skin",
      "test:pairs, 1 fs, skin 0.5 Å",
      "test:pairs rounded, 1 fs, skin 0.5 Å",
      "test:pairs rounded, 1 fs, skin 0.5 Å",
    ]);
    expect(table.crossings).toBeNull();
  });

  // Atoms on springs at the cutoff of each other, moved by springs and model: whatever else the model does, pairs cross.
  test.each([
    ["painn-distiller", true],
    ["painn-schnetpack", false],
  ] as const)("%s: its energy jumps at the cutoff: %s", async (architecture, jump) => {
    const file = randomModel(architecture);
    const engine = createNativeEngine(file, { device: "cpu", precision: "f64", threads: 1 });
    try {
      const exact = joint(engine, 0.01);
      const table = await measure({ structure: chain(file.config.cutoff), side: exact, exact, cutoff: file.config.cutoff, duration: 0.2 });
      expect(table.crossings?.count).toBeGreaterThan(20);
      expect(table.crossings?.jump).toBe(jump);
      expect(table.sentence.includes("The model is to blame: its energy jumps at the cutoff.")).toBe(jump);
      const size = value(table.crossings?.rmsAtCrossings ?? null);
      if (jump) expect(size).toBeGreaterThan(1);
      else expect(size).toBeLessThan(1e-6);
      // In the other steps the work of the forces explains all of the change, which is of some meV.
      expect(value(table.crossings?.rmsElsewhere ?? null)).toBeLessThan(0.05);
    } finally {
      await engine.close();
    }
  });
});

test("a duration is what the budget allows", () => {
  const experiment = { replicas: 8, equilibration: 1000, timestep: 0.5 } as Parameters<typeof affordableDuration>[1];
  // 10 passes and an equilibration: 8 x (10 x 2000 + 1000) steps for 1 ps.
  expect(affordableDuration(168_000, experiment, true)).toBeCloseTo(1, 12);
  expect(affordableDuration(100, experiment, true)).toBe(0);
});
