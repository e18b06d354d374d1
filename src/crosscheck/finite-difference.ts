import { cellVolume, isCrystal } from "../system/cell.ts";
import { finiteOrNull, worse } from "../system/finite.ts";
import type { Potential } from "../system/potential.ts";
import type { Random } from "../system/random.ts";
import type { Structure } from "../system/structure.ts";
import { axisDirection, forceDifferences, stressDifferences } from "./differences.ts";
import { always, evaluateTrial, isPeriodic, type Law, type Measurement, type Periodic, periodicOf } from "./law.ts";
import { imageGap } from "./periodicity.ts";
import { differenceTolerance } from "./tolerances.ts";

/** Half decades. Truncation falls as h^2 from the left end, rounding grows as 1/h towards the right end: the V. */
const allSteps = Array.from({ length: 13 }, (_, k) => 10 ** (-1 - k / 2));
/** Around the bottom of the V in float64, which the reference is in: enough to say whether it breaks the law too. */
const bottomSteps = allSteps.slice(5, 9);

/** Every component of a small molecule. Of a larger one, some components and some directions in which all atoms move. */
function probeDirections(structure: Structure, random: Random): Float64Array[] {
  const dimensions = structure.positions.length;
  if (dimensions <= 36) return Array.from({ length: dimensions }, (_, k) => axisDirection(dimensions, k));
  const components = random
    .permutation(dimensions)
    .slice(0, 24)
    .map((k) => axisDirection(dimensions, k));
  const collective = Array.from({ length: 6 }, () => {
    const direction = Float64Array.from({ length: dimensions }, () => random.normal());
    const length = Math.hypot(...direction);
    return direction.map((x) => x / length);
  });
  return [...components, ...collective];
}

/** Error against step, and its smallest point: the verdict of a sweep. */
function sweep(differences: readonly (readonly number[])[], exact: readonly number[]) {
  const errors = differences.map((estimates) => estimates.map((f, i) => Math.abs(f - (exact[i] as number))).reduce(worse, 0));
  return { errors, value: errors.length > 0 ? Math.min(...errors) : Number.NaN }; // NaN if one error is
}

const vCurve = (
  title: string,
  unit: string,
  step: string,
  steps: readonly number[],
  errors: readonly number[],
): Measurement["curves"][number] => ({
  title,
  x: { label: step, values: [...steps], log: true },
  y: { label: `largest |difference quotient - analytical|, ${unit}`, values: errors.map(finiteOrNull), log: true },
});

/** Forces are -dE/dR, by central differences over a sweep of steps. */
export const finiteDifference: Law = {
  name: "finite-difference",
  expensive: true,
  inapplicable: always,
  async measure(potential, { structure, random, cutoff, brief }) {
    const steps = brief ? bottomSteps : allSteps;
    const { first, scale } = await evaluateTrial(potential, [structure], cutoff);
    const directions = probeDirections(structure, random);
    const exact = directions.map((direction) => direction.reduce((sum, d, k) => sum + d * (first.forces?.[k] ?? Number.NaN), 0));
    const { errors, value } = sweep(await forceDifferences(potential, structure, directions, steps), exact);
    const tolerance = differenceTolerance(potential.name) * Math.max(1, scale.largestForce);
    return {
      measures: [{ quantity: "forces", unit: "eV/Å", value, tolerance }],
      curves: [vCurve(`forces of ${structure.name}, ${potential.name}`, "eV/Å", "step, Å", steps, errors)],
    };
  },
};

const crystalOf = (structure: Structure): Periodic | null => {
  if (isCrystal(structure)) return structure;
  return isPeriodic(structure) ? null : periodicOf(structure, imageGap);
};

const noStress = (structure: Structure, potential: Potential): string | null => {
  if (!potential.provides.has("stress")) return "the side gives no stress";
  if (!potential.domain.periodic) return "the model is for molecules only";
  return crystalOf(structure) === null ? "a structure with a free axis has no volume" : null;
};

/** Stress is the strain derivative of the energy over the volume. */
export const finiteDifferenceStress: Law = {
  name: "finite-difference-stress",
  expensive: true,
  inapplicable: noStress,
  async measure(potential, { structure, cutoff, brief }) {
    const steps = brief ? bottomSteps : allSteps;
    const crystal = crystalOf(structure) as Periodic;
    const { first, scale } = await evaluateTrial(potential, [crystal], cutoff);
    const exact = Array.from({ length: 6 }, (_, k) => first.stress?.[k] ?? Number.NaN);
    const { errors, value } = sweep(await stressDifferences(potential, crystal, steps), exact);
    // The same error as a force's, on arms no longer than the cutoff, over the volume (tolerances.ts).
    const arms = (cutoff * scale.atoms) / cellVolume(crystal.cell);
    const tolerance = differenceTolerance(potential.name) * Math.max(1, scale.largestForce) * arms;
    return {
      measures: [{ quantity: "stress", unit: "eV/Å^3", value, tolerance }],
      curves: [vCurve(`stress of ${crystal.name}, ${potential.name}`, "eV/Å^3", "strain", steps, errors)],
    };
  },
};
