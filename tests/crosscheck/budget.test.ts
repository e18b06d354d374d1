import { describe, expect, test } from "vitest";
import type { Evaluation, Potential } from "../../src/system/potential.ts";
import { ethanol, water } from "../systems.ts";
import { mapped, morse, pairPotential } from "./pair-potential.ts";
import { check } from "./run.ts";

const reference = pairPotential("torch:cpu:f64");
const side = pairPotential("native:cpu:f64");
const options = { structures: [ethanol, water], laws: [], boxes: false, samples: 1 };

/** The pair potential as a teacher: what it says is changed by `edit`, and like every ASE calculator it knows no net energy. */
function teacher(edit: (evaluation: Evaluation) => Evaluation): Potential {
  const name = "ase:teacher:Teacher";
  const evaluate: Potential["evaluate"] = async (batch, want) => (await reference.evaluate(batch, want)).map(edit);
  return { ...reference, name, evaluate };
}

/** Forces off by a tenth, energies by a constant of the composition and some more. */
const strict = teacher((e) => ({
  ...e,
  energy: 7 + 1.1 * e.energy,
  netEnergy: 7 + 1.1 * e.energy,
  energies: null,
  forces: mapped(e.forces, (f) => 1.1 * f),
}));

describe("an error budget", () => {
  test("measures a teacher, which nothing has to equal", async () => {
    const { result } = await check([side, strict], reference, options);
    expect(result.verdict).toBe("pass");
    expect(result.comparisons.map(({ side: name }) => name)).toEqual(["native:cpu:f64"]);
    expect(result.budget.map(({ source, expects, side: name, reference: against }) => [source, expects, name, against])).toEqual([
      ["engine", "equality", "native:cpu:f64", "torch:cpu:f64"],
      ["model", "error", "ase:teacher:Teacher", "torch:cpu:f64"],
    ]);
    const [engine, model] = result.budget;
    expect(engine?.forces?.maxAbs).toBe(0);
    expect(engine?.energy).toEqual({ rms: 0, maxAbs: 0, basis: "net" });
    const largest = Math.max(...result.comparisons.map(({ forces }) => forces?.largest ?? Number.NaN));
    expect(model?.forces?.maxAbs).toBeCloseTo(0.1 * largest, 12);
    expect(model?.forces?.rms).toBeGreaterThan(0.001 * largest);
    expect(model?.structures).toBe(4);
  });

  test("is the distance of float32 from our float64", async () => {
    const float32 = pairPotential("native:cpu:f32", { pair: morse, round: Math.fround });
    const { result } = await check([float32, side], reference, options);
    const entry = result.budget.find(({ source }) => source === "float32");
    expect(entry).toMatchObject({ expects: "equality", side: "native:cpu:f32", reference: "native:cpu:f64" });
    const alone = (await check([float32], reference, options)).result.budget;
    expect(alone).toMatchObject([{ source: "float32", reference: "torch:cpu:f64" }]);
  });

  test("is that of mixed precision by its own name", async () => {
    const mixed = pairPotential("native:cuda:mixed", { pair: morse, round: (energy) => energy + 1e-3 });
    const { result } = await check([mixed, side], reference, options);
    expect(result.budget.map(({ source, reference: against }) => [source, against])).toEqual([
      ["mixed", "native:cpu:f64"],
      ["engine", "torch:cpu:f64"],
    ]);
  });

  test("may be of a teacher alone", async () => {
    const { result } = await check([strict], reference, options);
    expect([result.verdict, result.comparisons.length, result.budget.length]).toEqual(["pass", 0, 1]);
  });

  test.each([
    ["NaN", (e: Evaluation) => ({ ...e, forces: mapped(e.forces, (f, k) => (k === 3 ? Number.NaN : f)) })],
    ["no forces", (e: Evaluation) => ({ ...e, forces: null })],
    ["too few forces", (e: Evaluation) => ({ ...e, forces: e.forces?.slice(3) ?? null })],
    ["an energy that is infinite", (e: Evaluation) => ({ ...e, energy: Number.POSITIVE_INFINITY, netEnergy: Number.POSITIVE_INFINITY })],
  ])("fails where a teacher gives %s: nothing was measured", async (_, edit) => {
    const { result } = await check([side, teacher(edit)], reference, options);
    expect(result.verdict).toBe("fail");
  });

  test("fails where a teacher does not answer", async () => {
    const silent = { ...strict, evaluate: () => Promise.reject(new Error("no")) };
    const { result } = await check([side, silent], reference, options);
    expect(result.verdict).toBe("fail");
    expect(result.budget.at(-1)).toMatchObject({ structures: 0, energy: { maxAbs: null } });
  });

  test("does not excuse a calculator that was named as the reference", async () => {
    const { result } = await check([side], strict, options);
    expect(result.verdict).toBe("fail");
    expect(result.comparisons).toHaveLength(1);
  });
});
