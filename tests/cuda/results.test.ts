import { expect, test } from "vitest";
import type { CudaPrecision } from "../../src/engine/native.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import type { Structure } from "../../src/system/structure.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { ethanol, lattice, smallCrystal, water } from "../systems.ts";
import { onCard, openCuda } from "./open.ts";

/** Few atoms have a kernel of their own for forces, while a card holds all its blocks at once (native/cuda/kernels/results.cu): of up to 1,584 atoms, or 16. */
const many = lattice(onCard ? 1800 : 20, 2.5);
/** More neighbours than the lanes of a warp take at once. */
const dense: Structure = {
  ...smallCrystal,
  numbers: [8],
  positions: Float64Array.of(0, 0, 0),
  cell: Float64Array.of(1.9, 0.1, 0, 0, 1.8, 0.2, 0.1, 0, 2),
};
const all = [dense, smallCrystal, ethanol, water];
const rows: readonly (readonly [string, CudaPrecision, ModelConfig["arch"], Partial<ModelConfig>, readonly Structure[]])[] = [
  ["PaiNN by slices, both halves of a pair", "f32", "painn-schnetpack", { n_features: 96 }, all],
  ["PaiNN by slices, one layer", "f32", "painn-schnetpack", { n_layers: 1 }, all],
  ["PaiNN", "f64", "painn-schnetpack", {}, all],
  ["the student", "f32", "painn-distiller", {}, [ethanol, water]],
];

test.each(rows)(
  "forces of few atoms have the bits that they have beside many: %s (%s)",
  async (_, precision, arch, changes, structures) => {
    const engine = await openCuda(randomModel(arch, changes), precision, { tuning: { residentAtoms: 0 } });
    const profile = (one: Structure) => engine.profile([one], ["energy", "forces"], 1);
    const kernels = async (one: Structure) =>
      (await profile(one)).launches.map(({ kernel }) => kernel).filter((name) => name.startsWith("sum_forces"));
    expect(await kernels(ethanol)).toEqual(["sum_forces_few"]);
    expect(await kernels(many)).toEqual(["sum_forces"]);
    if (structures.includes(dense)) expect((await profile(dense)).edges).toBeGreaterThan(64);
    for (const few of structures) {
      const alone = await engine.evaluate([few], everything);
      const [beside] = await engine.evaluate([few, many], everything);
      expect([beside].map((found) => found && bits(found))).toEqual(alone.map(bits));
    }
  },
);
