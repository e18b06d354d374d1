import { beforeAll, describe, expect, test } from "vitest";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import type { Evaluation } from "../../src/system/potential.ts";
import { randomModel } from "../engine/models.ts";
import { everything } from "../engine/open.ts";
import { ethanol, smallCrystal, triclinic } from "../systems.ts";
import { addon, onCard, openCpu, openCuda } from "./open.ts";

/** In the order of their numbers in the kernels (FAULT). */
const faults = [
  "vector components swapped",
  "cutoff derivative omitted",
  "radial derivative sign",
  "message adjoint sign",
  "direction adjoint sign",
  "scalar gather dropped",
  "reverse edge direction",
  "update dot adjoint dropped",
  "update gate adjoint dropped",
  "norm adjoint sign",
  "readout slope omitted",
  "sender's force dropped",
];

describe.skipIf(onCard).each([
  ["f64", 90, 1e-6, 1e-10],
  ["f32", 90, 1e-4, 1e-5],
  ["f32", 75, 1e-4, 1e-5], // no tensor cores: all by multiply-adds
] as const)("faults planted in the kernels, %s on sm_%s", (precision, architecture, wrong, right) => {
  const model = randomModel("painn-schnetpack");
  const batch = [ethanol, triclinic, smallCrystal];

  let ours: CudaEngine;
  let expected: readonly Evaluation[];
  beforeAll(async () => {
    addon.emulatedCard({ architecture });
    ours = await openCuda(model, precision, { tuning: { residentAtoms: 0 } }); // resident.test.ts has the others
    addon.emulatedCard({ architecture: 90 });
    expected = await openCpu(model).evaluate(batch, everything);
  });

  /** The largest difference of our forces from the CPU's, eV/Å. */
  async function worst(planted: number): Promise<number> {
    addon.emulatedCard({ planted });
    const found = await ours.evaluate(batch, everything);
    addon.emulatedCard({ planted: 0 });
    const differences = found.flatMap(({ forces }, s) =>
      [...(forces ?? [])].map((f, k) => Math.abs(f - (expected[s]?.forces?.[k] ?? Number.NaN))),
    );
    return Math.max(...differences);
  }

  test.each(faults.map((name, k) => [name, k + 1] as const))("%s: the forces are not the CPU's", async (_, planted) => {
    expect(await worst(planted)).toBeGreaterThan(wrong);
  });

  test("without a fault they are", async () => {
    expect(await worst(0)).toBeLessThan(right);
  });
});
