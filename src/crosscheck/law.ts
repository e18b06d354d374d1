import { isCrystal } from "../system/cell.ts";
import { worse } from "../system/finite.ts";
import type { Evaluation, Potential, Property } from "../system/potential.ts";
import type { Random } from "../system/random.ts";
import type { Structure } from "../system/structure.ts";
import { boxed } from "../system/transform.ts";
import { scaleOf } from "./compare.ts";
import { largestOf } from "./metrics.ts";
import type { Curve, LawMeasure, LawName } from "./result.ts";
import { lawTolerances, type Tolerances } from "./tolerances.ts";

/** One number a law is judged by; NaN is never within the tolerance. */
export type Measure = Omit<LawMeasure, "value"> & { readonly value: number };

export interface Measurement {
  readonly measures: readonly Measure[];
  readonly curves: readonly Curve[];
}

/** What a law is tried on. The same structure and random numbers go to every side. */
export interface Trial {
  readonly structure: Structure;
  readonly random: Random;
  /** Å */
  readonly cutoff: number;
  /** the answer is for attribution only, no curve is wanted: an expensive law may take fewer steps */
  readonly brief: boolean;
}

/** Something every force field, or every engine, must obey: a function of a potential, a structure and random numbers. */
export interface Law {
  readonly name: LawName;
  /** the reference is measured only when a side breaks the law: it takes hundreds of evaluations */
  readonly expensive: boolean;
  /** why the law says nothing about this structure on this potential, or null */
  inapplicable(structure: Structure, potential: Potential): string | null;
  measure(potential: Potential, trial: Trial): Promise<Measurement>;
}

export const always = (): null => null;

const moleculesOnly = "the model is for molecules only";

export const needsPeriodicModel = (_: Structure, potential: Potential): string | null => (potential.domain.periodic ? null : moleculesOnly);

/** A structure with a periodic axis and hence a cell. */
export type Periodic = Structure & { cell: Float64Array<ArrayBuffer> };

export const isPeriodic = (structure: Structure): structure is Periodic => structure.cell !== null && structure.pbc.some(Boolean);

/** The structure if it is periodic, else the molecule in a cell of its own. @param gap Å */
export const periodicOf = (structure: Structure, gap: number): Periodic =>
  isPeriodic(structure) ? structure : boxed(structure, gap, `${structure.name} in a cell`);

/** Energy and forces, and stress where the structure has a volume and the potential provides it. */
export function wantFor(structures: readonly Structure[], potential: Potential): Property[] {
  const stress = structures.every(isCrystal) && potential.provides.has("stress");
  return (["energy", "forces", ...(stress ? (["stress"] as const) : [])] as const).filter((property) => potential.provides.has(property));
}

/** One evaluation of each structure, and the scale and law tolerances of the first. */
export async function evaluateTrial(potential: Potential, structures: readonly Structure[], cutoff: number) {
  const evaluations = await potential.evaluate(structures, wantFor(structures, potential));
  const [first] = evaluations;
  const [structure] = structures;
  if (first === undefined || structure === undefined || evaluations.length !== structures.length)
    throw new TypeError(`${potential.name} answered ${evaluations.length} of ${structures.length} structures`);
  const scale = scaleOf(structure, first, cutoff);
  return { evaluations, first, scale, tolerances: lawTolerances(potential.name, scale) };
}

/** What a law predicts, from the evaluation of the unchanged structure. */
export interface Prediction {
  /** eV */
  readonly netEnergy: number;
  readonly forces: Float64Array | null;
  readonly stress: Float64Array | null;
}

const distance = (found: Float64Array | null, predicted: Float64Array | null): number =>
  found !== null && predicted !== null && found.length === predicted.length
    ? largestOf(found.map((x, i) => x - (predicted[i] as number)))
    : Number.NaN;

/** How far evaluations lie from what a law predicts of them; forces and stress only where something predicts them.
 *  A missing array or an unequal length is NaN. */
export function deviation(
  found: readonly Evaluation[],
  predicted: readonly Prediction[],
  atoms: number,
  tolerances: Tolerances,
): Measure[] {
  const over = (measureOne: (evaluation: Evaluation, prediction: Prediction) => number): number =>
    found.reduce((sum, evaluation, i) => worse(sum, measureOne(evaluation, predicted[i] as Prediction)), 0);
  const measures: Measure[] = [
    {
      quantity: "energy",
      unit: "eV/atom",
      value: over((e, p) => Math.abs(e.netEnergy - p.netEnergy) / atoms),
      tolerance: tolerances.energy,
    },
  ];
  if (predicted.some((p) => p.forces !== null))
    measures.push({ quantity: "forces", unit: "eV/Å", value: over((e, p) => distance(e.forces, p.forces)), tolerance: tolerances.forces });
  if (predicted.some((p) => p.stress !== null))
    measures.push({
      quantity: "stress",
      unit: "eV/Å^3",
      value: over((e, p) => distance(e.stress, p.stress)),
      tolerance: tolerances.stress,
    });
  return measures;
}
