import { describe, expect, test } from "vitest";
import type { Structure } from "../../src/system/structure.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { everything } from "../engine/open.ts";
import { ethanol, smallCrystal, water } from "../systems.ts";
import { addon, onCard, openCpu, openCuda } from "./open.ts";

const model = randomModel("painn-schnetpack");
const many = gas(70, 3);
const bare = (structure: Structure): Structure => ({ ...structure, cell: null, pbc: [false, false, false] });

describe.skipIf(onCard)("on the emulated card, where every call is counted", () => {
  test.each([7, 0])(
    "a step allocates nothing, records nothing, and is a copy and a replay, or two of each of the layered schedule: %i clusters",
    async (clusters) => {
      addon.emulatedCard({ clusters });
      const engine = await openCuda(model, "f32");
      addon.emulatedCard({ clusters: 7 });
      await engine.evaluate([ethanol, water], everything);
      const before = await engine.activity();
      addon.emulatedCard({});
      for (const batch of [
        [water, ethanol],
        [ethanol, water],
        [water, ethanol],
      ])
        await engine.evaluate(batch, everything);
      expect(addon.emulatedCard({})).toMatchObject({
        allocations: 0,
        releases: 0,
        uploads: 3,
        downloads: clusters > 0 ? 0 : 3, // answer.test.ts
        replays: clusters > 0 ? 3 : 6,
      });
      const after = await engine.activity();
      expect(after.allocations).toBe(before.allocations);
      expect(after.compilations).toBe(before.compilations);
    },
  );

  test("what a kernel does not write is not what an earlier evaluation wrote there", async () => {
    const sums = async (poisoned: boolean) => {
      const engine = await openCuda(model, "f64", { poisoned });
      const expected = await engine.evaluate([smallCrystal], everything);
      addon.emulatedCard({ planted: 22 }); // the virials of atoms stay where they are
      const found = engine.evaluate([smallCrystal], everything).finally(() => addon.emulatedCard({ planted: 0 }));
      return [expected, found] as const;
    };
    const [expected, stale] = await sums(false);
    expect(await stale).toEqual(expected);
    const [, found] = await sums(true);
    await expect(found).rejects.toMatchObject({ code: "NOT_FINITE" });
  });

  test("a card that is too small refuses the large batch and serves the small one", async () => {
    addon.emulatedCard({ totalBytes: 2 ** 30 });
    const engine = await openCuda(model, "f64", { tuning: { portionAtoms: 1_000_000 } });
    addon.emulatedCard({ totalBytes: 2 ** 32 });
    await engine.evaluate([water], everything);
    const huge = Array.from({ length: 60_000 }, () => water);
    await expect(engine.evaluate(huge, ["energy"])).rejects.toMatchObject({ code: "MISSING", field: "numbers" });
    expect((await engine.evaluate([water], ["energy"]))[0]?.energy).toBeTypeOf("number");
  });
});

test("more edges than there is room for: memory grows once, and the answer is the same", async () => {
  const [ours, theirs] = [await openCuda(model, "f64"), openCpu(model)];
  // Each atom sees some 900 images of the two.
  const dense: Structure = {
    ...smallCrystal,
    cell: smallCrystal.cell.map((x) => 0.4 * x),
    positions: smallCrystal.positions.map((x) => 0.4 * x),
  };
  const [[found], [expected]] = [await ours.evaluate([dense], everything), await theirs.evaluate([dense], everything)];
  expect(await ours.activity()).toMatchObject({ allocations: 2 });
  const scale = Math.abs(expected?.energy ?? 0);
  expect(Math.abs((found?.energy ?? Number.NaN) - (expected?.energy ?? 0))).toBeLessThan(1e-11 * scale);
  await ours.evaluate([dense], everything);
  expect(await ours.activity()).toMatchObject({ allocations: 2 });
});

test.each<[string, Structure, RegExp]>([
  [
    "two atoms in one place",
    { ...bare(water), name: "twice", positions: Float64Array.of(0, 0, 0, 0, 0, 0, 1, 0, 0) },
    /structure "twice": atoms 0 and 1 coincide/,
  ],
  [
    "… among many",
    { ...many, positions: many.positions.map((x, q) => (q < 6 ? (many.positions[q % 3] as number) : x)) },
    /"gas of 70": atoms 0 and 1 coincide/,
  ],
  [
    "an atom on its own image",
    { ...smallCrystal, name: "thin", cell: Float64Array.of(1e-7, 0, 0, 0, 3, 0, 0, 0, 3) },
    /structure "thin": the cell is too small/,
  ],
])("%s is refused in the CPU's words, and the next call answered", async (_, structure, message) => {
  const engine = await openCuda(model, "f64");
  await expect(engine.evaluate([ethanol, structure])).rejects.toMatchObject({
    code: "BAD_STRUCTURE",
    message: expect.stringMatching(message),
  });
  expect((await engine.evaluate([ethanol]))[0]?.energy).toBeTypeOf("number");
});
