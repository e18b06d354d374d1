import { describe, expect, test } from "vitest";
import type { ModelConfig } from "../../src/model/config.ts";
import type { ModelFile } from "../../src/model/model-file.ts";
import type { Evaluation } from "../../src/system/potential.ts";
import { assertClose } from "../close.ts";
import { gas } from "../engine/gas.ts";
import { randomModel, withFilters } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { ethanol, selfImages, singleAtom, triclinic, water } from "../systems.ts";
import { addon, onCard, openCpu, openCuda } from "./open.ts";

/** Messages of float32: filters on tensor cores (native/cuda/kernels/layers/slices.cuh); for more atoms than the resident schedule takes. */
const structure = gas(66, 11);
const largest = (values: ArrayLike<number>) => Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

const random = (changes: Partial<ModelConfig>) => randomModel("painn-schnetpack", { n_layers: 1, ...changes });
const rows: readonly (readonly [name: string, model: ModelFile])[] = [
  ["Bessel functions, padded features", random({ rbf: "bessel", rbf_gamma_convention: null, n_features: 36, n_rbf: 7, n_layers: 3 })],
  ["more radial functions than registers hold weights of, features in five chunks", random({ n_rbf: 30, n_features: 160, n_layers: 2 })],
  ["weights that shared memory has no room for", random({ n_rbf: 128, n_features: 32, n_layers: 2 })],
  ["filters that fp16 numbers are too small for", withFilters(random({}), 1e6)],
  ["filters that fp16 numbers are too large for", withFilters(random({ n_layers: 2 }), 1e-8)],
];

describe.each(rows)("slices: %s", (_, model) => {
  test("forces are the CPU's in float64, to their own size", async () => {
    const [[found], [expected]] = [
      await (await openCuda(model, "f32", { beyond: true })).evaluate([structure], everything),
      await openCpu(model).evaluate([structure], everything),
    ];
    assertClose(found?.forces ?? [], expected?.forces ?? [], 2e-5, largest(expected?.forces ?? []));
  });
});

test("in a batch that is layered each has the bits that it has alone, resident where a card's clusters hold it", async () => {
  addon.emulatedCard({ clusters: 33 });
  const engine = await openCuda(random({}), "f32");
  addon.emulatedCard({ clusters: 7 });
  const both = [gas(64, 12), gas(65, 13)];
  const [alone, schedules] = [[] as Evaluation[], [] as string[]];
  for (const one of both) {
    alone.push(...(await engine.evaluate([one], everything)));
    schedules.push((await engine.activity()).schedule);
  }
  if (!onCard) expect(schedules).toEqual(["resident", "layered"]);
  expect((await engine.evaluate(both, everything)).map(bits)).toEqual(alone.map(bits));
});

describe.skipIf(onCard)("slices: faults planted in the kernels", () => {
  const model = random({ n_layers: 3, n_features: 64 });
  const schedules = [
    ["layered", structure],
    ["resident", ethanol],
  ] as const;
  test.each([
    ["the small part of weights is the large one", 31],
    ["the last slice's share of a pair's sums dropped", 32],
    ["the half of a pair's t that the reverse edge has taken as it points there", 39],
  ])("%s: seen in both schedules", async (_, planted) => {
    const engine = await openCuda(model, "f32", { beyond: true }); // such numbers may be any
    for (const [schedule, one] of schedules) {
      const [right] = await engine.evaluate([one], everything);
      addon.emulatedCard({ planted });
      const [wrong] = await engine.evaluate([one], everything);
      addon.emulatedCard({ planted: 0 });
      expect((await engine.activity()).schedule).toBe(schedule);
      const forces = right?.forces ?? [];
      const difference = largest((wrong?.forces ?? []).map((f, k) => f - (forces[k] ?? Number.NaN)));
      expect(difference <= 1e-4 * largest(forces), schedule).toBe(false); // nor where it is no number
    }
  });
  test("rows may come at once, before others have read what they come over: the bits are those of rows that come late", async () => {
    const engine = await openCuda(model, "f32", { tuning: { residentAtoms: 0 } });
    const batch = [ethanol, triclinic, water, singleAtom, selfImages, ethanol]; // several receivers a warp, with lists of one tile and more, and of none
    const late = await engine.evaluate(batch, everything);
    for (const turns of ["ascending", "descending", "shuffled"] as const) {
      addon.emulatedCard({ earlyRows: true, turns });
      const early = await engine.evaluate(batch, everything);
      addon.emulatedCard({ earlyRows: false, turns: "ascending" });
      expect(early.map(bits), turns).toEqual(late.map(bits));
    }
  });
  test("rows read before they have come are found out", async () => {
    const engine = await openCuda(model, "f32");
    addon.emulatedCard({ planted: 35 });
    await expect(engine.evaluate([structure], everything)).rejects.toMatchObject({ code: "NOT_FINITE" }); // shared memory is NaN before it is written
    addon.emulatedCard({ planted: 0 });
  });
});
