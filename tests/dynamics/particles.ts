import { evaluateAll } from "../../src/system/evaluate-all.ts";
import type { Potential } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { potentialOf } from "./springs.ts";

/** Few atoms that move as molecules do: bound, anharmonic, never at rest. */

const free: Structure["pbc"] = [false, false, false];

/** A tetrahedron and an atom on top of a face. */
export const fluid: Structure = {
  name: "five atoms",
  numbers: [6, 8, 6, 8, 6],
  positions: Float64Array.of(0, 0, 0, 1.5, 0, 0, 0.75, 1.3, 0, 0.75, 0.43, 1.22, 0.75, 0.43, -1.22),
  cell: null,
  pbc: free,
};

const stiffness = 2; // 1/Å
const depth = 2; // eV
const bond = 1.5; // Å

/** Morse bonds between all pairs, and what a test adds to their forces. @param extra added to the forces alone, not to the energy */
export const morsePairs = (extra: (positions: Float64Array) => Float64Array = (x) => new Float64Array(x.length)): Potential => ({
  ...potentialOf((positions) => {
    const forces = extra(positions).slice();
    let energy = 0;
    for (let i = 0; i < positions.length; i += 3)
      for (let j = 0; j < i; j += 3) {
        const r = [0, 1, 2].map((k) => (positions[i + k] as number) - (positions[j + k] as number));
        const d = Math.hypot(...r);
        const e = Math.exp(-stiffness * (d - bond));
        energy += depth * (e * e - 2 * e);
        const push = (2 * stiffness * depth * (e * e - e)) / d;
        r.forEach((x, k) => {
          forces[i + k] = (forces[i + k] as number) + push * x;
          forces[j + k] = (forces[j + k] as number) - push * x;
        });
      }
    return { energy, forces };
  }),
  name: "test:pairs",
});

/** A side that computes the same with forces rounded to multiples of a unit. @param unit eV/Å */
export const rounded = (inner: Potential, unit: number): Potential => ({
  ...inner,
  name: `${inner.name} rounded`,
  evaluate: async (batch, want) =>
    (await inner.evaluate(batch, want)).map((evaluation) => ({
      ...evaluation,
      forces: evaluation.forces?.map((f) => unit * Math.round(f / unit)) ?? null,
    })),
});

/** Four atoms in a line, each as far from the next as the cutoff. */
export const chain = (cutoff: number): Structure => ({
  name: "chain at the cutoff",
  numbers: [1, 6, 1, 8],
  positions: Float64Array.of(0, 0, 0, cutoff, 0, 0, 2 * cutoff, 0, 0, 3 * cutoff, 0, 0),
  cell: null,
  pbc: free,
});

/** A model and a spring from each atom to where it is in `chain`. @param share of the model's energy, and of the force */
export const joint = (model: Potential, share: number, k = 3): Potential => ({
  name: "test:springs and model",
  provides: new Set(["energy", "forces"]),
  domain: model.domain,
  async evaluate(batch) {
    const evaluations = await evaluateAll(model, batch, ["energy", "forces"]);
    return batch.map(({ positions }, s) => {
      const { netEnergy, forces } = evaluations[s] as (typeof evaluations)[number];
      const anchors = chain(5).positions;
      const way = positions.map((x, i) => x - (anchors[i] as number));
      const energy = share * netEnergy + way.reduce((sum, x) => sum + (k * x * x) / 2, 0);
      const total = way.map((x, i) => share * (forces?.[i] as number) - k * x);
      return { energy, netEnergy: energy, forces: total, stress: null, energies: null };
    });
  },
  close: async () => undefined,
});
