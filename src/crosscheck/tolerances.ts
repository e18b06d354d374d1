import { conditioned, type Movement } from "./conditioning.ts";
import type { LawName } from "./result.ts";

/** How exactly a side computes, told by its name: what tolerances depend on. */
export type Accuracy = "f64" | "f32" | "foreign-f32" | "mixed" | "fd-f64" | "fd-f32";

/** Precision is the last word of a side that says one ("native:cpu:f64"). A side that is not ours is foreign where it computes in float32, and
 *  it does until it says otherwise. `fd:` sides carry the error of a difference quotient. */
export function accuracyOf(side: string): Accuracy {
  const differences = side.startsWith("fd:");
  const double = /:f64$/.test(side);
  if (differences) return double ? "fd-f64" : "fd-f32";
  if (double) return "f64";
  if (side === "native:cuda:mixed") return "mixed";
  return side.startsWith("native:") ? "f32" : "foreign-f32";
}

/** Does a side compute in float32 from end to end, whoever it is of. */
export const isFloat32 = (side: string): boolean => ["f32", "foreign-f32"].includes(accuracyOf(side));

/** Unit in the last place used to count ulps. */
export const ulpPrecision = (side: string): "float32" | "float64" => (accuracyOf(side).endsWith("f64") ? "float64" : "float32");

/** Distance from exact arithmetic that rounding explains, per force component, eV/Å: an absolute bound for forces of ordinary size (up
 *  to tens of eV/Å), a relative one above, because rounding scales with the values it happens to. A component is a sum over the atom's
 *  own neighbours, so the bound does not grow with the size of the structure (docs/accuracy.md, forces). */
const forceBounds: Readonly<Record<Accuracy, { absolute: number; relative: number }>> = {
  f64: { absolute: 1e-10, relative: 1e-13 },
  f32: { absolute: 1e-5, relative: 5e-6 },
  // Coordinates are rounded too, to 1e-6 Å at 20 Å from the origin, times the stiffness of a bond; and sums are float32.
  "foreign-f32": { absolute: 1e-4, relative: 2.5e-5 },
  // Products of numbers of 11 bits: what a model's own error does not notice (docs/accuracy.md, mixed precision).
  mixed: { absolute: 5e-3, relative: 1e-2 },
  // Central differences with Richardson extrapolation: the rounding of an energy divided by the step (docs/accuracy.md, differences).
  "fd-f64": { absolute: 1e-7, relative: 1e-7 },
  "fd-f32": { absolute: 5e-3, relative: 5e-3 },
};

/** Per-atom energy, eV/atom. The net energy of n atoms is a sum of n terms, whose rounding grows as sqrt(n) eps |E| in float64; float32
 *  sides also sum in float64, so their error per atom is that of one atom's energy (docs/accuracy.md, energies). */
const energyBounds: Readonly<Record<"f64" | "f32" | "mixed", { absolute: number; relative: number }>> = {
  f64: { absolute: 1e-12, relative: 2e-15 },
  f32: { absolute: 5e-6, relative: 1e-6 },
  mixed: { absolute: 1e-3, relative: 1e-3 },
};

/** @param largest largest reference force component of the structure, eV/Å */
const forceTolerance = (accuracy: Accuracy, largest: number): number =>
  Math.max(forceBounds[accuracy].absolute, forceBounds[accuracy].relative * largest);

/** An atom's energy rounds in proportion to the terms it is a sum of. They are at least as large as the sum, and where they cancel
 *  they are as large as the energy's change over a bond: the largest force times 1 Å. */
function energyTolerance(accuracy: Accuracy, { perAtom, atoms, largestForce }: Scale): number {
  const { f64, f32, mixed } = energyBounds;
  const size = Math.max(Math.abs(perAtom), largestForce);
  if (accuracy.endsWith("f64")) return Math.max(f64.absolute, f64.relative * size * Math.sqrt(atoms));
  const { absolute, relative } = accuracy === "mixed" ? mixed : f32;
  return Math.max(absolute, relative * size);
}

/** Two inexact sides of one kind may stand on opposite sides of the exact value; otherwise the coarser one's bound holds both. */
const pairFactor = (a: Accuracy, b: Accuracy): number => (a === b && a !== "f64" ? 2 : 1);

/** What a comparison measured, from which its tolerances follow. */
export interface Scale {
  readonly atoms: number;
  /** eV, of the reference */
  readonly perAtom: number;
  /** eV/Å, of the reference */
  readonly largestForce: number;
  /** largest component of stress times volume over atoms, eV, of the reference; 0 without stress */
  readonly virialPerAtom: number;
  /** Å^3; 0 without a volume */
  readonly volume: number;
  /** Å */
  readonly cutoff: number;
}

export interface Tolerances {
  /** eV/atom */
  readonly energy: number;
  /** eV/Å, of the largest component */
  readonly forces: number;
  /** eV/Å, of all components together; no less than every one of them may be by the usual bound */
  readonly rms: number;
  /** eV/Å^3 */
  readonly stress: number;
}

/** The tolerances between two sides for one structure. Stress is the virial over the volume, and an atom's virial is a sum over its pairs
 *  of an arm no longer than the cutoff times a pair's force: n atoms, arm rc, force tolerance (docs/accuracy.md, stress).
 *  @param movement how far the model's forces move by float32's rounding of its weights, where it was asked: what a float32 side may be off by as well */
export function pairTolerances(side: string, reference: string, scale: Scale, movement: Movement | null = null): Tolerances {
  const kinds = [accuracyOf(side), accuracyOf(reference)] as const;
  const factor = pairFactor(...kinds);
  const usual = factor * Math.max(...kinds.map((kind) => forceTolerance(kind, scale.largestForce)));
  const extrapolates = movement !== null && (isFloat32(side) || isFloat32(reference));
  const further = extrapolates ? conditioned(movement, scale.largestForce) : { largest: 0, rms: 0 };
  const forces = Math.max(usual, factor * further.largest);
  return {
    energy: factor * Math.max(...kinds.map((kind) => energyTolerance(kind, scale))),
    forces,
    rms: Math.max(usual, factor * further.rms),
    stress: scale.volume > 0 ? (forces * scale.cutoff * scale.atoms) / scale.volume : 0,
  };
}

/** A law compares a side with itself: both values carry its own rounding, so twice its distance from exact arithmetic. In the crystals that
 *  laws are tried on, pair forces cancel by symmetry; their size, which is what rounds, is then seen in the virial (docs/accuracy.md, laws). */
export function lawTolerances(side: string, scale: Scale): Tolerances {
  const largestForce = Math.max(scale.largestForce, scale.virialPerAtom);
  const { energy, forces, rms, stress } = pairTolerances(side, side, { ...scale, largestForce });
  const factor = accuracyOf(side) === "f64" ? 2 : 1;
  return { energy: factor * energy, forces: factor * forces, rms: factor * rms, stress: factor * stress };
}

/** The best point of a sweep of plain central differences, relative to the largest force: at the best step rounding over the step equals
 *  truncation, which leaves eps^(2/3) of the energy's own scale (docs/accuracy.md, differences). */
export function differenceTolerance(side: string): number {
  const accuracy = accuracyOf(side);
  return accuracy.endsWith("f64") ? 1e-7 : accuracy === "mixed" ? 0.3 : 1e-2;
}

/** The jump of energy (eV) and force (eV/Å) at the cutoff, extrapolated from values on both sides of it: four roundings, each up to 1.5
 *  times, and the second derivative over 1e-6 Å (docs/accuracy.md, cutoff). */
export const jumpTolerances = (side: string, scale: Scale): { energy: number; forces: number } => {
  const own = lawTolerances(side, scale);
  return { energy: 4 * own.energy * scale.atoms + 1e-8, forces: 4 * own.forces + 1e-8 };
};

/** PyTorch float32 is our yardstick: in the median over the structures, ours may be this many times as far from the reference as that is. The
 *  fewer atoms, the more such a ratio is chance (docs/accuracy.md, forces). @param atoms of all structures that have forces */
export const yardstickLimit = (atoms: number): number => (atoms >= 48 ? 1.5 : atoms >= 18 ? 2 : 4);

/** Below this part of the largest force, 8 units in the last place of float32, the ratio of two roundings says nothing. */
export const yardstickFloor = 5e-7;

/** A reference breaks a law "as much": its violation is above the tolerance and the side's is at most this many times as large. */
export const attributionFactor = 1.5;

/** Laws of the engine alone: no model can be blamed for a batch or a repetition that changes the result. */
export const engineLaws: ReadonlySet<LawName> = new Set(["batch", "repetition"]);
