import { describe, expect, test } from "vitest";
import { finiteDifferencePotential } from "../../src/crosscheck/fd.ts";
import { ulpDistribution, ulpOf } from "../../src/crosscheck/metrics.ts";
import { accuracyOf, lawTolerances, pairTolerances } from "../../src/crosscheck/tolerances.ts";
import { PainnlessError } from "../../src/errors.ts";
import { assertClose } from "../close.ts";
import { ethanol, farDimer, singleAtom, slab, triclinic, water } from "../systems.ts";
import { mapped, pairPotential } from "./pair-potential.ts";
import { check } from "./run.ts";

const reference = pairPotential("torch:cpu:f64");
const side = pairPotential("native:cpu:f64");

describe("the run", () => {
  test("is the same for the same seed, and another for another", async () => {
    const run = async (seed: number) => {
      const { result } = await check([side], reference, { seed, structures: [water], laws: ["rotation"] });
      const { started, seconds, sides, ...rest } = result;
      return { ...rest, sides: sides.map(({ name }) => name), measured: started !== "" && seconds >= 0 };
    };
    expect(await run(7)).toEqual(await run(7));
    expect((await run(8)).comparisons[0]?.forces?.parity).not.toEqual((await run(7)).comparisons[0]?.forces?.parity);
  });

  test("compares every two sides, the coarser against the finer", async () => {
    const { result } = await check([pairPotential("native:cpu:f32"), side, finiteDifferencePotential(side)], reference, {
      structures: [water],
      laws: [],
    });
    expect(result.comparisons.map((c) => `${c.side} ~ ${c.reference}`)).toEqual([
      "native:cpu:f32 ~ torch:cpu:f64",
      "native:cpu:f64 ~ torch:cpu:f64",
      "fd:native:cpu:f64 ~ torch:cpu:f64",
      "native:cpu:f32 ~ native:cpu:f64",
      "native:cpu:f32 ~ fd:native:cpu:f64",
      "fd:native:cpu:f64 ~ native:cpu:f64",
    ]);
  });

  test("takes a single atom and a pair beyond the cutoff", async () => {
    const { result } = await check([side], reference, { structures: [singleAtom, farDimer], boxes: false });
    expect(result.verdict).toBe("pass");
    expect(result.structures.map(({ edges }) => edges)).toEqual([0, 0, 0, 0]);
  });

  test.each([
    [{ structures: [] }, /0 structures/],
    [{ structures: [water, water] }, /two structures are called "water"/],
    [{ structures: [{ ...water, positions: water.positions.map(() => Number.NaN) }] }, /position of atom 0/],
  ])("refuses %j", async (options, message) => {
    await expect(check([side], reference, options)).rejects.toThrow(message);
  });

  test("refuses what its reference refuses as input; what only another side refuses is that side's failure", async () => {
    const refusing = (of: typeof side) => ({
      ...of,
      evaluate: () => Promise.reject(new PainnlessError("BAD_STRUCTURE", 'structure "water": atoms 1 and 2 coincide')),
    });
    const options = { structures: [water], laws: [] };
    await expect(check([side], refusing(reference), options)).rejects.toMatchObject({ code: "BAD_STRUCTURE" });
    const { result } = await check([refusing(side)], reference, options);
    expect(result).toMatchObject({ verdict: "fail", sides: [{ error: null }, { error: { code: "BAD_STRUCTURE" } }] });
  });

  test("ends with CANCELLED when it is interrupted", async () => {
    await expect(check([side], reference, { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "CANCELLED" });
    const cancelled = { ...side, evaluate: () => Promise.reject(new PainnlessError("CANCELLED", "closed")) };
    await expect(check([cancelled], reference)).rejects.toMatchObject({ code: "CANCELLED" });
  });

  test("names the worst atom with both values", async () => {
    const off = pairPotential("native:cpu:f64", undefined, (e, s) =>
      s.name === "water" ? { ...e, forces: mapped(e.forces, (f, k) => (k === 5 ? f + 1e-3 : f)) } : e,
    );
    const { result } = await check([off], reference, { structures: [ethanol, water], samples: 0, laws: [] });
    const worst = result.comparisons[0]?.forces?.worst;
    expect(worst).toMatchObject({ structure: "water", atom: 1, symbol: "H", component: "z" });
    expect((worst?.side ?? 0) - (worst?.reference ?? 0)).toBeCloseTo(1e-3, 12);
  });

  test("says of an assumed energy unit that it was assumed", async () => {
    const model = { name: "m", sha256: "0", architecture: "a", cutoff: 5, energyUnit: "kcal/mol", unitsOrigin: "assumed" };
    const { result } = await check([side], reference, { model, structures: [water], laws: [], samples: 0 });
    expect(result.findings).toEqual([expect.stringContaining("kcal/mol was assumed")]);
  });
});

describe("a foreign side that cannot keep its constants apart", () => {
  /** The reference has an offset of -1000 eV an atom, kept apart. */
  const offset = pairPotential("torch:cpu:f64", undefined, (e, s) => ({
    ...e,
    energy: e.energy - 1000 * s.numbers.length,
    energies: null,
  }));
  const foreign = (shift: number, error: number) =>
    pairPotential("package", undefined, (e, s) => {
      const energy = e.energy - 1000 * s.numbers.length + shift + (s.name.endsWith("1") ? error : 0);
      return { ...e, energy, netEnergy: energy, energies: null };
    });
  test("may be shifted as a whole, but not from one geometry to the next", async () => {
    const options = { structures: [water], samples: 2, boxes: false, laws: [] };
    const shifted = await check([foreign(1e-4, 0)], offset, options);
    expect(shifted.result.comparisons[0]).toMatchObject({ verdict: "pass", energy: { basis: "shifted" } });
    const wrong = await check([foreign(1e-4, 1e-3)], offset, options);
    expect(wrong.result.comparisons[0]?.verdict).toBe("fail");
  });
});

describe("fd:SIDE", () => {
  test("gives the forces and the stress of the energy", async () => {
    const exact = await side.evaluate([ethanol, triclinic, slab], ["energy", "forces", "stress"]);
    const differences = await finiteDifferencePotential(side).evaluate([ethanol, triclinic, slab], ["energy", "forces", "stress"]);
    exact.forEach((evaluation, i) => {
      assertClose(differences[i]?.forces as Float64Array, evaluation.forces as Float64Array, 1e-9);
    });
    assertClose(differences[1]?.stress as Float64Array, exact[1]?.stress as Float64Array, 1e-10);
    expect(differences.map((e) => e.stress === null)).toEqual([true, false, true]);
  });
  test("does not hide an energy that is not a number", async () => {
    const broken = pairPotential("native:cpu:f64", undefined, (e) => ({ ...e, netEnergy: Number.NaN }));
    const [evaluation] = await finiteDifferencePotential(broken).evaluate([water]);
    expect(evaluation?.forces).toEqual(new Float64Array(9).fill(Number.NaN));
  });
});

describe("numbers", () => {
  test("ulps", () => {
    expect(ulpOf(1, "float64")).toBe(2 ** -52);
    expect(ulpOf(-1.999, "float64")).toBe(2 ** -52);
    expect(ulpOf(2, "float32")).toBe(2 ** -22);
    expect(ulpOf(0, "float64")).toBe(2 ** -1074);
    const spread = ulpDistribution([1, 1 + 2 ** -52, 1 + 3 * 2 ** -52, Number.NaN], [1, 1, 1, 1], "float64");
    expect(spread).toMatchObject({ max: null });
    expect(spread?.histogram.filter(({ count }) => count > 0)).toEqual([
      { upTo: 0, count: 1 },
      { upTo: 1, count: 1 },
      { upTo: 4, count: 1 },
      { upTo: null, count: 1 },
    ]);
  });
  const scale = { atoms: 9, perAtom: -1, largestForce: 1, virialPerAtom: 0, volume: 0, cutoff: 5 };
  test("tolerances are those of issue and accuracy.md", () => {
    expect(pairTolerances("native:cpu:f64", "torch:cpu:f64", scale)).toMatchObject({ energy: 1e-12, forces: 1e-10 });
    expect(pairTolerances("native:cpu:f32", "torch:cpu:f64", scale)).toMatchObject({ energy: 5e-6, forces: 1e-5 });
    expect(pairTolerances("native:cpu:f32", "torch:cpu:f64", { ...scale, largestForce: 20 }).energy).toBeCloseTo(2e-5, 12);
    expect(pairTolerances("native:cpu:f32", "torch:cpu:f64", { ...scale, largestForce: 100 }).forces).toBeCloseTo(5e-4, 12);
    expect(pairTolerances("torch:cpu:f32", "torch:cpu:f64", scale).forces).toBe(1e-4);
    expect(pairTolerances("native:cuda:f32", "native:cpu:f32", scale).forces).toBe(2e-5);
    expect(lawTolerances("native:cpu:f64", scale).forces).toBe(2e-10);
    expect(pairTolerances("native:cpu:f32", "torch:cpu:f64", { ...scale, virialPerAtom: 100 }).forces).toBe(1e-5);
    expect(lawTolerances("native:cpu:f32", { ...scale, virialPerAtom: 100 }).forces).toBeCloseTo(1e-3, 12);
  });
  test.each([
    ["native:cpu:f64", "f64"],
    ["torch:cuda:1:f32", "foreign-f32"],
    ["native:cuda:mixed", "mixed"],
    ["package", "foreign-f32"],
    ["fd:native:cpu:f64", "fd-f64"],
    ["fd:package", "fd-f32"],
  ] as const)("%s computes as %s", (name, accuracy) => {
    expect(accuracyOf(name)).toBe(accuracy);
  });
});
