import { expect, test } from "vitest";
import type { Evaluation } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { assertClose } from "../close.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { lattice, smallCrystal, water } from "../systems.ts";
import { addon, onCard, openCpu, openCuda } from "./open.ts";

// A structure of more than 1,024 atoms is added up by several blocks, and the one that ends last adds what they have.

const model = randomModel("painn-schnetpack", { cutoff: 2.5, n_features: 32, n_layers: 1 });
/** Atoms of two elements, each within reach of six, in a cell. */
const crystal = (atoms: number): Structure => {
  const box = 2.2 * Math.ceil(Math.cbrt(atoms));
  const { name, numbers, positions } = lattice(atoms, 2.2);
  return {
    name,
    numbers: numbers.map((z, k) => (k % 3 === 0 ? z : 6)),
    positions: positions.map((x, q) => x + 0.05 * Math.sin(7 * q)),
    cell: Float64Array.of(box, 0, 0, 0, box, 0, 0, 0, box),
    pbc: [true, true, true],
  };
};

test("structures of several chunks have the same bits alone and in a batch, where two of them meet in a window", async () => {
  const batch: Structure[] = [water, crystal(1030), crystal(1100), smallCrystal];
  const [ours, theirs] = [await openCuda(model, "f64"), openCpu(model)];
  const all = await ours.evaluate(batch, everything);
  const expected = await theirs.evaluate(batch, everything);
  for (const [s, reference] of expected.entries()) {
    const own = all[s] as Evaluation;
    const atoms = batch[s]?.numbers.length ?? 0;
    assertClose([own.energy], [reference.energy], 1e-13 * atoms, Math.max(1, Math.abs(reference.energy)));
    assertClose([own.energy], [own.energies?.reduce((sum, x) => sum + x, 0) ?? Number.NaN], 1e-13, Math.max(1, Math.abs(reference.energy)));
    if (reference.stress !== null) assertClose(own.stress ?? [], reference.stress, 1e-12);
  }
  for (const s of [1, 2]) {
    const [alone] = await ours.evaluate([batch[s] as Structure], everything);
    expect(bits(alone), batch[s]?.name).toEqual(bits(all[s]));
  }
  if (!onCard) addon.emulatedCard({ turns: "descending" });
  const energies = await ours.evaluate(batch, ["energy"]);
  if (!onCard) addon.emulatedCard({ turns: "ascending" });
  expect(energies.map(({ energy }) => energy)).toEqual(all.map(({ energy }) => energy));
});
