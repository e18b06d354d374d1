import { describe, expect, test } from "vitest";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { Evaluation } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { assertClose } from "../close.ts";
import { gas } from "../engine/gas.ts";
import { randomModel, withFilters } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { closeDimer, cubic, ethanol, farDimer, methanol, selfImages, singleAtom, smallCrystal, triclinic, water } from "../systems.ts";
import { addon, onCard, openCpu, openCuda } from "./open.ts";

type Row = readonly [name: string, changes: Partial<ModelConfig>];
const rows: readonly Row[] = [
  ["32 features, two layers", {}],
  ["64 features, three layers, Bessel functions", { n_features: 64, n_layers: 3, rbf: "bessel", rbf_gamma_convention: null, n_rbf: 7 }],
  ["one layer, readout without hidden layers, pairs at the cutoff", { n_layers: 1, readout_widths: [1], edge_rule: "le" }],
  [
    "padded widths, two hidden layers, shared layers",
    { n_features: 50, readout_widths: [40, 20, 1], shared_layers: true, shared_filters: true },
  ],
];

const batches: readonly (readonly Structure[])[] = [
  [ethanol],
  [singleAtom],
  [water, methanol, ethanol],
  [triclinic, closeDimer],
  [cubic, farDimer, water],
];
const largest = (values: ArrayLike<number>) => Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

/** The bound of float32 (docs/accuracy.md, forces): 1e-5 eV/Å, or 5e-6 of the largest force where that is more. */
const assertNear = (found: Evaluation | undefined, { forces }: Evaluation) =>
  assertClose(found?.forces ?? [], forces ?? [], 5e-6, Math.max(2, largest(forces ?? [])));

/** The same engine on a card that holds no clusters, or that is told to use none. */
async function openLayered(changes: Partial<ModelConfig>): Promise<CudaEngine> {
  addon.emulatedCard({ clusters: 0 });
  const engine = await openCuda(randomModel("painn-schnetpack", changes), "f32", onCard ? { tuning: { residentAtoms: 0 } } : {});
  addon.emulatedCard({ clusters: 7 });
  return engine;
}

describe.each(rows)("the resident schedule: %s", (_, changes) => {
  const model = randomModel("painn-schnetpack", changes);

  test("one launch, and the bits of the layered schedule", async () => {
    const [ours, layered, theirs] = [await openCuda(model, "f32"), await openLayered(changes), openCpu(model)];
    for (const batch of batches) {
      const [found, same, expected] = [
        await ours.evaluate(batch, everything),
        await layered.evaluate(batch, everything),
        await theirs.evaluate(batch, everything),
      ];
      expect((await ours.activity()).schedule).toBe("resident");
      expect((await layered.activity()).schedule).toBe("layered");
      for (const [s, reference] of expected.entries()) assertNear(found[s], reference);
      expect(found.map(bits)).toEqual(same.map(bits));
    }
  });
});

test("energies alone are those that come with forces, in any order of the threads, and nothing is sent to a block that has ended", async () => {
  const batch = [ethanol, water, singleAtom];
  const ours = await openCuda(randomModel("painn-schnetpack"), "f32");
  const expected = (await ours.evaluate(batch, everything)).map(({ energy }) => energy);
  for (const turns of ["ascending", "descending", "shuffled"] as const) {
    addon.emulatedCard({ turns });
    expect((await ours.evaluate(batch, ["energy"])).map(({ energy }) => energy)).toEqual(expected);
  }
  addon.emulatedCard({ turns: "ascending" });
  expect((await ours.activity()).schedule).toBe("resident");
});

test("what needs a search by bins is not for the resident schedule, however many clusters the card holds", async () => {
  addon.emulatedCard({ clusters: 28 });
  const ours = await openCuda(randomModel("painn-schnetpack"), "f32");
  addon.emulatedCard({ clusters: 7 });
  const [inBins] = await ours.evaluate([gas(70, 3)], everything);
  expect((await ours.activity()).schedule).toBe("layered");
  const [expected] = await openCpu(randomModel("painn-schnetpack")).evaluate([gas(70, 3)], everything);
  const forces = expected?.forces ?? [];
  assertClose(inBins?.forces ?? [], forces, 2e-5, Math.max(1, largest(forces)));
});

test("more edges than there is room for: the layered schedule answers, and has the next such batch at once", async () => {
  const model = withFilters(randomModel("painn-schnetpack"), 0.05); // so dense, the numbers of the other go beyond what tensor cores take
  const [ours, layered] = [await openCuda(model, "f32"), await openCuda(model, "f32", { tuning: { residentAtoms: 0 } })];
  const dense: Structure = {
    ...smallCrystal,
    cell: smallCrystal.cell.map((x) => 0.4 * x),
    positions: smallCrystal.positions.map((x) => 0.4 * x),
  };
  const [[found], [same]] = [await ours.evaluate([dense], everything), await layered.evaluate([dense], everything)];
  expect(bits(found)).toEqual(bits(same));
  expect((await ours.activity()).schedule).toBe("layered");
  addon.emulatedCard({});
  await ours.evaluate([dense], everything);
  if (!onCard) expect(addon.emulatedCard({}).replays).toBe(2);
  await ours.evaluate([selfImages], everything);
  expect((await ours.activity()).schedule).toBe("resident");
});

// Text that both schedules share goes wrong in both, so that the CPU alone can tell; what only one of them has, their bits tell.
describe.skipIf(onCard).each([
  ["cutoff derivative omitted", 2, true],
  ["radial derivative sign", 3, true],
  ["sender's force dropped", 12, true],
  ["message adjoint sign", 4, false],
  ["update gate adjoint dropped", 9, false],
] as const)("a planted fault, %s", (_, planted, isShared) => {
  test("is found", async () => {
    const [ours, layered] = [await openCuda(randomModel("painn-schnetpack"), "f32"), await openLayered({})];
    const [expected] = await openCpu(randomModel("painn-schnetpack")).evaluate([ethanol], everything);
    addon.emulatedCard({ planted });
    const [[found], [other]] = [await ours.evaluate([ethanol], everything), await layered.evaluate([ethanol], everything)];
    addon.emulatedCard({ planted: 0 });
    expect((await ours.activity()).schedule).toBe("resident");
    const [wrong, right] = isShared ? [[found, other], []] : [[other], [found]];
    for (const each of wrong) expect(() => assertNear(each, expected as Evaluation)).toThrow();
    for (const each of right) assertNear(each, expected as Evaluation);
    if (!isShared) expect(bits(found)).not.toEqual(bits(other));
  });
});

// Products on tensor cores: of two parts of each number, three products are made. Without one of them a sum is less exact, in both schedules alike; what is
// added up in another order differs in bits alone.
test.skipIf(onCard)(
  "what is computed behind a wait that was given up is no answer, with forces or without, and the next one is",
  async () => {
    const ours = await openCuda(randomModel("painn-schnetpack"), "f32");
    for (const want of [everything, ["energy"] as const]) {
      const right = (await ours.evaluate([ethanol], want)).map(bits);
      addon.emulatedCard({ planted: 42 });
      await expect(ours.evaluate([ethanol], want)).rejects.toThrow("waited for its own blocks in vain");
      await expect(Promise.all([ours.evaluate([ethanol], want), ours.evaluate([water], want)])).rejects.toThrow("in vain");
      addon.emulatedCard({ planted: 0 });
      expect((await ours.evaluate([ethanol], want)).map(bits)).toEqual(right);
    }
    expect((await ours.activity()).schedule).toBe("resident");
  },
);

describe.skipIf(onCard)("a planted fault of tensor-core products", () => {
  async function forces(planted: number) {
    const [ours, layered] = [await openCuda(randomModel("painn-schnetpack"), "f32"), await openLayered({})];
    const [expected] = await openCpu(randomModel("painn-schnetpack")).evaluate([ethanol], everything);
    addon.emulatedCard({ planted });
    const [[found], [other]] = [await ours.evaluate([ethanol], everything), await layered.evaluate([ethanol], everything)];
    addon.emulatedCard({ planted: 0 });
    const error = largest((found?.forces ?? []).map((f, k) => f - (expected?.forces?.[k] ?? Number.NaN)));
    return { error, same: bits(found).every((x, k) => x === bits(other)[k]) };
  }

  test("products with small parts dropped: less than float32 is left", async () => {
    expect((await forces(13)).error).toBeGreaterThan(1e-2);
  });

  test("the large part of weights in the place of the small one: the error grows", async () => {
    const [right, wrong] = [await forces(0), await forces(14)];
    expect(right.same).toBe(true);
    expect(wrong.error).toBeGreaterThan(4 * right.error);
  });

  test("sums of one schedule in another order: other bits", async () => {
    const { error, same } = await forces(15);
    expect(error).toBeLessThan(1e-5);
    expect(same).toBe(false);
  });
});
