import { describe, expect, test } from "vitest";
import { loadAddon } from "../src/engine/addon.ts";
import { Random } from "../src/system/random.ts";
import { checkDerivative, checkRow } from "./layers/check.ts";
import { type Backend, probe, type Row, readRows } from "./layers/rows.ts";

/** One row a layer, both passes, on every CPU backend, against PyTorch (tests/golden/make_layers.py wrote the rows). */
const rows = await readRows();
const addon = loadAddon("faulty"); // the product has no way in
const here = addon.instructionSets();
const backends = here.flatMap((set): [string, Backend][] => [
  [`${set} f64`, { set, precision: "f64" }],
  [`${set} f32`, { set, precision: "f32" }],
]);

describe.each(rows.map((row) => [row.name, row] as const))("%s", (_, row) => {
  test.each(backends)("%s: both passes equal PyTorch", (_, backend) => checkRow(addon, backend, row));
  test.each(backends.filter(([, { precision }]) => precision === "f64"))("%s: the adjoint is the derivative", (_, backend) => {
    const random = new Random(1, row.name);
    const directions = row.layer === "table" ? 1 : 3; // each probe of a table fits it anew
    for (let k = 0; k < directions; k++) checkDerivative(addon, backend, row, random);
  });
});

const missing = (["plain", "avx2", "avx512"] as const).filter((set) => !here.includes(set));
test.skip.each(missing)("every row on %s (skipped: this processor has no such instructions)", () => {});

test("every layer has rows, those at the edge of what exists included", () => {
  const names = rows.map(({ name }) => name);
  for (const arch of ["painn", "distiller"])
    for (const layer of ["radial 0", "filter 1", "table 1", "message 0", "message 1", "update 0", "update 1", "readout 0"])
      expect(names).toContainEqual(expect.stringMatching(`^${arch} ${layer},`));
  for (const edge of ["one atom", "no pairs", "an atom at the cutoff", "two images of one neighbour", "images of the atoms themselves"])
    expect(names).toContain(`painn message 1, ${edge}`);
});

/** The whole-model faults that sit in the code of the radial functions, the geometry of pairs and the layers. */
describe("faults planted in the engine", () => {
  const backend: Backend = { set: "plain", precision: "f64" };
  const failures = (): Row[] =>
    rows.filter((row) => {
      try {
        checkRow(addon, backend, row);
        return false;
      } catch {
        return true;
      }
    });
  const inLayers = addon.faults().filter((fault) => fault !== "sender's force dropped"); // that one is where forces are collected

  test("none: nothing fails", () => {
    addon.plant(null);
    expect(failures()).toEqual([]);
  });
  test.each(inLayers)("%s: found by a row", (fault) => {
    addon.plant(fault);
    try {
      expect(failures().map(({ name }) => name)).not.toEqual([]);
    } finally {
      addon.plant(null);
    }
  });
});

test.each([
  [{ layer: "attention" as "context" }, "USAGE", /no layer "attention"/],
  [{ inputs: {} }, "USAGE", /array "q" is missing/],
])("a question that makes no sense is refused: %j", (change, code, message) => {
  const context = rows.find(({ layer }) => layer === "context") as Row;
  const ask = () => probe(addon, { set: "plain", precision: "f64" }, { ...context, ...change });
  expect(ask).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) }));
});
