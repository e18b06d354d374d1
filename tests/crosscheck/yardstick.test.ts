import { describe, expect, test } from "vitest";
import type { Answers } from "../../src/crosscheck/compare.ts";
import { measureYardstick } from "../../src/crosscheck/yardstick.ts";
import type { Evaluation, Potential } from "../../src/system/potential.ts";
import { ethanol, farDimer, methanol, water } from "../systems.ts";
import { morse, pairPotential } from "./pair-potential.ts";
import { check } from "./run.ts";

/** Forces on `atoms` atoms, each component of each structure this far from 1. */
const answers = (side: string, errors: readonly number[], atoms = 6): Answers => ({
  side,
  evaluations: errors.map((error): Evaluation => {
    const forces = new Float64Array(3 * atoms).fill(1).map((f, k) => f + (k % 2 ? error : -error));
    return { energy: 0, netEnergy: 0, forces, stress: null, energies: null };
  }),
});
const none: Answers["evaluations"] = [null];
const measure = (ours: readonly number[], theirs: readonly number[], atoms = 6) =>
  measureYardstick(
    answers("native:cpu:f32", ours, atoms),
    answers("torch:cpu:f32", theirs, atoms),
    answers(
      "torch:cpu:f64",
      ours.map(() => 0),
      atoms,
    ),
  );

describe("the yardstick", () => {
  test.each<[string, readonly number[], readonly number[], number, boolean]>([
    ["the median counts, not the worst", [1e-6, 1e-6, 9e-6], [1e-6, 1e-6, 1e-6], 1, true],
    ["of an even number the mean of both in the middle", [1e-6, 4e-6], [1e-6, 1e-6], 2.5, true],
    ["twice as far everywhere", [2e-6, 2e-6, 2e-6, 2e-6, 2e-6, 2e-6, 2e-6, 2e-6], Array(8).fill(1e-6), 2, false],
    ["far more than PyTorch, but less than rounding explains", [4e-7, 4e-7], [1e-8, 1e-8], 40, true],
    ["structures without errors on either side do not count", [0, 0, 0, 9e-6], [0, 0, 0, 1e-6], 9, false],
  ])("%s", (_, ours, theirs, ratio, held) => {
    const measured = measure(ours, theirs);
    expect(measured.ratio).toBeCloseTo(ratio, 6);
    expect(measured.held).toBe(held);
  });
  test("the fewer atoms, the more is chance", () => {
    expect([1, 3, 8].map((n) => measure(Array(n).fill(1e-6), Array(n).fill(1e-6)).limit)).toEqual([4, 2, 1.5]);
    expect(measure([1e-6], [1e-6], 50).limit).toBe(1.5);
  });
  test("NaN of ours is worse than anything, NaN of PyTorch's is not our fault", () => {
    expect(measure([Number.NaN, 1e-6], [1e-6, 1e-6])).toMatchObject({ ratio: null, held: false });
    expect(measure([1e-6, 1e-6], [Number.NaN, 1e-6])).toMatchObject({ maxAbs: null, ratio: 0.5, held: true });
    const missing = { side: "native:cpu:f32", evaluations: none };
    expect(measureYardstick(missing, answers("torch:cpu:f32", [1e-6]), answers("torch:cpu:f64", [0]))).toMatchObject({ held: false });
  });
});

describe("crosscheck with a yardstick", () => {
  const rounded = (name: string): Potential => pairPotential(name, { pair: morse, round: Math.fround });
  const options = { structures: [ethanol, methanol, water, farDimer], samples: 0, boxes: false, laws: [] };

  test("measures float32 sides by it, and does not check it", async () => {
    let asked = 0;
    const honest = rounded("torch:cpu:f32");
    const yardstick: Potential = {
      ...honest,
      evaluate: (batch, want) => {
        asked += batch.length;
        return honest.evaluate(batch, want);
      },
    };
    const sides = [rounded("native:cpu:f32"), pairPotential("native:cpu:f64")];
    const { result } = await check(sides, pairPotential("torch:cpu:f64"), { ...options, yardstick });
    expect(result.verdict).toBe("pass");
    expect(result.comparisons.map((c) => c.yardstick?.ratio ?? null)).toEqual([1, null, null]);
    expect(result.sides.map(({ name }) => name)).not.toContain("torch:cpu:f32");
    expect(asked).toBe(4);
    await check([...sides, yardstick], pairPotential("torch:cpu:f64"), { ...options, yardstick });
    expect(asked).toBe(8); // as a side, and no second time
  });
});
