import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { NativeAddon } from "../../src/engine/native.ts";
import { shippedTuning } from "../../src/engine/tuning.ts";
import { claimTuning, findTuning, type TunedFor, type TuningFile, tunedFor, tuningPath } from "../../src/engine/tuning-file.ts";
import { randomModel } from "./models.ts";

const shape = { arch: "painn-schnetpack", features: 128, layers: 3, radial: 20, cutoff: 5, rbf: "gaussian", readoutWidths: [64, 1] };
const wanted: TunedFor = { card: "a card", driver: "13.0", compiler: "NVRTC 13.0", precision: "f32", shape, kernels: "ab" };
const usual = { residentAtoms: 64, spreadWaves: 0, smallWaves: 1, earlyLaunches: 0, portionAtoms: 8192, chunkSteps: 128 };
const file: TuningFile = {
  ...{ format: "painnless.tuning/3", made: "2026-11-29T12:00:00Z", seconds: 60, tunedFor: wanted },
  ...{ usual, tuning: { chunkSteps: 512 }, trials: [], leftOut: [] },
};

const keep = async (changed = file): Promise<string> => (await claimTuning(folder, changed.tunedFor))(changed);

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "painnless-tuning-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("what was tuned", () => {
  test("is used where all is the same, and nothing else lies beside it", async () => {
    const path = await keep();
    expect(await readdir(folder)).toEqual([path.slice(folder.length + 1)]);
    expect(await findTuning(folder, wanted, 90)).toEqual({ tuning: { chunkSteps: 512 }, note: "tuned on 2026-11-29: chunkSteps 512" });
    await keep({ ...file, tuning: {} });
    expect(await findTuning(folder, wanted, 90)).toMatchObject({ tuning: {} });
  });

  test("is asked of no other card, model or precision", async () => {
    await keep();
    const others: TunedFor[] = [
      { ...wanted, card: "another" },
      { ...wanted, precision: "f64" },
      { ...wanted, shape: { ...shape, cutoff: 6 } },
    ];
    for (const other of others) expect(await findTuning(folder, other, 90)).toEqual({ tuning: shippedTuning(90), note: null });
  });

  test.each([
    ["driver", { driver: "13.2" }],
    ["compiler", { compiler: "NVRTC 13.2" }],
    ["kernels", { kernels: "cd" }],
  ])("is not used with another %s, and that is said", async (name, change) => {
    await keep();
    const found = await findTuning(folder, { ...wanted, ...change }, 90);
    expect(found.tuning).toEqual(shippedTuning(90));
    expect(found.note).toMatch(new RegExp(`is not used: it was made for another ${name}; painnless tune makes it anew`));
  });

  test.each([
    ["no JSON", "{"],
    ["another format", JSON.stringify({ ...file, format: "painnless.tuning/0" })],
    [
      "as it was when slices had a bound",
      JSON.stringify({ ...file, format: "painnless.tuning/1", structures: 1, tuning: { slicesAtoms: 768 } }),
    ],
    ["a setting out of range", JSON.stringify({ ...file, tuning: { chunkSteps: 0 } })],
    ["a setting that is none", JSON.stringify({ ...file, tuning: { slicesAtoms: 768 } })],
  ])("that is %s is not used, and that is said", async (_, text) => {
    await writeFile(tuningPath(folder, wanted), text);
    expect(await findTuning(folder, wanted, 90)).toMatchObject({ tuning: {}, note: expect.stringContaining("no tuning of format") });
  });

  test("that cannot be written is an error, before anything is timed or when its place has gone, and leaves nothing", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(claimTuning(join(folder, "file"), wanted)).rejects.toMatchObject({ code: "NOT_FOUND" });
    const write = await claimTuning(folder, wanted);
    await mkdir(tuningPath(folder, wanted));
    await expect(write(file)).rejects.toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining("cannot write tuning") });
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  });

  test("is a whole file of JSON with what it was chosen by", async () => {
    expect(JSON.parse(await readFile(await keep(), "utf8"))).toEqual(file);
  });
});

describe("what it is for", () => {
  const addon = (key: string) =>
    ({ compileKernels: async () => ({ compiler: "NVRTC 13.0, /somewhere/libnvrtc.so", parts: [{ key }] }) }) as unknown as NativeAddon;
  const card = { name: "a card", driver: "13.0", architecture: 90, sharedBytes: 1 };
  test("is told by the kernels' code, not by where the compiler lies", async () => {
    const model = randomModel("painn-schnetpack");
    const one = await tunedFor(model, "f32", card, [], addon("a"));
    expect(one).toMatchObject({ card: "a card", driver: "13.0", compiler: "NVRTC 13.0", precision: "f32" });
    expect((await tunedFor(model, "f32", card, [], addon("b"))).kernels).not.toBe(one.kernels);
  });
});
