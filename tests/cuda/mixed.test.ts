import { describe, expect, test } from "vitest";
import { cudaPlanFor } from "../../src/engine/plan.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { check } from "../crosscheck/run.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { cubic, ethanol, methanol, triclinic, water } from "../systems.ts";
import { addon, onCard, openCpu, openCuda } from "./open.ts";

const rows: readonly (readonly [string, ModelConfig["arch"], Partial<ModelConfig>])[] = [
  ["PaiNN", "painn-schnetpack", {}],
  ["the student", "painn-distiller", {}],
];

describe.each(rows)("mixed precision, %s", (_, arch, changes) => {
  const model = randomModel(arch, changes);
  const structures = arch === "painn-distiller" ? [ethanol, methanol, water] : [ethanol, water, triclinic, cubic];
  const options = { structures, samples: 0, boxes: false, laws: ["batch", "repetition", "permutation"] } as const;

  test("passes a crosscheck with the CPU's float64 within its own limits, which are not float32's", async () => {
    const [mixed, reference] = [await openCuda(model, "mixed"), openCpu(model)];
    expect(mixed.name).toBe("native:cuda:mixed");
    const { result } = await check([mixed], reference, options);
    expect(result.comparisons[0]?.reasons).toEqual([]);
    expect(result.verdict).toBe("pass");
    const { result: asFloat } = await check([{ ...mixed, name: "native:cuda:f32" }], reference, options);
    expect(asFloat.verdict).toBe("fail");
  });

  test.skipIf(onCard)("fails where a unit of the inputs is multiplied twice and another not at all", async () => {
    const [mixed, reference] = [await openCuda(model, "mixed"), openCpu(model)];
    addon.emulatedCard({ planted: 33 });
    const { result } = await check([mixed], reference, options);
    addon.emulatedCard({ planted: 0 });
    expect(result.verdict).toBe("fail");
  });
});

test.each([
  ["32 features, two layers", {}],
  ["64 features, three layers, two hidden layers in the readout", { n_features: 64, n_layers: 3, readout_widths: [40, 20, 1] }],
])("mixed precision, %s: the bits of a structure are the same in both schedules and in any batch", async (_, changes) => {
  const model = randomModel("painn-schnetpack", changes);
  const resident = await openCuda(model, "mixed");
  const layered = await openCuda(model, "mixed", { tuning: { residentAtoms: 0 } });
  const [alone] = await resident.evaluate([ethanol], everything);
  if (!onCard) expect((await resident.activity()).schedule).toBe("resident");
  const [among] = await layered.evaluate([ethanol, gas(40, 2), water], everything);
  expect((await layered.activity()).schedule).toBe("layered");
  expect(bits(among)).toEqual(bits(alone));
});

test.each([
  ["a card without such tensor cores", 75, 64, {}],
  ["features that leave no room for eight atoms", 86, 40, { n_features: 384, n_layers: 1 }],
] as const)("mixed precision is refused on %s, by name", async (_, architecture, kilobytes, changes) => {
  const card = { architecture, multiprocessors: 84, sharedBytes: kilobytes * 1024 };
  expect(() => cudaPlanFor(randomModel("painn-schnetpack", changes), "mixed", card, 9, 36)).toThrow(
    expect.objectContaining({ code: "UNSUPPORTED", message: expect.stringMatching(/mixed precision.*use native:cuda:f32/) }),
  );
});
