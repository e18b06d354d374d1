import { afterEach, describe, expect, test } from "vitest";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import type { CudaPrecision } from "../../src/engine/native.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { ethanol, methanol, water } from "../systems.ts";
import { addon, onCard, openCuda } from "./open.ts";

/** Tiles of atoms that are spread over clusters of blocks: the sums are those of one block a tile. */
const rows: readonly (readonly [string, CudaPrecision, ModelConfig["arch"], Partial<ModelConfig>])[] = [
  ["PaiNN, fewer features than there are warps", "f32", "painn-schnetpack", {}],
  [
    "PaiNN, 64 features, three layers, two hidden layers in the readout",
    "f32",
    "painn-schnetpack",
    { n_features: 64, n_layers: 3, readout_widths: [40, 20, 1] },
  ],
  ["PaiNN, 96 features, which blocks share unequally", "f32", "painn-schnetpack", { n_features: 96, n_layers: 1 }],
  ["PaiNN, 128 features", "f32", "painn-schnetpack", { n_features: 128 }],
  [
    "PaiNN, 160 features, shared unequally and twice, and a wider readout",
    "f32",
    "painn-schnetpack",
    { n_features: 160, n_layers: 1, readout_widths: [200, 1] },
  ],
  ["PaiNN, 256 features, two parts a warp", "f32", "painn-schnetpack", { n_features: 256, n_layers: 1 }],
  ["PaiNN, mixed precision", "mixed", "painn-schnetpack", { n_features: 64 }],
  ["PaiNN, a readout of one layer", "f32", "painn-schnetpack", { n_layers: 1, readout_widths: [1] }],
  ["the student", "f32", "painn-distiller", { n_features: 64 }],
  ["the student, a readout of one layer", "f32", "painn-distiller", { n_layers: 1, readout_widths: [1] }],
];
/** Letters come as late as they may, or at once; blocks run ahead of others in one order or another. */
const ways = onCard
  ? [{}]
  : [
      ...[{}, { turns: "descending" } as const],
      ...(["ascending", "descending", "shuffled", "unfair"] as const).map((turns) => ({ earlyRows: true, turns })),
    ];
/** Wide models take their time: the two that are farthest apart. */
const waysOf = ({ n_features = 0 }: Partial<ModelConfig>) =>
  n_features > 64 ? ways.filter((_, k) => k === 0 || k === ways.length - 1) : ways;
const usual = onCard ? {} : ({ earlyRows: false, turns: "ascending", planted: 0 } as const);
afterEach(() => {
  if (!onCard) addon.emulatedCard(usual);
});
const open = (model: ReturnType<typeof randomModel>, precision: CudaPrecision, spreadWaves: number, beyond = false) =>
  openCuda(model, precision, { tuning: { residentAtoms: 0, spreadWaves }, beyond });
const structures = [ethanol, methanol, water]; // 18 atoms: two whole tiles, and two atoms of a third

test.each(rows)("%s (%s): bits do not depend on it", async (_, precision, arch, changes) => {
  const model = randomModel(arch, changes);
  const [spread, whole] = [await open(model, precision, 1024), await open(model, precision, 0)];
  for (const want of [everything, ["energy"] as const]) {
    const right = (await whole.evaluate(structures, want)).map(bits);
    for (const way of waysOf(changes)) {
      if (!onCard) addon.emulatedCard(way);
      const found = await spread.evaluate(structures, want);
      if (!onCard) addon.emulatedCard(usual);
      expect(found.map(bits), JSON.stringify(way)).toEqual(right);
    }
  }
});

test.skipIf(onCard)("it is done up to so many tiles a multiprocessor, and not in float64", async () => {
  const model = randomModel("painn-schnetpack", { n_layers: 1 });
  const updates = async (engine: CudaEngine, atoms: number) => {
    const { launches } = await engine.profile([gas(atoms, 3)], ["energy", "forces"], 1);
    return launches.map(({ kernel }) => kernel).filter((name) => name.includes("update"));
  };
  const tuning = { residentAtoms: 0, spreadWaves: 1, smallWaves: 2 };
  const room = 8 * 2; // atoms of a tile, multiprocessors of the emulated card
  const engine = await openCuda(model, "f32", { tuning });
  expect(await updates(engine, room)).toEqual(["painn_update_last_spread"]);
  expect(await updates(engine, room + 1)).toEqual(["painn_update_last_small"]);
  expect(await updates(await openCuda(model, "f64", { tuning }), 8)).toEqual(["painn_update_last_small"]);
});

describe.skipIf(onCard)("a fault planted in the kernels", () => {
  const model = randomModel("painn-schnetpack", { n_features: 64 });
  test("numbers that stay in the block that made them are waited for in vain", async () => {
    const spread = await open(model, "f32", 1024);
    addon.emulatedCard({ planted: 34 });
    await expect(spread.evaluate([ethanol], everything)).rejects.toThrow("threads wait for each other in vain");
  });
  test("a block that ends before all has come that is sent to it is found out", async () => {
    const spread = await open(model, "f32", 1024);
    addon.emulatedCard({ planted: 40 });
    await expect(spread.evaluate([ethanol], everything)).rejects.toThrow("blocks ended that had not waited for what was sent to them");
    addon.emulatedCard({ earlyRows: true });
    await expect(spread.evaluate([ethanol], everything)).rejects.toThrow("sent to a block that had ended");
  });
  test("a place that is written over while others read it is missed, where letters come at once", async () => {
    const [spread, whole] = [await open(model, "f32", 1024, true), await open(model, "f32", 0)];
    const right = (await whole.evaluate([ethanol], everything)).map(bits);
    addon.emulatedCard({ planted: 41, earlyRows: true });
    const wrong = (await spread.evaluate([ethanol], everything)).map(bits);
    addon.emulatedCard(usual);
    expect(wrong).not.toEqual(right);
    expect((await spread.evaluate([ethanol], everything)).map(bits)).toEqual(right);
  });
});
