import type { Comparison, CrosscheckResult, LawName, LawResult } from "../../crosscheck/result.ts";
import { type Markup, markup } from "../markup.ts";

/** What must hold, as one would say it. */
export const lawWords: Readonly<Record<LawName, string>> = {
  translation: "Moving all atoms together changes nothing",
  rotation: "Turning the structure turns the forces with it",
  reflection: "The mirror image has the mirrored forces",
  permutation: "Renumbering the atoms renumbers the forces",
  "net-force": "The forces add up to zero",
  "net-torque": "The torques add up to zero",
  "finite-difference": "The forces are minus the slope of the energy",
  "finite-difference-stress": "The stress is the slope of the energy with strain",
  "lattice-translation": "Moving an atom by a lattice vector changes nothing",
  supercell: "A supercell is copies of its cell",
  "small-cell": "A cell smaller than the cutoff is its own supercell",
  extensivity: "Two structures far apart have the sum of their energies",
  smoothness: "Energy and forces pass smoothly through the cutoff",
  batch: "A batch gives what each structure gives alone",
  repetition: "The same input gives the same bits",
};

/** A side as a physicist would call it. */
export function sideWords(name: string): string {
  const precision = name.endsWith(":f64") ? " in float64" : name.endsWith(":f32") ? " in float32" : "";
  if (name.startsWith("fd:")) return `finite differences of the energy of ${name.slice(3)}`;
  if (name.startsWith("torch:")) return `PyTorch autograd${precision}`;
  if (name === "package") return "the checkpoint's own package";
  if (name.startsWith("ase:")) return `the ASE calculator ${name.slice(4)}`;
  return name;
}

export const sideName = (name: string): Markup => markup`<code>${name}</code>`;

/** The comparisons worth a picture: those with the reference itself, and whichever failed; the rest follow from them. */
export function principal(result: CrosscheckResult): Comparison[] {
  return result.comparisons.filter((c) => c.reference === result.reference || c.verdict === "fail");
}

/** A comparison by name: its side, and what it was compared with where that is not the reference of all. */
export function comparisonName({ side, reference }: Comparison, result: CrosscheckResult): string {
  return reference === result.reference ? side : `${side} − ${reference}`;
}

/** The colour of each side, the same in every chart. */
export function coloursOf(result: CrosscheckResult): (side: string) => number {
  const others = result.sides.map((side) => side.name).filter((name) => name !== result.reference);
  return (side) => Math.max(side === result.reference ? 5 : others.indexOf(side) % 5, 0);
}

/** Which colour is which side. */
export function sideKey(result: CrosscheckResult, sides: readonly string[]): Markup {
  const colour = coloursOf(result);
  const items = sides.map(
    (side) =>
      markup`<li><svg viewBox="0 0 18 11" aria-hidden="true"><path class="dots s${colour(side)}" d="M9 6h0"/><path class="curve s${colour(side)}" d="M0 6H18"/></svg>${side}</li>`,
  );
  return markup`<ul class="key">${items}</ul>`;
}

/** Who is at fault when a law does not hold. */
export function attributionWords(law: LawResult): string {
  if (law.error !== null) return `not measured: ${law.error.message}`;
  if (law.holds) return "holds";
  if (law.attribution === "model") return "broken by the model itself";
  return law.reference === null ? "broken by the engine" : "broken by the engine alone";
}
