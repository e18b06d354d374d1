import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import type { Experiment } from "../../src/dynamics/experiment.ts";
import { equilibrated } from "../../src/dynamics/experiment.ts";
import { measureAll } from "../../src/dynamics/measures.ts";
import { MomentumTrace } from "../../src/dynamics/momentum.ts";
import { openSession } from "../../src/dynamics/open.ts";
import { measureOrder } from "../../src/dynamics/order.ts";
import { attributionSchema, momentumSchema, orderSchema, reversalSchema } from "../../src/dynamics/result.ts";
import { measureReversal } from "../../src/dynamics/reversal.ts";
import { createNativeEngine } from "../../src/engine/engine.ts";
import { readModelFile } from "../../src/model/model-file.ts";
import type { Potential } from "../../src/system/potential.ts";
import { ethanol } from "../systems.ts";
import { fluid, morsePairs, rounded } from "./particles.ts";
import { grid, springs, whole } from "./springs.ts";

const value = (x: number | null | undefined) => x ?? Number.NaN;
const experiment: Experiment = {
  ...{ structure: fluid, temperature: 300, seed: 1, replicas: 4, equilibration: 200, timestep: 1, skin: 0.5, signal: null },
};

const orderOf = async (potential: Potential, own: Experiment = experiment, duration = 0.4) =>
  orderSchema.parse(await measureOrder(potential, own, await equilibrated(potential, own), duration));

/** Turns in the plane of each atom's position: the curl of no energy. @param share eV/Å^2 */
const swirl = (share: number) => (positions: Float64Array) =>
  positions.map((_, k) => [-share * (positions[k + 1] ?? 0), share * (positions[k - 1] ?? 0), 0][k % 3] as number);

describe("the order in the timestep", () => {
  test("of a harmonic oscillator: 2, as on paper", async () => {
    // E - E0 of velocity Verlet is K omega² dt² / 4 (T55): at 0.5 fs and omega 0.15/fs it is 0.14 % of the kinetic energy.
    const structure = grid(3);
    const order = await orderOf(springs(30, structure.positions), { ...experiment, structure });
    expect(value(order.value)).toBeCloseTo(2, 2);
    expect(value(order.high) - value(order.low)).toBeLessThan(0.02);
    expect(order.points.map(({ dt }) => dt)).toEqual([1, Math.SQRT1_2, 0.5]);
  });

  test("of anharmonic bonds: 2.0 ± 0.1", async () => {
    const order = await orderOf(morsePairs());
    expect(Math.abs(value(order.value) - 2)).toBeLessThan(0.1);
    expect(value(order.low)).toBeGreaterThan(1.8);
    expect(order.sentence).toMatch(
      /^The energy fluctuates as dt to the 2\.0\d \(95 %: .*\): velocity Verlet on a true gradient gives 2\.$/,
    );
  });

  test.each<[string, Potential]>([
    ["a force with a curl", morsePairs(swirl(0.02))],
    ["forces rounded to 0.05 eV/Å", rounded(morsePairs(), 0.05)],
  ])("is not 2 of %s", async (_, potential) => {
    const order = await orderOf(potential);
    expect(value(order.value)).toBeLessThan(1.5);
    expect(order.sentence).toContain("the force is not the gradient of the energy, or it is rounded too much");
  });
});

describe("reversal", () => {
  const reversalOf = async (potential: Potential, steps = 500) =>
    reversalSchema.parse(await measureReversal(potential, experiment, await equilibrated(potential, experiment), steps));

  test("comes back to the start, further off after a longer way", async () => {
    const { value: distance, velocity, points, steps } = await reversalOf(morsePairs());
    expect(value(distance)).toBeLessThan(1e-10);
    expect(value(velocity)).toBeLessThan(1e-10);
    expect(points.map((point) => point.steps)).toEqual([5, 50, 500]);
    expect(steps).toBe(500);
  });

  test("does not where forces depend on more than positions", async () => {
    let calls = 0;
    const forgetful: Potential = {
      ...morsePairs(),
      evaluate: async (batch) => await morsePairs((x) => x.map((_, k) => 1e-4 * Math.sin(k + calls++))).evaluate(batch),
    };
    expect(value((await reversalOf(forgetful)).value)).toBeGreaterThan(1e-6);
  });

  test("a guard that stops it is an error", async () => {
    const torn = morsePairs((x) => x.map((xi, k) => (k === 0 && xi > 0.02 ? 1e4 : 0)));
    await expect(reversalOf(torn)).rejects.toThrow(expect.objectContaining({ code: "UNSTABLE" }));
  });

  test("an abort is an error", async () => {
    const signal = AbortSignal.abort();
    await expect(equilibrated(morsePairs(), { ...experiment, signal })).rejects.toThrow(expect.objectContaining({ code: "CANCELLED" }));
  });
});

describe("momenta", () => {
  const momentaOf = async (potential: Potential, structure = fluid) => {
    const session = await openSession(potential, structure, { steps: 300, frameEvery: 20, replicas: 2, timestep: 1 });
    const trace = new MomentumTrace(structure, session.masses);
    for (const frame of (await whole(session)).frames) trace.add(frame);
    return momentumSchema.parse(trace.result());
  };

  test("are kept by forces between pairs", async () => {
    const { linear, angular, centreOfMass, frames } = await momentaOf(morsePairs());
    expect(value(linear)).toBeLessThan(1e-13);
    expect(value(angular)).toBeLessThan(1e-13);
    expect(value(centreOfMass)).toBeLessThan(1e-12);
    expect(frames).toBe(16);
  });

  test("a net force moves the centre of mass, a torque turns", async () => {
    const pushed = await momentaOf(morsePairs((x) => x.map((_, k) => (k === 0 ? 0.01 : 0))));
    expect(value(pushed.linear)).toBeGreaterThan(1e-3);
    expect(value(pushed.centreOfMass)).toBeGreaterThan(1e-3);
    const turned = await momentaOf(morsePairs(swirl(1e-3)));
    expect(value(turned.angular)).toBeGreaterThan(1e-3);
  });

  test("no angular momentum with a periodic axis, nothing of one frame", async () => {
    const periodic = {
      ...fluid,
      cell: Float64Array.of(20, 0, 0, 0, 20, 0, 0, 0, 20),
      pbc: [true, true, true] as [boolean, boolean, boolean],
    };
    expect((await momentaOf(morsePairs(), periodic)).angular).toBeNull();
    expect(new MomentumTrace(fluid, new Float64Array(5)).result()).toBeNull();
  });
});

describe("all experiments", () => {
  const request = {
    structure: fluid,
    temperature: 300,
    seed: 1,
    timestep: 1,
    skin: 0.5,
    signal: null,
    cutoff: null,
    onProgress: () => undefined,
  };

  test("keep to the budget", async () => {
    let evaluated = 0;
    const counted = (potential: Potential): Potential => ({
      ...potential,
      evaluate: async (batch) => {
        evaluated += batch.length;
        return potential.evaluate(batch);
      },
    });
    const exact = counted(morsePairs());
    const budget = 80_000;
    const { order, reversal, attribution, failures } = await measureAll({ ...request, side: rounded(exact, 1e-5), exact, budget });
    expect(failures).toEqual([]);
    orderSchema.parse(order);
    reversalSchema.parse(reversal);
    expect(attributionSchema.parse(attribution).runs).toHaveLength(6);
    expect(evaluated).toBeGreaterThan(0.9 * budget);
    expect(evaluated).toBeLessThan(1.05 * budget);
  });

  test("one that a guard stops is missing, and says why", async () => {
    const exact = morsePairs((x) => x.map((xi, k) => (k === 0 && xi > 0.2 ? 1e4 : 0)));
    const { failures, ...rest } = await measureAll({ ...request, side: exact, exact, budget: 40_000 });
    expect(failures.length).toBeGreaterThan(0);
    expect(failures[0]).toMatch(/could not be measured: a run of test:pairs made to measure it: step -?\d+ cannot be made/);
    expect(Object.values(rest)).toContain(null);
  });
});

test("the shipped model: order 2.0 ± 0.1, reversal over 1,000 steps within 1e-8 Å", async () => {
  const file = await readModelFile(fileURLToPath(new URL("../../models/ethanol.safetensors", import.meta.url)));
  const engine = createNativeEngine(file, { device: "cpu", precision: "f64", threads: 1 });
  try {
    const own: Experiment = { ...experiment, structure: ethanol, timestep: 0.5, equilibration: 100 };
    const start = await equilibrated(engine, own);
    const order = await measureOrder(engine, own, start, 0.1);
    expect(Math.abs(value(order.value) - 2)).toBeLessThan(0.1);
    const reversal = await measureReversal(engine, own, start, 1000);
    expect(value(reversal.value)).toBeLessThan(1e-8);
  } finally {
    await engine.close();
  }
}, 60_000);
