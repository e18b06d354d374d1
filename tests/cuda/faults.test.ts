import { describe, expect, test } from "vitest";
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

describe.skipIf(onCard)("faults planted in the kernels", () => {
  const model = randomModel("painn-schnetpack");
  const batch = [ethanol, triclinic, smallCrystal];

  test.each(faults.map((name, k) => [name, k + 1] as const))("%s: the forces are not the CPU's", async (_, planted) => {
    const [ours, theirs] = [await openCuda(model, "f64"), openCpu(model)];
    const expected = await theirs.evaluate(batch, everything);
    const worst = async () => {
      const found = await ours.evaluate(batch, everything);
      const differences = found.flatMap(({ forces }, s) =>
        [...(forces ?? [])].map((f, k) => Math.abs(f - (expected[s]?.forces?.[k] ?? Number.NaN))),
      );
      return Math.max(...differences);
    };
    addon.emulatedCard({ planted });
    expect(await worst()).toBeGreaterThan(1e-6);
    addon.emulatedCard({ planted: 0 });
    expect(await worst()).toBeLessThan(1e-10);
  });
});
