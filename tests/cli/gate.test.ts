import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { gatedSide, keepProof } from "../../src/cli/proof.ts";
import { assertSide, sidesOf, subjectOf } from "../../src/cli/sides.ts";
import { pairPotential } from "../crosscheck/pair-potential.ts";
import { check } from "../crosscheck/run.ts";
import { randomModel } from "../engine/models.ts";

/** The card that is there, and what was opened on it. */
const state = vi.hoisted(() => ({
  card: { name: "NVIDIA H100", architecture: 90, driver: "13.0", sharedBytes: 227 * 1024 },
  build: "abc",
  opened: [] as string[],
}));
vi.mock("../../src/engine/device.ts", async (original) => ({
  ...(await original<object>()),
  cudaCards: () => [state.card],
  automaticSide: async (precision: string, open: (side: string) => Promise<object>) => ({
    opened: await open(`native:cuda:${precision}`),
    reason: "there is one",
  }),
}));
vi.mock("../../src/engine/addon.ts", async (original) => ({ ...(await original<object>()), addonBuild: () => state.build }));
vi.mock("../../src/engine/cuda.ts", () => ({
  createCudaEngine: async (_: unknown, { precision }: { precision: string }) => {
    state.opened.push(precision);
    return pairPotential(`native:cuda:${precision}`);
  },
}));

const model = randomModel("painn-schnetpack");
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "painnless-gate-"));
  vi.stubEnv("XDG_CACHE_HOME", folder);
  state.opened = [];
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});
const open = (proving: boolean) => sidesOf({ model, checkpoint: null, threads: null, proving }).open(gatedSide);

test("the gated side opens for a crosscheck, for others once that has passed, and no longer when build, card or driver are others", async () => {
  await expect(open(false)).rejects.toMatchObject({ code: "UNSUPPORTED", field: "side" });
  expect(state.opened).toEqual([]);
  const { potential } = await open(true);
  expect(state.opened).toEqual(["mixed"]);
  const { result } = await check([potential], pairPotential("torch:cuda:f64"), { laws: [] });
  await keepProof(process.env, { ...result, model: { ...result.model, sha256: model.sha256 } }, await subjectOf(model));
  expect((await open(false)).note).toMatch(/NVIDIA H100, within .* eV\/Å of torch:cuda:f64 by the crosscheck of \d{4}-/);

  const { card, build } = state;
  for (const other of [{ name: "NVIDIA H200" }, { architecture: 100 }, { driver: "13.1" }]) {
    state.card = { ...card, ...other };
    await expect(open(false)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  }
  state.card = card;
  state.build = "abd";
  await expect(open(false)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  state.build = build;
  await open(false);
});

test("what auto chose says of itself what it would by its name, its tuning for one", async () => {
  const sides = sidesOf({ model, checkpoint: null, threads: null });
  const { note } = await sides.open("native:cuda:f32");
  expect(note).toContain("native:cuda:f32 runs on NVIDIA H100");
  expect((await sides.open("auto:f32")).note).toBe(`auto:f32 chose native:cuda:f32: there is one; ${note}`);
});

test("difference quotients of the gated side are refused by name", () => {
  expect(() => assertSide(`fd:${gatedSide}`)).toThrow(
    expect.objectContaining({ code: "UNSUPPORTED", message: expect.stringMatching(/too coarse/) }),
  );
  expect(() => assertSide(gatedSide)).not.toThrow();
  expect(() => assertSide("native:cpu:mixed")).toThrow(expect.objectContaining({ code: "USAGE" }));
});
