import { afterEach, describe, expect, test } from "vitest";
import type { CudaPrecision } from "../../src/engine/native.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { ModelFile } from "../../src/model/model-file.ts";
import type { Structure } from "../../src/system/structure.ts";
import { gas } from "../engine/gas.ts";
import { randomModel, withFilters } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { ethanol, noEdges, selfImages, singleAtom, triclinic, water } from "../systems.ts";
import { addon, onCard, openCuda } from "./open.ts";

/** PaiNN of 128 features where tiles are spread: a layer is one launch each way (native/cuda/kernels/painn_layer.cu), of clusters of eight blocks where the card holds
 *  those of all tiles at once, else of four. The bits are those of launches apart, which spread.test.ts says do not depend on whether their tiles are. */
const random = (changes: Partial<ModelConfig>) => randomModel("painn-schnetpack", { n_features: 128, ...changes });
const three = random({ n_layers: 3, n_rbf: 20, readout_widths: [64, 1] });
/** Open clusters in which every atom has all others as neighbours: lists of no edge, and of whole tiles of eight, one less and one more. */
const clusters = [1, 8, 9, 10, 17, 18].map((atoms): Structure => {
  const places = Array.from({ length: atoms }, (_, k) => [1.5 * (k % 3), 1.5 * (Math.floor(k / 3) % 3), 1.5 * Math.floor(k / 9)]);
  const positions = Float64Array.from(places.flat(), (x, k) => x + 0.1 * Math.sin(7 * k));
  return { name: `${atoms} within the cutoff`, numbers: Array(atoms).fill(6), positions, cell: null, pbc: [false, false, false] };
});
const batch = [ethanol, triclinic, singleAtom, water, selfImages, noEdges];
const rows: readonly (readonly [name: string, model: ModelFile, precision: CudaPrecision, structures: readonly Structure[]])[] = [
  ["three layers, 9 atoms: a tile and an atom of another", three, "f32", [ethanol]],
  ["three layers, 17 atoms, periodic", three, "f32", [gas(17, 1)]],
  ["three layers, 50 atoms", three, "f32", [gas(50, 2)]],
  ["three layers, 100 atoms", three, "f32", [gas(100, 3)]],
  ["a batch, also of atoms without neighbours", three, "f32", batch],
  ["three layers, lists of whole tiles", withFilters(three, 0.1), "f32", clusters],
  ["mixed precision", random({}), "mixed", batch],
  [
    "padded features, Bessel functions, a readout of one layer",
    random({ n_features: 100, rbf: "bessel", rbf_gamma_convention: null, readout_widths: [1] }),
    "f32",
    batch,
  ],
  ["weights of filters that neither registers nor shared memory hold", random({ n_rbf: 128 }), "f32", [ethanol]],
];
/** Letters and rows come as late as they may, or at once; tiles run ahead of others in one order or another. */
const ways = onCard ? [{}] : [{}, { turns: "shuffled" } as const, { earlyRows: true, turns: "unfair" } as const];
const usual = { earlyRows: false, turns: "ascending", planted: 0, clusters: 7 } as const;
/** Clusters that the card holds: of eight blocks those of all tiles, or none. */
const blocks = onCard ? [["eight", {}] as const] : ([["eight", { clusters: 33 }] as const, ["four", { clusters: 0 }] as const] as const);
afterEach(() => {
  if (!onCard) addon.emulatedCard(usual);
});
const open = (model: ModelFile, precision: CudaPrecision, spreadWaves: number, beyond = false) =>
  openCuda(model, precision, { tuning: { residentAtoms: 0, spreadWaves }, beyond });

test.each(rows)("%s: bits of launches apart", async (_, model, precision, structures) => {
  const apart = await open(model, precision, 0);
  const atoms = structures.reduce((sum, { numbers }) => sum + numbers.length, 0);
  const whole = await Promise.all(blocks.map(async ([name, card]) => [name, card, await open(model, precision, 1024)] as const));
  for (const want of [everything, ["energy"] as const]) {
    const right = (await apart.evaluate(structures, want)).map(bits);
    // The last is the hardest; the others are for the exchange between warps, which blocks of four have not.
    for (const [name, card, engine] of whole)
      for (const way of atoms < 40 && name === "eight" && want === everything ? ways : ways.slice(-1)) {
        if (!onCard) addon.emulatedCard({ ...card, ...way });
        const found = await engine.evaluate(structures, want);
        if (!onCard) addon.emulatedCard(usual);
        expect(found.map(bits), `${name} blocks, ${JSON.stringify(way)}`).toEqual(right);
      }
  }
});

test("it is nine launches instead of fourteen, up to so many atoms, and not of one layer or of other features", async () => {
  const kernels = async (model: ModelFile, spreadWaves: number, atoms: number) => {
    const { launches } = await (await open(model, "f32", spreadWaves)).profile([gas(atoms, 3)], ["energy", "forces"], 1);
    return launches.filter(({ search }) => !search).map(({ kernel }) => kernel.replace(/^sum_forces_few$/, "sum_forces"));
  };
  const sums = ["sum_forces", "sum_structures"];
  const apart = (layers: number) =>
    [
      ...[
        "painn_radial",
        ...Array.from({ length: layers }, (_, t) => [
          `painn_slices${t === 0 ? "_first" : ""}`,
          `painn_update${t === layers - 1 ? "_last" : ""}_`,
        ]),
      ],
      ...[
        ...Array.from({ length: layers - 1 }, () => ["painn_slices_adjoint", "painn_update_adjoint_"]),
        "painn_slices_adjoint_first",
        sums,
      ],
    ].flat(2);
  const whole = (name: string, pairs: string) => [
    "painn_radial",
    ...[`${name}_first`, name, `${name}_last`, `${name}_adjoint`, `${name}_adjoint`],
    ...[pairs, ...sums],
  ];
  const anyCut = (names: readonly string[]) => names.map((name) => name.replace(/_(spread|small|large)$/, "_"));
  const few = onCard ? 100 : 16; // at a quarter of a tile a multiprocessor, at one
  const waves = onCard ? 0.25 : 1;
  expect(await kernels(three, waves, few)).toEqual(whole("painn_relay", "painn_relay_pairs")); // of eight blocks
  if (!onCard) addon.emulatedCard({ clusters: 1 });
  expect(await kernels(three, waves, onCard ? 200 : few)).toEqual(whole("painn_layer", "painn_slices_adjoint_first"));
  if (!onCard) addon.emulatedCard(usual);
  expect(anyCut(await kernels(three, waves, onCard ? 300 : 17))).toEqual(apart(3));
  expect(anyCut(await kernels(random({ n_layers: 1 }), waves, few))).toEqual(apart(1));
  expect(anyCut(await kernels(randomModel("painn-schnetpack", { n_features: 64 }), waves, few))).toEqual(apart(2));
});

test("an engine that has had more atoms takes fewer, and more again", async () => {
  const [engine, apart] = [await open(three, "f32", 1), await open(three, "f32", 0)]; // whole layers of up to 16 atoms on the emulated card
  for (const structures of [[ethanol], [ethanol, ethanol], [ethanol]])
    expect((await engine.evaluate(structures, everything)).map(bits)).toEqual((await apart.evaluate(structures, everything)).map(bits));
});

describe.skipIf(onCard)("a fault planted in the kernels", () => {
  test.each([
    ["x^m mu", 43],
    ["q_bar", 44],
  ])("one place of %s, which a tile writes while others pass messages, is missed where it runs ahead of them", async (_, planted) => {
    const engine = await open(three, "f32", 1024, true);
    const right = (await engine.evaluate([ethanol], everything)).map(bits);
    addon.emulatedCard({ planted, turns: "unfair", earlyRows: true });
    expect((await engine.evaluate([ethanol], everything)).map(bits)).not.toEqual(right);
    addon.emulatedCard({ planted: 0 });
    expect((await engine.evaluate([ethanol], everything)).map(bits)).toEqual(right);
  });
  test("sums that are taken from the other warp of a receiver before they are there are wrong", async () => {
    const engine = await open(three, "f32", 1024, true);
    const dense = [gas(17, 1)]; // of more edges an atom than a tile has
    const right = (await engine.evaluate(dense, everything)).map(bits);
    addon.emulatedCard({ planted: 50 });
    expect((await engine.evaluate(dense, everything)).map(bits)).not.toEqual(right);
  });
  test("a warp without a receiver that keeps out of the exchange is waited for in vain", async () => {
    const engine = await open(three, "f32", 1024);
    addon.emulatedCard({ planted: 45 });
    await expect(engine.evaluate([ethanol], everything)).rejects.toThrow("threads wait for each other in vain");
  });
  test("what is received and stays in its block is waited for in vain", async () => {
    const engine = await open(three, "f32", 1024);
    addon.emulatedCard({ planted: 34 });
    await expect(engine.evaluate([ethanol], everything)).rejects.toThrow("threads wait for each other in vain");
  });
});
