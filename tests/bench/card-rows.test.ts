import { describe, expect, test } from "vitest";
import { cardRow, cardRows, cardSet, makeSets } from "../../src/bench/card/rows.ts";
import { loadAddon } from "../../src/engine/addon.ts";

const addon = loadAddon();
const small = { ...cardRow("20", 1), atoms: 4 };

describe("systems of the card", () => {
  test.each(cardRows.filter(({ atoms }) => atoms < 5000).map((one) => [one.name, one] as const))(
    "%s: same seed, same atoms; none too close",
    (_, one) => {
      const sets = makeSets({ ...one, structures: Math.min(one.structures, 2) }, 7, 2, null);
      expect(sets).toEqual(makeSets({ ...one, structures: Math.min(one.structures, 2) }, 7, 2, null));
      const [first, second] = sets.map((batch) => batch[0]?.positions ?? new Float64Array(0));
      expect(first).not.toEqual(second);
      expect(first?.length).toBe(3 * one.atoms);
      for (const { positions, cell, pbc } of sets[0] ?? []) {
        const list = addon.neighbors(positions, cell ?? new Float64Array(9), Uint8Array.from(pbc, Number), 3, false);
        const lengths = Array.from({ length: list.vectors.length / 3 }, (_, e) => Math.hypot(...list.vectors.subarray(3 * e, 3 * e + 3)));
        expect(Math.min(...lengths)).toBeGreaterThan(0.5);
      }
    },
  );

  test("sizes may be any number of atoms, in batches", () => {
    expect(cardRow("1000", 1)).toBe(cardRows.find(({ name }) => name === "1000"));
    expect(cardRow("64", 1)).toMatchObject({ name: "64", atoms: 64, structures: 1, opponents: true, model: "main" });
    expect(cardRow("20", 64)).toMatchObject({ name: "64x20", atoms: 20, structures: 64, opponents: true });
    expect(cardSet("64x20")).toEqual(cardRow("20", 64));
    expect(cardSet("1024x20")).toBe(cardRows.find(({ name }) => name === "1024x20"));
    expect(cardSet("3xwater")).toMatchObject({ name: "3xwater", atoms: 999, structures: 3, arrangement: "water" });
    expect(() => cardSet("3xmany")).toThrow(/"many"/);
    expect(cardRow("500000", 1).opponents).toBe(false);
    expect(cardRow("500", 1, "dynamics")).toMatchObject({ name: "500", atoms: 500, measures: "dynamics", opponents: false });
    expect(cardRow("5000", 1, "neighbours")).toMatchObject({ measures: "neighbours", model: "cutoff 6 Å", opponents: true });
    expect(() => cardRow("student", 1, "dynamics")).toThrow(/nve-20, nve-1000, nve-64x20/);
    for (const bad of ["many", "0", "-3", "1.5", ""]) expect(() => cardRow(bad, 1)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  test("a model without their elements is refused", () => {
    expect(() => makeSets(small, 1, 1, [79])).toThrow(expect.objectContaining({ code: "BAD_MODEL" }));
    expect(() => makeSets({ ...small, arrangement: "water" }, 1, 1, [6])).toThrow(expect.objectContaining({ code: "BAD_MODEL" }));
  });
});
