import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CudaPrecision } from "../../src/engine/native.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { Evaluation } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { assertClose } from "../close.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { molecules, periodicSystems } from "../systems.ts";
import { addon, atFullSize, onCard, openCpu, openCuda } from "./open.ts";

const boxes = [...periodicSystems, gas(70, 3)];
const large = atFullSize ? [gas(3000, 5)] : [];

type Row = readonly [
  name: string,
  precision: CudaPrecision,
  arch: ModelConfig["arch"],
  changes: Partial<ModelConfig>,
  architecture?: number,
];
/** Cards without tensor cores for it, that only an emulated one can be. */
const older: readonly Row[] = [["PaiNN on sm_75, three features a lane", "f32", "painn-schnetpack", { n_features: 96 }, 75]];
const rows: readonly Row[] = [
  ...(onCard ? [] : older),
  ["PaiNN", "f64", "painn-schnetpack", {}],
  ["PaiNN", "f32", "painn-schnetpack", {}],
  [
    "PaiNN: Bessel functions, odd widths, one layer, readout without hidden layers, pairs at the cutoff",
    "f64",
    "painn-schnetpack",
    { rbf: "bessel", rbf_gamma_convention: null, n_features: 36, n_layers: 1, n_rbf: 7, readout_widths: [1], edge_rule: "le" },
  ],
  ["student", "f64", "painn-distiller", {}],
  ["student", "f32", "painn-distiller", {}],
  ["PaiNN", "mixed", "painn-schnetpack", {}],
  ["student", "mixed", "painn-distiller", {}],
];
/** docs/accuracy.md: forces, and mixed precision. */
const tolerances = { f64: 1e-12, f32: 2e-5, mixed: 1e-2 };

const largest = (values: ArrayLike<number>) => Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
const isStudent = (arch: ModelConfig["arch"]) => arch === "painn-distiller";

describe.for(rows)("%s, %s", ([_, precision, arch, changes, architecture = 90]) => {
  beforeAll(() => void addon.emulatedCard({ architecture }));
  afterAll(() => void addon.emulatedCard({ architecture: 90 }));
  const model = randomModel(arch, changes);
  const batch: readonly Structure[] = [...molecules, ...(isStudent(arch) ? [] : boxes), ...large.filter(() => !isStudent(arch))];

  test("energies, forces, stress and energies of atoms are the CPU's in float64", async () => {
    const [ours, theirs] = [await openCuda(model, precision), openCpu(model)];
    const [found, expected] = [await ours.evaluate(batch, everything), await theirs.evaluate(batch, everything)];
    const tolerance = tolerances[precision];
    for (const [s, reference] of expected.entries()) {
      const own = found[s] as Evaluation;
      const scale = Math.max(1, largest(reference.forces ?? []), largest(reference.energies ?? []));
      assertClose([own.energy], [reference.energy], tolerance * (batch[s]?.numbers.length ?? 0), scale);
      assertClose(own.forces ?? [], reference.forces ?? [], tolerance, scale);
      assertClose(own.energies ?? [], reference.energies ?? [], tolerance, scale);
      if (reference.stress !== null) assertClose(own.stress ?? [], reference.stress, tolerance, Math.max(scale, largest(reference.stress)));
      else expect(own.stress).toBeNull();
    }
  });

  test("the bits are those of any other batch, of energies alone, and of any order of the threads", async () => {
    const engine = await openCuda(model, precision);
    const all = await engine.evaluate(batch, everything);
    for (const [s, structure] of batch.entries()) {
      const [alone] = await engine.evaluate([structure], everything);
      expect(bits(alone), structure.name).toEqual(bits(all[s] as Evaluation));
    }
    const turned = await engine.evaluate(batch.toReversed(), everything);
    expect(turned.toReversed().map(bits)).toEqual(all.map(bits));
    expect((await engine.evaluate(batch, ["energy"])).map(({ energy }) => energy)).toEqual(all.map(({ energy }) => energy));
    for (const turns of onCard ? [] : (["descending", "shuffled"] as const)) {
      addon.emulatedCard({ turns });
      expect((await engine.evaluate(batch, everything)).map(bits), turns).toEqual(all.map(bits));
      addon.emulatedCard({ turns: "ascending" });
    }
  });
});

test("elements, cell and positions may change between runs of one recorded graph", async () => {
  const model = randomModel("painn-schnetpack");
  const [ours, theirs] = [await openCuda(model, "f64"), openCpu(model)];
  const first = gas(70, 3);
  const variants: Structure[] = [
    first,
    { ...first, numbers: first.numbers.map((z) => (z === 1 ? 8 : 1)) },
    { ...first, cell: first.cell?.map((x) => 1.01 * x) ?? null },
    { ...first, pbc: [true, false, true] },
    { ...first, positions: first.positions.map((x, k) => x + 0.05 * Math.sin(k)) },
  ];
  await ours.evaluate([first], everything);
  const { captures, compilations, allocations } = await ours.activity();
  for (const structure of variants) {
    const [found] = await ours.evaluate([structure], everything);
    const [expected] = await theirs.evaluate([structure], everything);
    assertClose(found?.forces ?? [], expected?.forces ?? [], 1e-11);
    assertClose([found?.energy ?? Number.NaN], [expected?.energy ?? 0], 1e-10);
  }
  expect(await ours.activity()).toMatchObject({ captures, compilations, allocations, schedule: "layered" });
});
