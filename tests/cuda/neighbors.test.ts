import { describe, expect, test } from "vitest";
import type { NativeNeighbors } from "../../src/engine/native.ts";
import type { Structure } from "../../src/system/structure.ts";
import { type Question, randomQuestion } from "../engine/cells.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { periodicSystems } from "../systems.ts";
import { addon, atFullSize, onCard, openCuda } from "./open.ts";

/** As few features as there are: only the search is asked for. */
const modelOf = (cutoff: number, atCutoff = false) =>
  randomModel("painn-schnetpack", { cutoff, n_features: 32, n_layers: 1, edge_rule: atCutoff ? "le" : "lt" });
const structureOf = ({ positions, cell, pbc }: Question, k: number): Structure => ({
  name: `cell ${k}`,
  numbers: Array.from({ length: positions.length / 3 }, () => 1),
  positions: Float64Array.from(positions),
  cell: Float64Array.from(cell),
  pbc: [pbc[0] === 1, pbc[1] === 1, pbc[2] === 1],
});
const onHost = ({ positions, cell, pbc }: Structure, cutoff: number, atCutoff = false) =>
  addon.neighbors(positions, cell ?? new Float64Array(9), Uint8Array.from(pbc, Number), cutoff, atCutoff);

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array | Float64Array) => Buffer.from(buffer, byteOffset, byteLength);

/** Every number of the two lists, bit for bit. */
function assertEqual(found: NativeNeighbors, expected: NativeNeighbors, what: string): void {
  for (const key of ["receivers", "senders", "shifts", "vectors", "reverse"] as const) {
    expect(found[key].length, `${what}: ${key}`).toBe(expected[key].length);
    if (bytesOf(found[key]).equals(bytesOf(expected[key]))) continue; // a million atoms have 10^8 of them
    const at = found[key].findIndex((x: number, k: number) => !Object.is(x, expected[key][k]) && !(x === 0 && expected[key][k] === 0));
    if (at >= 0) expect.fail(`${what}: ${key}[${at}] is ${found[key][at]}, the CPU has ${expected[key][at]}`);
  }
}

describe("the card's list is the CPU's, edge for edge and bit for bit", () => {
  const count = atFullSize ? 500 : onCard ? 10 : 60;
  test(`${count} random cells`, async () => {
    let edges = 0;
    for (let k = 0; k < count; k++) {
      const question = randomQuestion(k);
      const engine = await openCuda(modelOf(question.cutoff), "f64");
      const structure = structureOf(question, k);
      const found = await engine.neighbors(structure);
      assertEqual(found, onHost(structure, question.cutoff), structure.name);
      edges += found.receivers.length;
      await engine.close();
    }
    expect(edges).toBeGreaterThan(40 * count);
  }, 120_000);

  test.each([false, true])("crystals; a pair at exactly the cutoff is an edge: %s", async (atCutoff) => {
    const engine = await openCuda(modelOf(5, atCutoff), "f64");
    const exact: Structure = {
      name: "5 Å",
      numbers: [1, 1],
      positions: Float64Array.of(0, 0, 0, 3, 4, 0),
      cell: null,
      pbc: [false, false, false],
    };
    for (const structure of [...periodicSystems, exact, gas(200, 9)]) {
      const found = await engine.neighbors(structure);
      assertEqual(found, onHost(structure, 5, atCutoff), structure.name);
    }
    expect((await engine.neighbors(exact)).receivers.length).toBe(atCutoff ? 2 : 0);
  });

  test("atoms very far from each other, many atoms in one bin, many neighbours", async () => {
    const engine = await openCuda(modelOf(5), "f64");
    const far = gas(80, 2);
    const spread: Structure = {
      ...far,
      name: "far",
      cell: null,
      pbc: [false, false, false],
      positions: far.positions.map((x, k) => (k < 6 ? x * 1e7 : x)),
    };
    const line: Structure = {
      ...spread,
      name: "line",
      positions: Float64Array.from({ length: 240 }, (_, k) => (k % 3 === 0 ? 0.01 * k : 0)),
    };
    const crowded = lattice(125, 1.08); // some 415 neighbours each, more than a warp keeps in shared memory
    for (const structure of [spread, line, crowded]) assertEqual(await engine.neighbors(structure), onHost(structure, 5), structure.name);
  });

  test("so far from the origin that float32 says nothing of a distance, and more than a warp keeps", async () => {
    const engine = await openCuda(modelOf(5), "f64");
    const [near, crowd] = [gas(150, 4), { ...lattice(392, 0.5), pbc: [false, false, false] as [boolean, boolean, boolean] }];
    for (const [k, structure] of [near, { ...near, pbc: [false, true, false] as [boolean, boolean, boolean] }, crowd].entries())
      for (const far of k === 2 ? [1e6] : [0, 300, 1e4, 1e6]) {
        const moved = {
          ...structure,
          name: `${structure.name}, ${structure.pbc}, ${far} Å`,
          positions: structure.positions.map((x) => x + far),
        };
        assertEqual(await engine.neighbors(moved), onHost(moved, 5), moved.name);
      }
  });

  test("a shell of atoms a rounding beyond the cutoff, of more than a warp keeps, where there is room for all but these", async () => {
    const engine = await openCuda(modelOf(5), "f64");
    const crystal = (step: number): Structure => {
      const positions = Float64Array.from({ length: 648 }, (_, q) => step * (Math.floor(q / 3 / 6 ** (q % 3)) % 6));
      return {
        ...gas(216, 1),
        name: `${step} Å apart`,
        positions,
        cell: Float64Array.of(6 * step, 0, 0, 0, 6 * step, 0, 0, 0, 6 * step),
        pbc: [true, true, true],
      };
    };
    // 484 neighbours an atom, and 30 beyond: 104,544 edges, for which memory is laid out to hold 110,218. Of the second there are 111,024 finds.
    for (const step of [1.001, 1 + 2 ** -30]) {
      const structure = crystal(step);
      assertEqual(await engine.neighbors(structure), onHost(structure, 5), structure.name);
    }
  });

  test("pairs at the cutoff, and a rounding beyond it, among many atoms", async () => {
    const engine = await openCuda(modelOf(4, true), "f64");
    const cubes = (step: number): Structure => {
      const positions = Float64Array.from({ length: 648 }, (_, q) => step * (Math.floor(q / 3 / 6 ** (q % 3)) % 6));
      return { ...gas(216, 1), name: `${step} Å apart`, positions, cell: Float64Array.of(6 * step, 0, 0, 0, 6 * step, 0, 0, 0, 6 * step) };
    };
    for (const step of [2, 2 + 2 ** -50, 2 - 2 ** -51, 2 + 2 ** -30, 2 - 2 ** -30, 2 + 2 ** -20])
      for (const far of [0, 77.7]) {
        const structure = { ...cubes(step), pbc: [true, far === 0, far === 0] as [boolean, boolean, boolean] };
        const moved = { ...structure, name: `${structure.name}, ${far} Å`, positions: structure.positions.map((x) => x + far) };
        assertEqual(await engine.neighbors(moved), onHost(moved, 4, true), moved.name);
      }
  });

  test("structures in one place do not see each other, whatever slots they share", async () => {
    const engine = await openCuda(modelOf(4), "f32");
    const structure = gas(66, 7);
    const [alone] = await engine.evaluate([structure], everything);
    const all = await engine.evaluate(new Array<Structure>(9).fill(structure), everything);
    for (const one of all) expect(bits(one)).toEqual(bits(alone));
  });

  test("1,100 atoms: more than one block of either scan", async () => {
    const engine = await openCuda(modelOf(3), "f32");
    const structure = lattice(1100, 2.2);
    const expected = onHost(structure, 3);
    assertEqual(await engine.neighbors(structure), expected, structure.name);
  });

  test.skipIf(!atFullSize).each([32_768, 1_000_000])(
    "%i atoms",
    async (atoms) => {
      const engine = await openCuda(modelOf(6), "f32");
      const structure = lattice(atoms);
      assertEqual(await engine.neighbors(structure), onHost(structure, 6), structure.name);
    },
    120_000,
  );
});

/** Atoms near the points of a cubic lattice, 0.1 an Å³ unless said, in a skewed periodic cell. */
function lattice(atoms: number, step = Math.cbrt(10)): Structure {
  const side = Math.ceil(Math.cbrt(atoms) - 1e-9);
  const positions = Float64Array.from({ length: 3 * atoms }, (_, q) => {
    const [k, c] = [Math.floor(q / 3), q % 3];
    const place = [k % side, Math.floor(k / side) % side, Math.floor(k / side ** 2)][c] as number;
    return step * (place + 0.2 * Math.sin(12.9898 * q + 78.233));
  });
  const box = side * step;
  const cell = Float64Array.from([box, 0, 0, 0.1 * box, box, 0, 0, -0.2 * box, box]);
  return { name: `${atoms} atoms`, numbers: Array.from({ length: atoms }, () => 6), positions, cell, pbc: [true, true, true] };
}
