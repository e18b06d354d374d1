import { PainnlessError } from "../errors.ts";
import { finiteOrNull } from "../system/finite.ts";
import type { Potential } from "../system/potential.ts";
import { Random } from "../system/random.ts";
import type { Structure } from "../system/structure.ts";
import { finiteDifference, finiteDifferenceStress } from "./finite-difference.ts";
import type { Law, Measure, Measurement } from "./law.ts";
import { extensivity, latticeTranslation, smallCell, supercellEqualsCell } from "./periodicity.ts";
import { batchEqualsSingle, repetition } from "./repetition.ts";
import type { LawName, LawResult } from "./result.ts";
import { smoothness } from "./smoothness.ts";
import { netForce, netTorque, permutation, reflection, rotation, translation } from "./symmetries.ts";
import { attributionFactor, engineLaws } from "./tolerances.ts";

export const laws: readonly Law[] = [
  translation,
  rotation,
  reflection,
  permutation,
  netForce,
  netTorque,
  finiteDifference,
  finiteDifferenceStress,
  latticeTranslation,
  supercellEqualsCell,
  smallCell,
  extensivity,
  smoothness,
  batchEqualsSingle,
  repetition,
];

/** What the user is told of a law that the model itself breaks. */
export const consequences: Readonly<Record<LawName, string>> = {
  translation: "energy depends on where the atoms are in space",
  rotation: "energy or forces depend on how the structure is turned, so results change with its orientation",
  reflection: "a mirror image has another energy",
  permutation: "the order of the atoms matters",
  "net-force": "forces do not add up to zero, so the whole accelerates by itself",
  "net-torque": "torques do not add up to zero, so the whole begins to spin by itself",
  "finite-difference": "forces are not the derivative of the energy, so energy is not conserved in dynamics",
  "finite-difference-stress": "stress is not the derivative of the energy",
  "lattice-translation": "an atom and its periodic image are not the same",
  supercell: "a repeated cell has another energy per atom",
  "small-cell": "a cell smaller than the cutoff misses neighbours",
  extensivity: "two distant copies are not twice one",
  smoothness: "energy or forces jump where a pair crosses the cutoff, so energy is not conserved in dynamics",
  batch: "a result depends on what else is in the batch",
  repetition: "the same input gives another result",
};

export interface LawOptions {
  readonly seed: number;
  /** Å */
  readonly cutoff: number;
  /** for attribution only */
  readonly brief: boolean;
}

type Outcome = Measurement | { readonly error: PainnlessError };

/** The law on one potential; what it throws is an outcome, except that the user withdrew. */
export async function measureLaw(law: Law, potential: Potential, structure: Structure, options: LawOptions): Promise<Outcome> {
  const random = new Random(options.seed, `${law.name}/${structure.name}`);
  try {
    return await law.measure(potential, { structure, random, cutoff: options.cutoff, brief: options.brief });
  } catch (thrown) {
    const error = asPainnlessError(thrown, potential.name);
    if (error.code === "CANCELLED") throw error;
    return { error };
  }
}

/** What a side threw, with a code; a foreign error is a broken promise of the side. */
export const asPainnlessError = (thrown: unknown, side: string): PainnlessError =>
  thrown instanceof PainnlessError ? thrown : new PainnlessError("INTERNAL", `side "${side}" threw: ${String(thrown)}`, { cause: thrown });

const holds = (measure: Measure): boolean => measure.value <= measure.tolerance;

/** The measure that exceeds its tolerance most; one that is not a number exceeds any. */
const worstOf = (measures: readonly Measure[]): Measure | undefined =>
  measures.reduce<Measure | undefined>((worst, measure) => {
    const excess = (m: Measure) => (m.tolerance > 0 ? m.value / m.tolerance : m.value > 0 ? Number.POSITIVE_INFINITY : m.value);
    if (worst === undefined || Number.isNaN(excess(measure))) return measure;
    return Number.isNaN(excess(worst)) || excess(measure) <= excess(worst) ? worst : measure;
  }, undefined);

/** A broken law is the model's when the reference breaks it as much in every quantity in which the side does. */
function attribute(law: Law, side: Measurement, reference: Outcome | null): "engine" | "model" {
  if (engineLaws.has(law.name) || reference === null || "error" in reference || side.measures.length === 0) return "engine";
  const broken = side.measures.filter((measure) => !holds(measure));
  const shared = broken.every((measure) => {
    const theirs = reference.measures.find(({ quantity }) => quantity === measure.quantity);
    return (
      theirs !== undefined && theirs.value > measure.tolerance && measure.value <= attributionFactor * theirs.value + measure.tolerance
    );
  });
  return shared ? "model" : "engine";
}

/** The law on a side, with the reference asked where that is cheap or where the law is broken.
 *  @param askReference the same law, structure and random numbers on the reference */
export async function checkLaw(
  law: Law,
  side: Potential,
  structure: Structure,
  options: LawOptions,
  reference: { readonly name: string; ask(): Promise<Outcome> } | null,
): Promise<LawResult> {
  const ours = await measureLaw(law, side, structure, options);
  const broken = "error" in ours || ours.measures.length === 0 || !ours.measures.every(holds);
  const theirs = reference !== null && (broken || !law.expensive) ? await reference.ask() : null;
  const measures = "error" in ours ? [] : ours.measures;
  const worst = worstOf(measures);
  const attribution = broken ? ("error" in ours ? "engine" : attribute(law, ours, theirs)) : null;
  const theirWorst =
    theirs === null || "error" in theirs ? undefined : theirs.measures.find(({ quantity }) => quantity === worst?.quantity);
  return {
    name: law.name,
    side: side.name,
    structure: structure.name,
    value: finiteOrNull(worst?.value ?? Number.NaN),
    tolerance: worst?.tolerance ?? 0,
    unit: worst?.unit ?? "",
    measures: measures.map((measure) => ({ ...measure, value: finiteOrNull(measure.value) })),
    holds: !broken,
    reference: reference === null || theirWorst === undefined ? null : { side: reference.name, value: finiteOrNull(theirWorst.value) },
    verdict: attribution === "engine" ? "fail" : "pass",
    attribution,
    curves: "error" in ours ? [] : [...ours.curves],
    error: "error" in ours ? { code: ours.error.code, message: ours.error.message, structure: structure.name } : null,
  };
}
