import { afterEach, describe, expect, test } from "vitest";
import { overlapOf } from "../../src/bench/profile/portions.ts";
import type { Structure } from "../../src/system/structure.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { ethanol, smallCrystal, water } from "../systems.ts";
import { randomBatch } from "./batches.ts";
import { addon, atFullSize, onCard, openCuda } from "./open.ts";

// A large set goes in portions, whose copies go on beside the work: the same bits, however it is cut. The emulated card does all as late as a card may, and
// one of its queues, if asked, at once: a copy that nobody waits for has not been made.

const model = randomModel("painn-schnetpack");
const set = [water, ...randomBatch(1, 20), ethanol, ...randomBatch(3, 12), water, smallCrystal, ethanol];
/** So many neighbours that the arrays of edges grow. */
const dense: Structure = {
  ...smallCrystal,
  cell: smallCrystal.cell.map((x) => 0.4 * x),
  positions: smallCrystal.positions.map((x) => 0.4 * x),
};

afterEach(() => {
  if (!onCard) addon.emulatedCard({ failingAllocation: 0, early: "none" });
});

test.each([1, 7, 20, 40])("portions of %i atoms: the bits of the set in one, whatever is wanted, again and again", async (portionAtoms) => {
  const [whole, cut] = [await openCuda(model, "f64"), await openCuda(model, "f64", { tuning: { portionAtoms } })];
  const expected = await whole.evaluate(set, everything);
  for (const _ of [1, 2]) expect((await cut.evaluate(set, everything)).map(bits)).toEqual(expected.map(bits));
  const energies = (await cut.evaluate(set, ["energy"])).map(({ energy }) => energy);
  expect(energies).toEqual(expected.map(({ energy }) => energy));
  expect((await cut.activity()).edges).toBe((await whole.activity()).edges);
  const reversed = await cut.evaluate(set.toReversed(), everything);
  expect(reversed.toReversed().map(bits)).toEqual(expected.map(bits));
  for (const early of onCard ? [] : (["work", "requests", "answers"] as const)) {
    addon.emulatedCard({ early });
    expect((await cut.evaluate(set, everything)).map(bits), `${early} as early as may be`).toEqual(expected.map(bits));
  }
});

test("in float32, where portions of few atoms are one launch each", async () => {
  const few = [ethanol, water, ethanol, water];
  const [whole, cut] = [await openCuda(model, "f32"), await openCuda(model, "f32", { tuning: { portionAtoms: 9 } })];
  expect((await cut.evaluate(few, everything)).map(bits)).toEqual((await whole.evaluate(few, everything)).map(bits));
  if (!onCard) expect(await cut.activity()).toMatchObject({ schedule: "resident" });
});

test("a portion whose edges do not fit is done again, and those around it stay right", async () => {
  const crowded = [ethanol, dense, water, dense, ethanol];
  const [whole, cut] = [await openCuda(model, "f64"), await openCuda(model, "f64", { tuning: { portionAtoms: 3 } })];
  const expected = await whole.evaluate(crowded, everything);
  for (const _ of [1, 2]) expect((await cut.evaluate(crowded, everything)).map(bits)).toEqual(expected.map(bits));
  expect((await cut.activity()).allocations).toBe(2);
});

test.each<[string, Structure, RegExp]>([
  ["by the card", { ...water, name: "twice", positions: Float64Array.of(0, 0, 0, 0, 0, 0, 1, 0, 0) }, /structure "twice": atoms 0 and 1/],
  [
    "by the host, while another is on its way",
    { ...smallCrystal, name: "thin", cell: Float64Array.of(1e-7, 0, 0, 0, 3, 0, 0, 0, 3) },
    /"thin"/,
  ],
])("a portion that is refused %s: it is told, nothing is under way any more, and the next call answered", async (_, refused, message) => {
  const cut = await openCuda(model, "f64", { tuning: { portionAtoms: 4 } });
  const expected = await cut.evaluate([ethanol, water, ethanol], everything);
  for (const batch of [
    [ethanol, refused, water, ethanol],
    [ethanol, water, water, refused],
  ]) {
    await expect(cut.evaluate(batch, everything)).rejects.toMatchObject({
      code: "BAD_STRUCTURE",
      message: expect.stringMatching(message),
    });
    if (!onCard) expect(addon.emulatedCard({}).queued).toBe(0);
    expect((await cut.evaluate([ethanol, water, ethanol], everything)).map(bits)).toEqual(expected.map(bits));
  }
});

test("one structure, however large, and a set of less than two portions go in one", async () => {
  const engine = await openCuda(model, "f64", { tuning: { portionAtoms: 5 } });
  for (const batch of [[ethanol], [water, water, water]])
    expect((await engine.profile(batch, ["energy", "forces"], 1)).portions).toEqual([]);
});

test.skipIf(onCard && !atFullSize)(
  "a trace: every portion with its atoms, its request before its kernels, these before its answer, and so on",
  async () => {
    const engine = await openCuda(model, "f64", { tuning: { portionAtoms: 10 } });
    const batch = [ethanol, water, water, ethanol, water, ethanol];
    const { portions } = await engine.profile(batch, ["energy", "forces"], 3);
    expect(portions.map(({ structures, atoms }) => [structures, atoms])).toEqual([
      [2, 12],
      [2, 12],
      [2, 12],
    ]);
    const ascending = (times: readonly number[]) => expect(times).toEqual(times.toSorted((a, b) => a - b));
    const clocks = 1e-4; // the host's and the card's are set by each other to some µs
    for (const { written, request, kernels, answer, read } of portions) {
      ascending([...request, ...kernels, ...answer]);
      ascending([...written, ...read]);
      expect((request[0] as number) - (written[1] as number)).toBeGreaterThan(-clocks);
      expect((read[0] as number) - (answer[1] as number)).toBeGreaterThan(-clocks);
      for (const [begin = Number.NaN, end = Number.NaN] of [written, request, kernels, answer, read]) expect(end).toBeGreaterThan(begin);
    }
    ascending(portions.flatMap(({ kernels }) => [...kernels]));
  },
);

describe.skipIf(onCard)("on the emulated card, where every call is counted", () => {
  test("a set of the same size takes no memory and records nothing; a portion is one copy each way", async () => {
    const cut = await openCuda(model, "f64", { tuning: { portionAtoms: 10 } });
    const batch = [ethanol, water, water, ethanol, water, ethanol];
    await cut.evaluate(batch, everything);
    const { captures } = await cut.activity();
    addon.emulatedCard({});
    await cut.evaluate(batch, everything);
    expect(addon.emulatedCard({})).toMatchObject({ allocations: 0, releases: 0, uploads: 3, downloads: 3, replays: 6, queued: 0 });
    expect((await cut.activity()).captures).toBe(captures);
  });

  test("memory that is not there, at whichever allocation: told, all of it given back, nothing under way, and the next call answered", async () => {
    const expected = await (await openCuda(model, "f64")).evaluate(set, everything);
    for (let n = 1, failed = true; failed; n++) {
      const cut = await openCuda(model, "f64", { tuning: { portionAtoms: 10 } });
      const before = addon.emulatedCard({ failingAllocation: n });
      const error = await cut.evaluate(set, everything).catch((cause: unknown) => cause);
      failed = error instanceof Error;
      if (failed) expect(error).toMatchObject({ code: "MISSING", message: expect.stringMatching(/too little memory.*free are [\d.]+ GB/) });
      else expect(n, "memory, two places of copies with their marks, graphs").toBeGreaterThan(3 + 2 * 7 + 2);
      const after = addon.emulatedCard({ failingAllocation: 0 });
      if (failed) expect(after).toMatchObject({ bytes: before.bytes, pinned: before.pinned, queued: 0 });
      expect((await cut.evaluate(set, everything)).map(bits)).toEqual(expected.map(bits));
      await cut.close();
    }
  });
});

describe.skipIf(!atFullSize)(`on a card${onCard ? "" : " (skipped: no GPU)"}`, () => {
  test("copies of all portions but the ends of the set go on while kernels run, and so does what the host does", async () => {
    // Of a model as people have them: with a small one the card is done before the host has read one answer and written the next request.
    const engine = await openCuda(randomModel("painn-schnetpack", { n_features: 128, n_layers: 3 }), "f32", { poisoned: false });
    const large = Array.from({ length: 8 * 1000 }, () => ethanol);
    const overlap = overlapOf((await engine.profile(large, ["energy", "forces"], 5)).portions);
    expect(overlap?.rows).toHaveLength(8);
    expect(overlap?.copies.hidden).toBeGreaterThan(0.7); // 7 of 8, less what two events add to a copy
    expect(overlap?.host.hidden).toBeGreaterThan(0.5);
  });
});
