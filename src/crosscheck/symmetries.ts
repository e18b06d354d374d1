import { cross, dot, row } from "../system/cell.ts";
import { worse } from "../system/finite.ts";
import {
  permuted,
  permutedVectors,
  randomReflection,
  randomRotation,
  translated,
  turned,
  turnStress,
  turnVectors,
} from "../system/transform.ts";
import { always, deviation, evaluateTrial, isPeriodic, type Law, type Trial } from "./law.ts";
import { largestOf } from "./metrics.ts";

/** Energy and forces do not change when everything moves together. */
export const translation: Law = {
  name: "translation",
  expensive: false,
  inapplicable: always,
  async measure(potential, { structure, random, cutoff }) {
    const shifts = [0, 1, 2].map(() => random.direction().map((x) => 20 * x) as [number, number, number]);
    const { evaluations, first, tolerances } = await evaluateTrial(
      potential,
      [structure, ...shifts.map((shift) => translated(structure, shift))],
      cutoff,
    );
    return { measures: deviation(evaluations.slice(1), [first, first, first], structure.numbers.length, tolerances), curves: [] };
  },
};

/** Energy stays, forces and stress turn with the structure. */
const orthogonal = (name: "rotation" | "reflection", draw: typeof randomRotation): Law => ({
  name,
  expensive: false,
  inapplicable: always,
  async measure(potential, { structure, random, cutoff }) {
    const turns = [0, 1, 2].map(() => draw(random));
    const { evaluations, first, tolerances } = await evaluateTrial(
      potential,
      [structure, ...turns.map((q) => turned(structure, q))],
      cutoff,
    );
    const predictions = turns.map((q) => ({
      netEnergy: first.netEnergy,
      forces: first.forces && turnVectors(first.forces, q),
      stress: first.stress && turnStress(first.stress, q),
    }));
    return { measures: deviation(evaluations.slice(1), predictions, structure.numbers.length, tolerances), curves: [] };
  },
});

export const rotation = orthogonal("rotation", randomRotation);
export const reflection = orthogonal("reflection", randomReflection);

/** The order in which atoms are listed means nothing. */
export const permutation: Law = {
  name: "permutation",
  expensive: false,
  inapplicable: ({ numbers }) => (numbers.length > 1 ? null : "one atom has one order"),
  async measure(potential, { structure, random, cutoff }) {
    const orders = [0, 1, 2].map(() => random.permutation(structure.numbers.length));
    const { evaluations, first, tolerances } = await evaluateTrial(
      potential,
      [structure, ...orders.map((order) => permuted(structure, order))],
      cutoff,
    );
    const predictions = orders.map((order) => ({
      netEnergy: first.netEnergy,
      forces: first.forces && permutedVectors(first.forces, order),
      stress: first.stress,
    }));
    return { measures: deviation(evaluations.slice(1), predictions, structure.numbers.length, tolerances), curves: [] };
  },
};

/** n components of rounding add up like a walk: sqrt(n) times one. */
const walk = (structure: Trial["structure"]): number => Math.sqrt(structure.numbers.length);

/** Nothing pushes the whole: forces add up to zero. */
export const netForce: Law = {
  name: "net-force",
  expensive: false,
  inapplicable: always,
  async measure(potential, { structure, cutoff }) {
    const { first, tolerances } = await evaluateTrial(potential, [structure], cutoff);
    const sum = [0, 0, 0];
    first.forces?.forEach((f, index) => {
      sum[index % 3] = (sum[index % 3] as number) + f;
    });
    const value = first.forces?.length === 3 * structure.numbers.length ? largestOf(sum) : Number.NaN;
    return { measures: [{ quantity: "force sum", unit: "eV/Å", value, tolerance: tolerances.forces * walk(structure) }], curves: [] };
  },
};

/** Nothing turns the whole: without periodic axes, torques about the centre add up to zero. */
export const netTorque: Law = {
  name: "net-torque",
  expensive: false,
  inapplicable: (structure) => (isPeriodic(structure) ? "periodic axes single out directions" : null),
  async measure(potential, { structure, cutoff }) {
    const { first, tolerances } = await evaluateTrial(potential, [structure], cutoff);
    const n = structure.numbers.length;
    const atoms = Array.from({ length: n }, (_, i) => row(structure.positions, i));
    const centre = [0, 1, 2].map((k) => atoms.reduce((sum, r) => sum + (r[k as 0] as number) / n, 0));
    const arms = atoms.map((r) => r.map((x, k) => x - (centre[k] as number)));
    const sum = [0, 0, 0];
    const { forces } = first;
    arms.forEach((arm, i) => {
      cross(arm, row(forces ?? new Float64Array(), i)).forEach((torque, k) => {
        sum[k] = (sum[k] as number) + torque;
      });
    });
    const value = forces?.length === 3 * n ? sum.map(Math.abs).reduce(worse, 0) : Number.NaN;
    const arm = Math.sqrt(arms.reduce((total, r) => total + dot(r, r), 0) / n);
    return {
      measures: [{ quantity: "torque", unit: "eV", value, tolerance: tolerances.forces * walk(structure) * (1 + arm) }],
      curves: [],
    };
  },
};
