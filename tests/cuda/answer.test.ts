import { describe, expect, test } from "vitest";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import type { Structure } from "../../src/system/structure.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { cubic, ethanol, methanol, smallCrystal, triclinic, water } from "../systems.ts";
import { addon, onCard, openCuda } from "./open.ts";

// The resident schedule's kernel writes the answer to an evaluation that goes by itself where the host reads it. What goes beside another, or is read on the card, has its
// answer there, and so have evaluations of the layered schedule.

const model = randomModel("painn-schnetpack");
const batches: readonly (readonly Structure[])[] = [[ethanol], [water, methanol, ethanol], [triclinic], [cubic, water], [smallCrystal]];

/** One behind the other, each of them by itself. */
async function alone(engine: CudaEngine, want: Parameters<CudaEngine["evaluate"]>[1] = everything) {
  const answers = [];
  for (const batch of batches) answers.push((await engine.evaluate(batch, want)).map(bits));
  return answers;
}

/** One beside the other, but for the first. */
async function streamed(engine: CudaEngine) {
  const before = engine.activity();
  const answers = batches.map((batch) => engine.evaluate(batch, everything));
  await before;
  return (await Promise.all(answers)).map((found) => found.map(bits));
}

const planting = async <T>(planted: number, work: () => Promise<T>): Promise<T> => {
  addon.emulatedCard({ planted });
  return work().finally(() => addon.emulatedCard({ planted: 0 }));
};

test("the bits of answers on the card and of the layered schedule", async () => {
  const [ours, layered] = [await openCuda(model, "f32"), await openCuda(model, "f32", { tuning: { residentAtoms: 0 } })];
  const expected = await alone(layered);
  for (const turns of onCard ? (["ascending"] as const) : (["ascending", "descending", "shuffled"] as const)) {
    if (!onCard) addon.emulatedCard({ turns });
    expect(await alone(ours)).toEqual(expected);
  }
  if (!onCard) addon.emulatedCard({ turns: "ascending" });
  expect((await ours.activity()).schedule).toBe("resident");
  expect(await streamed(ours)).toEqual(expected);
  expect(await alone(ours, ["energy"])).toEqual(await alone(layered, ["energy"]));
});

test.each([
  [9, 1],
  [5, 2],
  [1, 1],
])("an answer of %i atoms and %i structures is whole when the last of its numbers is there", (atoms, structures) => {
  // kernels/signatures.h: Sizes, seven numbers and a gap; energies and stresses; counts of edges, an even number of them; energies of atoms, forces
  const counts = 2 * Math.ceil(structures / 2);
  const numbers = [
    ...Array(7).fill(4),
    ...Array(7 * structures).fill(8),
    ...Array(counts).fill(4),
    ...Array(4 * atoms).fill(8),
  ] as number[];
  const gap = 4;
  const bytes = new Uint8Array(numbers.reduce((sum, size) => sum + size, gap)).fill(0xff, 28, 28 + gap);
  const isWhole = (forces: boolean) => addon.isWholeAnswer(bytes, atoms, structures, forces);
  expect([isWhole(true), isWhole(false)]).toEqual([true, true]);
  let at = 0;
  for (const [k, size] of numbers.entries()) {
    bytes.fill(0xff, at, at + size);
    expect([isWhole(true), isWhole(false)], `number ${k}`).toEqual([false, k >= numbers.length - 3 * atoms]);
    for (let word = at; word < at + size; word += 4) bytes[word] = 0; // and when no half of it is as before
    if (k !== 4) expect([isWhole(true), isWhole(false)], `number ${k}`).toEqual([true, true]);
    bytes.fill(0, at, at + size);
    at += k === 6 ? size + gap : size;
  }
  for (const [status, ended] of [
    [32, false],
    [33, false],
    [16, true],
  ] as const) {
    bytes[16] = status;
    expect(isWhole(true)).toBe(ended);
  }
});

describe.skipIf(onCard)("on the emulated card, where every call is counted", () => {
  test("no copy of an answer is queued, but of one that goes beside another", async () => {
    const ours = await openCuda(model, "f32");
    for (const way of [alone, streamed, alone]) await way(ours);
    const { captures } = await ours.activity();
    const count = batches.length;
    addon.emulatedCard({});
    await alone(ours);
    expect(addon.emulatedCard({})).toMatchObject({ uploads: count, replays: count, downloads: 0, allocations: 0, queued: 0 });
    await streamed(ours);
    expect(addon.emulatedCard({})).toMatchObject({ uploads: count, replays: count, downloads: count - 1, allocations: 0, queued: 0 });
    expect((await ours.activity()).captures).toBe(captures);
  });

  test("the host waits for no kernel whose answer is there, but for one that leaves out a number, or gave up", async () => {
    const ours = await openCuda(model, "f32", { beyond: true });
    const [expected] = await alone(ours);
    const waits = async (planted: number, work: () => Promise<unknown>) => {
      addon.emulatedCard({ planted });
      await work();
      return addon.emulatedCard({ planted: 0 }).waits;
    };
    const same = async () => expect((await ours.evaluate([ethanol], everything)).map(bits)).toEqual(expected);
    expect(await waits(0, same)).toBe(0);
    expect(await waits(0, () => ours.time([ethanol], everything, 2))).toBe(0);
    expect(await waits(0, () => ours.evaluate([ethanol], ["energy"]))).toBe(0);
    expect(await waits(47, () => ours.time([ethanol], everything, 2))).toBe(2);
    expect(await waits(42, () => expect(ours.evaluate([ethanol], everything)).rejects.toThrow("in vain"))).toBe(1);
    expect(await waits(0, same)).toBe(0);
  });

  // The next evaluation of the same batch would find the last one's numbers.
  describe.each([true, false])("nothing is left of the answer before, memory of the card poisoned: %s", (poisoned) => {
    test("a kernel that does not run leaves no answer, and the next one is right", async () => {
      const ours = await openCuda(model, "f32", { poisoned });
      for (const want of [everything, ["energy"] as const]) {
        const expected = await alone(ours, want);
        for (const batch of batches)
          await expect(planting(46, () => ours.evaluate(batch, want))).rejects.toThrow("the resident schedule has not run");
        expect(await alone(ours, want)).toEqual(expected);
      }
    });

    test("a number that is not written is not finite: another engine answers", async () => {
      const ours = await openCuda(model, "f32", { poisoned, beyond: true });
      const expected = await alone(ours);
      expect((await ours.activity()).beyondRange).toBe(0);
      await planting(47, () => alone(ours));
      expect((await ours.activity()).beyondRange).toBe(batches.flat().length);
      expect(await alone(ours)).toEqual(expected);
    });
  });
});
