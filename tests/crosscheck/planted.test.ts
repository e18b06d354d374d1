import { describe, expect, test } from "vitest";
import { PainnlessError } from "../../src/errors.ts";
import type { Evaluation, Potential } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { energyUnitsInEv } from "../../src/system/units.ts";
import { ethanol, methanol, smallCrystal, triclinic } from "../systems.ts";
import { mapped, morse, type Parts, pairPotential } from "./pair-potential.ts";
import { check } from "./run.ts";

const reference = pairPotential("torch:cpu:f64");
const quick = { laws: [], samples: 1, boxes: true } as const;

type Change = (evaluation: Evaluation, structure: Structure, index: number) => Evaluation;
const forces =
  (edit: (f: Float64Array) => Float64Array): Change =>
  (e) => ({ ...e, forces: e.forces && edit(e.forces) });

/** Faults in the door between an engine and its caller, each planted alone. */
const faults: readonly { name: string; change?: Change; parts?: Parts; reason: RegExp }[] = [
  {
    name: "y and z swapped in the forces",
    change: forces((f) => f.map((_, k) => f[k % 3 === 1 ? k + 1 : k % 3 === 2 ? k - 1 : k] as number)),
    reason: /forces differ/,
  },
  {
    name: "atoms listed in reverse",
    change: forces((f) => f.map((_, k) => f[f.length - 3 - 3 * Math.floor(k / 3) + (k % 3)] as number)),
    reason: /forces differ/,
  },
  { name: "sign of the forces flipped", change: forces((f) => f.map((x) => -x)), reason: /forces differ/ },
  { name: "forces in kcal/mol/Å", change: forces((f) => f.map((x) => x / energyUnitsInEv["kcal/mol"])), reason: /forces differ/ },
  {
    name: "energies in kcal/mol",
    change: (e) => ({ ...e, energy: e.energy / energyUnitsInEv["kcal/mol"], netEnergy: e.netEnergy / energyUnitsInEv["kcal/mol"] }),
    reason: /energies differ/,
  },
  {
    name: "CODATA 2019 instead of ASE's units",
    change: forces((f) => f.map((x) => x * (0.043364104241800934 / 0.04336410390059322))),
    reason: /forces differ/,
  },
  {
    name: "one NaN in the forces",
    change: (e, s) => (s === triclinic ? forces((f) => f.map((x, k) => (k === 4 ? Number.NaN : x)))(e, s, 0) : e),
    reason: /triclinic: forces differ by NaN/,
  },
  { name: "infinite energy", change: (e) => ({ ...e, energy: Infinity, netEnergy: Infinity }), reason: /energies differ by Infinity/ },
  {
    name: "NaN energy of one structure",
    change: (e, s) => (s === ethanol ? { ...e, energy: Number.NaN, netEnergy: Number.NaN } : e),
    reason: /ethanol: net energies differ by NaN/,
  },
  { name: "forces missing", change: (e) => ({ ...e, forces: null }), reason: /gave no forces/ },
  { name: "forces one atom short", change: forces((f) => f.slice(3)), reason: /gave \d+ forces components, expected/ },
  { name: "forces empty", change: forces(() => new Float64Array()), reason: /gave 0 forces components/ },
  { name: "forces zero", change: forces((f) => f.map(() => 0)), reason: /forces differ/ },
  { name: "stress missing", change: (e) => ({ ...e, stress: null }), reason: /gave no stress/ },
  {
    name: "stress as pressure, opposite sign",
    change: (e) => ({ ...e, stress: mapped(e.stress, (x) => -x) }),
    reason: /stress differ/,
  },
  {
    name: "stress in order xx yy zz xy xz yz",
    change: (e) => ({
      ...e,
      stress: mapped(e.stress, (x, k, all) => (k === 3 ? (all[5] as number) : k === 5 ? (all[3] as number) : x)),
    }),
    reason: /stress differ/,
  },
  { name: "a constant in the total energy only", change: (e) => ({ ...e, energy: e.energy + 1e-8 }), reason: /total energies differ/ },
  {
    name: "per-atom energies that do not belong to their atoms",
    change: (e) => ({ ...e, energies: mapped(e.energies, (_, k, all) => all[all.length - 1 - k] as number) }),
    reason: /the energy of atom 0 differs/,
  },
  {
    name: "one atom's force off by 1e-9",
    change: forces((f) => f.map((x, k) => (k === 7 ? x + 1e-9 : x))),
    reason: /forces differ by 1.00e-9/,
  },
  { name: "species of the structure before", change: staleSpecies(), reason: /energies differ/ },
  { name: "an image dropped", parts: { pair: morse, image: ([a]) => a < 1 }, reason: /forces differ/ },
  {
    name: "derivative of the cutoff omitted",
    parts: { pair: (d, a, b) => [morse(d, a, b)[0], morse(d, a, b)[1] + 1e-6] },
    reason: /forces differ/,
  },
];

/** Atomic numbers are read once for each number of atoms and then reused. */
function staleSpecies(): Change {
  const honest = pairPotential("inner");
  const seen = new Map<number, Evaluation>();
  return (e, s) => {
    const stale = seen.get(s.numbers.length);
    seen.set(s.numbers.length, stale ?? e);
    return stale === undefined || honest.name === "" ? e : { ...e, energy: stale.energy, netEnergy: stale.netEnergy };
  };
}

describe.each(faults)("$name", ({ change, parts, reason }) => {
  test("is found by comparison", async () => {
    const side = pairPotential("native:cpu:f64", parts, change);
    const { result, replays } = await check([side], reference, { ...quick, structures: [ethanol, methanol, triclinic, smallCrystal] });
    expect(result.verdict).toBe("fail");
    expect(result.comparisons[0]?.verdict).toBe("fail");
    expect(result.comparisons[0]?.reasons.join("\n")).toMatch(reason);
    expect(replays.length).toBeGreaterThan(0);
  });
});

test("the honest side passes the same comparison", async () => {
  const { result } = await check([pairPotential("native:cpu:f64")], reference, {
    ...quick,
    structures: [ethanol, methanol, triclinic, smallCrystal],
  });
  expect(result.verdict).toBe("pass");
  expect(result.comparisons[0]?.reasons).toEqual([]);
});

test("float32 rounding passes as float32 and fails as float64", async () => {
  const rounded = (name: string) => pairPotential(name, { pair: morse, round: Math.fround });
  const options = { ...quick, structures: [ethanol, triclinic] };
  expect((await check([rounded("native:cpu:f32")], reference, options)).result.verdict).toBe("pass");
  expect((await check([rounded("native:cpu:f64")], reference, options)).result.verdict).toBe("fail");
});

test("a float32 side much worse than PyTorch's float32 fails although it is within the tolerance", async () => {
  const torch32 = pairPotential("torch:cpu:f32", { pair: morse, round: Math.fround });
  const noisy = pairPotential("native:cpu:f32", undefined, (e) => ({ ...e, forces: mapped(e.forces, (f) => f + 3e-6) }));
  const { result } = await check([noisy, torch32], reference, { ...quick, structures: [ethanol] });
  const comparison = result.comparisons.find(({ side, reference: r }) => side === "native:cpu:f32" && r === "torch:cpu:f64");
  expect(comparison?.forces?.ratio).toBeLessThan(1);
  expect(comparison?.yardstick?.ratio).toBeGreaterThan(1.5);
  expect(comparison?.verdict).toBe("fail");
});

test("a side that throws is an error and a failed verdict; the others go on", async () => {
  const bad: Potential = {
    ...pairPotential("native:cpu:f32"),
    evaluate: async () => {
      throw new PainnlessError("WORKER_DIED", "gone");
    },
  };
  const { result } = await check([bad, pairPotential("native:cpu:f64")], reference, {
    ...quick,
    laws: ["translation"],
    structures: [ethanol],
  });
  expect(result.verdict).toBe("fail");
  expect(result.sides.find(({ name }) => name === "native:cpu:f32")?.error).toMatchObject({ code: "WORKER_DIED", structure: "ethanol" });
  const good = result.comparisons.find(({ side, reference: r }) => side === "native:cpu:f64" && r === "torch:cpu:f64");
  expect(good?.verdict).toBe("pass");
  expect(result.laws.find(({ side }) => side === "native:cpu:f32")).toMatchObject({ verdict: "fail", error: { code: "WORKER_DIED" } });
  expect(result.laws.find(({ side }) => side === "native:cpu:f64")?.verdict).toBe("pass");
});

test("one structure that throws costs its own answer only", async () => {
  const honest = pairPotential("native:cpu:f64");
  const picky: Potential = {
    ...honest,
    evaluate: async (batch, want) => {
      if (batch.some(({ name }) => name === "methanol")) throw new PainnlessError("NOT_FINITE", "no");
      return honest.evaluate(batch, want);
    },
  };
  const { result } = await check([picky], reference, { ...quick, samples: 0, structures: [ethanol, methanol] });
  expect(result.comparisons[0]?.reasons).toEqual(["methanol: native:cpu:f64 gave no result"]);
  expect(result.comparisons[0]?.perStructure.map(({ structure }) => structure)).toContain("ethanol");
});

test("a reference that throws fails every comparison", async () => {
  const bad: Potential = {
    ...reference,
    evaluate: async () => {
      throw new Error("out of memory");
    },
  };
  const { result } = await check([pairPotential("native:cpu:f64")], bad, { ...quick, structures: [ethanol] });
  expect(result.verdict).toBe("fail");
  expect(result.comparisons[0]).toMatchObject({ verdict: "fail", energy: { maxAbsPerAtom: null }, forces: { maxAbs: null } });
});
