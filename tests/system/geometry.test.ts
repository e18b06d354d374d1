import { describe, expect, test } from "vitest";
import { cellHeights, cellVolume, cross, dot, row } from "../../src/system/cell.ts";
import { elementSymbol } from "../../src/system/elements.ts";
import { evaluateAll } from "../../src/system/evaluate-all.ts";
import { extxyzFrame } from "../../src/system/extxyz.ts";
import { countEdges } from "../../src/system/pairs.ts";
import type { Potential } from "../../src/system/potential.ts";
import { Random } from "../../src/system/random.ts";
import {
  latticeShifted,
  randomReflection,
  randomRotation,
  supercell,
  turned,
  turnStress,
  turnVectors,
} from "../../src/system/transform.ts";
import { assertClose } from "../close.ts";
import { pairPotential } from "../crosscheck/pair-potential.ts";
import { cubic, ethanol, farDimer, noEdges, selfImages, singleAtom, smallCrystal, triclinic, water } from "../systems.ts";

const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
const determinant = (q: Float64Array) => dot(row(q, 0), cross(row(q, 1), row(q, 2)));

describe("turns", () => {
  test.each([
    ["rotation", randomRotation, 1],
    ["reflection", randomReflection, -1],
  ] as const)("a random %s is orthogonal, of determinant %3$d", (_, draw, sign) => {
    const q = draw(new Random(5, "q"));
    assertClose(turnVectors(q, q), identity, 1e-14);
    assertClose([determinant(q)], [sign], 1e-14);
  });
  test("stress turns as the strain derivative of a turned crystal does", async () => {
    const q = randomRotation(new Random(6, "q"));
    const [plain, rotated] = await pairPotential("pair").evaluate([triclinic, turned(triclinic, q)], ["energy", "stress"]);
    assertClose(turnStress(plain?.stress as Float64Array, q), rotated?.stress as Float64Array, 1e-14);
  });
});

describe("cells", () => {
  test("volume and heights", () => {
    expect(cellVolume(cubic.cell)).toBeCloseTo(11.2 ** 3, 9);
    assertClose(cellHeights(cubic.cell), [11.2, 11.2, 11.2], 1e-12);
  });
  test("edges of a cell, of a supercell and of shifted atoms agree", () => {
    const edges = countEdges(smallCrystal, 5) as number;
    expect(edges).toBeGreaterThan(60);
    expect(countEdges(supercell(smallCrystal, [2, 2, 2]), 5)).toBe(8 * edges);
    expect(countEdges(latticeShifted(smallCrystal, new Random(0, "shift")), 5)).toBe(edges);
  });
  test.each([
    [ethanol, 72],
    [singleAtom, 0],
    [farDimer, 0],
    [noEdges, 0],
    [water, 6],
  ] as const)("edges of $name", (structure, edges) => {
    expect(countEdges(structure, 5)).toBe(edges);
  });
  test("edges are unknown where counting would take too long", () => {
    expect(countEdges(selfImages, 2000)).toBeNull();
  });
});

test("symbols of atomic numbers, and digits where no element has one", () => {
  expect([1, 6, 92, 118, 119].map(elementSymbol)).toEqual(["H", "C", "U", "Og", "119"]);
});

test("extended XYZ keeps every bit and says what it holds", async () => {
  const [evaluation] = await pairPotential("pair").evaluate([triclinic], ["energy", "forces", "stress"]);
  const [count, header, ...atoms] = extxyzFrame(triclinic, evaluation ?? null)
    .trimEnd()
    .split("\n");
  expect(count).toBe("6");
  expect(header).toMatch(
    /^Lattice="6.1 0 0 1.9 5.4 0 -1.3 1.7 5.9" Properties=species:S:1:pos:R:3:forces:R:3 name="triclinic" energy=\S+ stress="[^"]+" pbc="T T T"$/,
  );
  const numbers = atoms.flatMap((line) => line.split(" ").slice(1).map(Number));
  const expected = [0, 1, 2, 3, 4, 5].flatMap((i) => [
    ...triclinic.positions.slice(3 * i, 3 * i + 3),
    ...(evaluation?.forces?.slice(3 * i, 3 * i + 3) ?? []),
  ]);
  expect(numbers).toEqual(expected);
  expect(extxyzFrame(ethanol, null)).toContain("Properties=species:S:1:pos:R:3 name");
});

test("evaluateAll splits large sets and keeps their order", async () => {
  const sizes: number[] = [];
  const inner = pairPotential("pair");
  const counting: Potential = {
    ...inner,
    evaluate(batch, want) {
      sizes.push(batch.length);
      return inner.evaluate(batch, want);
    },
  };
  const set = Array.from({ length: 2000 }, (_, i) => (i % 2 === 0 ? water : { ...water, positions: water.positions.map((x) => x * 1.1) }));
  const evaluations = await evaluateAll(counting, set, ["energy"]);
  expect(sizes.length).toBeGreaterThan(1);
  expect(evaluations).toHaveLength(2000);
  expect(evaluations[1998]?.energy).toBe(evaluations[0]?.energy);
  expect(evaluations[1999]?.energy).toBe(evaluations[1]?.energy);
  await expect(evaluateAll({ ...inner, evaluate: async () => [] }, [water], ["energy"])).rejects.toThrow(/answered 0 of 1/);
});
