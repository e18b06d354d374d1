import { describe, expect, test } from "vitest";
import type { NativeEngineOptions } from "../../src/engine/engine.ts";
import type { ErrorCode } from "../../src/errors.ts";
import type { Structure } from "../../src/system/structure.ts";
import { cubic, ethanol, smallCrystal, water } from "../systems.ts";
import { randomModel } from "./models.ts";
import { one, open, student } from "./open.ts";

const at = (changes: Partial<Structure>): Structure => ({ ...water, name: "bad one", ...changes });
const moved = (k: number, x: number) => at({ positions: water.positions.with(k, x) });

describe("bad input is refused by name, and the next call answered", () => {
  test.each<[string, Structure, string, RegExp]>([
    ["no atoms", at({ numbers: [], positions: new Float64Array() }), "numbers", /0 atoms/],
    ["too few positions", at({ positions: water.positions.slice(0, 8) }), "positions", /8 numbers, expected 9/],
    ["NaN", moved(4, Number.NaN), "positions", /atom 1, y, is NaN/],
    ["infinity", moved(8, Number.POSITIVE_INFINITY), "positions", /atom 2, z, is Infinity/],
    ["an atom absurdly far away", moved(0, 1e7), "positions", /atom 0, x, is 10000000/],
    ["Z = 0", at({ numbers: [0, 1, 1] }), "numbers", /atom 0 has atomic number 0/],
    ["an unknown element", at({ numbers: [8, 1, 79] }), "numbers", /atom 2 has atomic number 79.*knows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10/],
    ["coincident atoms", at({ positions: Float64Array.of(0, 0, 0, 1, 0, 0, 1, 0, 0) }), "positions", /"bad one": atoms 1 and 2 coincide/],
    [
      "coincident through the boundary",
      { ...smallCrystal, name: "bad one", positions: Float64Array.of(0, 0, 0, 3, 0.1, 0) },
      "positions",
      /"bad one": atoms 0 and 1 coincide/,
    ],
    ["periodic without a cell", at({ pbc: [true, true, true] }), "cell", /no cell/],
    ["a singular cell", { ...cubic, name: "bad one", cell: Float64Array.of(9, 0, 0, 9, 0, 0, 0, 0, 9) }, "cell", /singular/],
    ["a cell with NaN", { ...cubic, name: "bad one", cell: cubic.cell.with(4, Number.NaN) }, "cell", /cell\[1\]\[1\] is NaN/],
    [
      "too many atoms",
      at({ numbers: Array<number>(1_000_001).fill(1), positions: new Float64Array(3_000_003) }),
      "numbers",
      /limit is 1000000/,
    ],
  ])("%s", async (_, structure, field, message) => {
    const engine = open();
    const refusal = { name: "PainnlessError", code: "BAD_STRUCTURE", field, message: expect.stringMatching(message) };
    await expect(engine.evaluate([water, structure, ethanol])).rejects.toMatchObject(refusal);
    expect((await one(engine, water)).energy).toBe((await one(open(), water)).energy);
  });

  test("a molecule's model refuses crystals", async () => {
    await expect(open({}, student).evaluate([cubic])).rejects.toMatchObject({ code: "BAD_STRUCTURE", field: "pbc" });
  });

  test("elements of the training set, where they are known", async () => {
    const engine = open({}, randomModel("painn-schnetpack", { elements: [1, 8] }));
    await expect(engine.evaluate([ethanol])).rejects.toThrow(/knows 1, 8$/);
    expect((await engine.evaluate([water])).length).toBe(1);
  });

  test("weights that overflow give NOT_FINITE, with the atom", async () => {
    const huge = randomModel("painn-schnetpack");
    huge.tensors.get("representation.embedding.weight")?.data.fill(1e300);
    await expect(open({}, huge).evaluate([water])).rejects.toMatchObject({
      code: "NOT_FINITE",
      message: expect.stringMatching(/structure "water": the energy of atom 0 is/),
    });
  });

  test.each<[string, Partial<NativeEngineOptions>, ErrorCode, string]>([
    ["no threads", { threads: 0 }, "USAGE", "threads"],
    ["half a thread", { threads: 1.5 }, "USAGE", "threads"],
    ["negative bytes", { activationBytes: -1 }, "USAGE", "activationBytes"],
    ["an instruction set that does not exist", { instructionSet: "sse9" as "plain" }, "USAGE", "instructionSet"],
  ])("%s", (_, options, code, field) => {
    expect(() => open(options)).toThrow(expect.objectContaining({ code, field }));
  });
});
