import { describe, expect, test } from "vitest";
import { type LawName, lawNames } from "../../src/crosscheck/result.ts";
import { cellVolume, cross, dot, row } from "../../src/system/cell.ts";
import type { Evaluation } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { ethanol, slab, smallCrystal, triclinic, wire } from "../systems.ts";
import { cutoff, mapped, morse, type Parts, pairPotential } from "./pair-potential.ts";
import { check } from "./run.ts";

const none = { samples: 0, boxes: false };

interface Violation {
  readonly law: LawName;
  readonly structure: Structure;
  /** how it is broken; `size` scales the violation */
  readonly how: string;
  readonly parts?: (size: number) => Parts;
  readonly change?: (size: number) => (evaluation: Evaluation, structure: Structure, index: number) => Evaluation;
}

const withEnergy = (evaluation: Evaluation, extra: number): Evaluation => ({
  ...evaluation,
  energy: evaluation.energy + extra,
  netEnergy: evaluation.netEnergy + extra,
});

const withForces = (evaluation: Evaluation, edit: (f: number, k: number) => number): Evaluation => ({
  ...evaluation,
  forces: mapped(evaluation.forces, edit),
});

/** Which side of the plane of the first three atoms the fourth lies on. */
const handedness = ({ positions }: Structure): number => {
  const [a, b, c, d] = [0, 1, 2, 4].map((i) => row(positions, i)) as unknown as [number[], number[], number[], number[]];
  const from = (p: number[]) => p.map((x, k) => x - (a[k] ?? 0));
  return Math.tanh(dot(from(b), cross(from(c), from(d))));
};

const outside = ({ positions, cell }: Structure): number =>
  cell !== null && positions.some((x) => Math.abs(x) > Math.cbrt(cellVolume(cell)) * 1.2) ? 1 : 0;

/** One for each law: as far as can be, it breaks that law and no other. */
const violations: readonly Violation[] = [
  {
    law: "translation",
    structure: ethanol,
    how: "the energy depends on where the structure is",
    change: (size) => (e, s) => withEnergy(e, size * 1e-6 * (s.positions[0] ?? 0)),
  },
  {
    law: "rotation",
    structure: ethanol,
    how: "pairs along x are different",
    parts: (size) => ({ pair: morse, direction: ([x]) => ({ energy: size * 1e-5 * x * x, gradient: [2e-5 * size * x, 0, 0] }) }),
  },
  {
    law: "reflection",
    structure: ethanol,
    how: "mirror images differ",
    change: (size) => (e, s) => withEnergy(e, size * 1e-6 * handedness(s)),
  },
  {
    law: "permutation",
    structure: ethanol,
    how: "the first atom is special",
    change: (size) => (e, s) => withEnergy(e, size * 1e-6 * (s.numbers[0] ?? 0)),
  },
  {
    law: "net-force",
    structure: ethanol,
    how: "one atom is pushed",
    change: (size) => (e) => withForces(e, (f, k) => (k === 0 ? f + size * 1e-6 : f)),
  },
  {
    law: "net-torque",
    structure: ethanol,
    how: "two atoms are pushed apart sideways",
    change: (size) => (e) => withForces(e, (f, k) => (k === 2 ? f + size * 1e-6 : k === 5 ? f - size * 1e-6 : f)),
  },
  {
    law: "finite-difference",
    structure: ethanol,
    how: "forces are a little too large",
    change: (size) => (e) => withForces(e, (f) => f * (1 + size * 1e-4)),
  },
  {
    law: "finite-difference-stress",
    structure: triclinic,
    how: "stress is a little too large",
    change: (size) => (e) => ({ ...e, stress: mapped(e.stress, (x) => x * (1 + size * 1e-3)) }),
  },
  {
    law: "lattice-translation",
    structure: triclinic,
    how: "atoms outside the cell count for more",
    change: (size) => (e, s) => withEnergy(e, size * 1e-6 * outside(s)),
  },
  { law: "supercell", structure: triclinic, how: "a constant is not extensive", change: (size) => (e) => withEnergy(e, size * 1e-6) },
  {
    law: "small-cell",
    structure: smallCrystal,
    how: "only the nearest images are seen",
    parts: () => ({ pair: morse, image: (shift) => shift.every((s) => Math.abs(s) < 2) }),
  },
  { law: "extensivity", structure: ethanol, how: "a constant is not extensive", change: (size) => (e) => withEnergy(e, size * 1e-6) },
  {
    law: "smoothness",
    structure: ethanol,
    how: "the pair energy is cut off without going to zero",
    parts: (size) => ({ pair: (d, a, b) => [morse(d, a, b)[0] + (d < cutoff ? 1e-6 * size : 0), morse(d, a, b)[1]] }),
  },
  {
    law: "batch",
    structure: ethanol,
    how: "the second structure of a batch is off by one bit",
    change: (size) => (e, _, index) => withForces(e, (f) => (index === 1 ? f * (1 + size * 2 ** -52) : f)),
  },
  {
    law: "repetition",
    structure: ethanol,
    how: "each call drifts by one bit",
    change: (size) => {
      let calls = 0;
      return (e) => withForces(e, (f) => f * (1 + size * calls++ * 2 ** -52));
    },
  },
];

const planted = (name: string, { parts, change }: Violation, size: number) => pairPotential(name, parts?.(size), change?.(size));

test("there is a planted violation of every law", () => {
  expect(new Set(violations.map(({ law }) => law))).toEqual(new Set(lawNames));
});

describe.each(violations)("$law: $how", (violation) => {
  const { law, structure } = violation;
  const options = { ...none, structures: [structure], laws: [law] };
  const engineOnly = law === "batch" || law === "repetition";

  test("holds without it", async () => {
    const { result } = await check([pairPotential("native:cpu:f64")], pairPotential("torch:cpu:f64"), options);
    expect(result.verdict).toBe("pass");
    expect(result.laws.map(({ name, holds, attribution }) => ({ name, holds, attribution }))).toEqual([
      { name: law, holds: true, attribution: null },
    ]);
  });

  test("is the engine's when the reference keeps the law", async () => {
    const { result } = await check([planted("native:cpu:f64", violation, 1)], pairPotential("torch:cpu:f64"), options);
    expect(result.verdict).toBe("fail");
    expect(result.laws).toMatchObject([{ name: law, holds: false, verdict: "fail", attribution: "engine" }]);
  });

  test(engineOnly ? "is the engine's whatever the reference does" : "is the model's when the reference breaks it as much", async () => {
    const { result } = await check([planted("native:cpu:f64", violation, 1)], planted("torch:cpu:f64", violation, 1), options);
    expect(result.laws).toMatchObject(
      engineOnly ? [{ attribution: "engine", verdict: "fail" }] : [{ holds: false, attribution: "model", verdict: "pass" }],
    );
    if (!engineOnly) expect(result.findings.join()).toContain(`"${law}"`);
  });

  // A missing image has no size; bits differ or do not.
  if (!engineOnly && law !== "small-cell")
    test("is the engine's when it breaks the law more than the reference", async () => {
      const { result } = await check([planted("native:cpu:f64", violation, 3)], planted("torch:cpu:f64", violation, 1), options);
      expect(result.laws).toMatchObject([{ attribution: "engine", verdict: "fail" }]);
    });
});

test("laws that say nothing about a structure are listed with the reason, not passed", async () => {
  const molecular = { ...pairPotential("native:cpu:f64"), domain: { elements: null, maxAtoms: 100, periodic: false } };
  const { result } = await check([molecular], pairPotential("torch:cpu:f64"), {
    ...none,
    structures: [ethanol],
    laws: ["supercell", "small-cell"],
  });
  expect(result.laws).toEqual([]);
  expect(result.skipped.filter(({ side }) => side !== null)).toMatchObject([
    { law: "supercell" },
    { law: "small-cell", reason: expect.stringContaining("molecules only") },
  ]);
});

test("partly periodic structures keep every law that applies to them", async () => {
  const laws = lawNames.filter((name) => !name.startsWith("finite"));
  const { result } = await check([pairPotential("native:cpu:f64")], pairPotential("torch:cpu:f64"), {
    ...none,
    structures: [slab, wire],
    laws,
  });
  expect(result.laws.filter(({ holds }) => !holds)).toEqual([]);
  expect(result.laws.filter(({ name }) => name === "lattice-translation")).toHaveLength(2);
});

test("the sweep of finite differences is a V: truncation at one end, rounding at the other", async () => {
  const { result } = await check([pairPotential("native:cpu:f64")], pairPotential("torch:cpu:f64"), {
    ...none,
    structures: [ethanol],
    laws: ["finite-difference"],
  });
  const curve = result.laws[0]?.curves[0];
  const errors = curve?.y.values as number[];
  const best = errors.indexOf(Math.min(...errors));
  expect(best).toBeGreaterThan(2);
  expect(best).toBeLessThan(errors.length - 2);
  // Truncation falls as the square of the step: two half decades are two decades of error.
  expect(Math.log10((errors[1] ?? 0) / (errors[3] ?? 0))).toBeCloseTo(2, 0);
  expect(errors.at(-1)).toBeGreaterThan(10 * (errors[best] ?? 0));
});
