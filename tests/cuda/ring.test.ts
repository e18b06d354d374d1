import { describe, expect, test } from "vitest";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import { cudaCards } from "../../src/engine/device.ts";
import type { CudaPrecision } from "../../src/engine/native.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { Structure } from "../../src/system/structure.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { addon, onCard, openCuda } from "./open.ts";

/** Weights that come to a block through shared memory: the sums are those of weights that every warp loads for itself. */
const rows: readonly (readonly [string, CudaPrecision, ModelConfig["arch"], Partial<ModelConfig>])[] = [
  ["PaiNN, 128 features, two hidden layers in the readout", "f32", "painn-schnetpack", { n_features: 128, readout_widths: [64, 128, 1] }],
  ["PaiNN, mixed precision", "mixed", "painn-schnetpack", { n_features: 64 }],
  ["the student", "f32", "painn-distiller", { n_features: 64 }],
];
const open = (model: ReturnType<typeof randomModel>, precision: CudaPrecision, ringWeights: number) =>
  openCuda(model, precision, { tuning: { residentAtoms: 0, smallWaves: 0, ringWeights } });
const structures: Structure[] = [{ ...gas(33, 3), cell: null, pbc: [false, false, false] }]; // a whole tile, and one atom of another

const hasRing = !onCard || [90, 100].includes(cudaCards()[0]?.architecture ?? 0);
async function sharedBytes(engine: CudaEngine): Promise<number[]> {
  const { launches } = await engine.profile(structures, ["energy"], 1);
  return launches.filter(({ kernel }) => kernel.endsWith("_large")).map(({ sharedBytes: bytes }) => bytes);
}

test.each(rows)("%s (%s): bits do not depend on it", async (_, precision, arch, changes) => {
  const model = randomModel(arch, changes);
  const [ring, direct] = [await open(model, precision, 1), await open(model, precision, 0)];
  // It is there: 36 kB and its counters beside what a block has.
  const [more, usual] = [await sharedBytes(ring), await sharedBytes(direct)];
  expect(more).toEqual(usual.map((bytes) => bytes + (hasRing ? 36_960 : 0)));
  const found = await ring.evaluate(structures, everything);
  expect(found.map(bits)).toEqual((await direct.evaluate(structures, everything)).map(bits));
});

describe.skipIf(onCard)("a fault planted in the kernels", () => {
  test("a place that is read before it has been filled is found out", async () => {
    const model = randomModel("painn-schnetpack", { n_features: 64 });
    const [ring, direct] = [await open(model, "mixed", 1), await open(model, "mixed", 0)];
    const right = (await direct.evaluate(structures, everything)).map(bits);
    addon.emulatedCard({ planted: 35 });
    const wrong = await ring.evaluate(structures, everything).then(
      (found) => found.map(bits),
      (cause: unknown) => cause,
    );
    addon.emulatedCard({ planted: 0 });
    expect(wrong).not.toEqual(right);
    expect((await ring.evaluate(structures, everything)).map(bits)).toEqual(right);
  });
});
