import { worse } from "../system/finite.ts";
import type { Potential } from "../system/potential.ts";
import { Random } from "../system/random.ts";
import type { Structure } from "../system/structure.ts";
import { displaced } from "../system/transform.ts";
import { largestOf } from "./metrics.ts";
import { accuracyOf } from "./tolerances.ts";

/** Å: nothing to a smooth force, much to the rounding of coordinates. */
const nudge = 1e-7;
/** Of the largest force, or of 1 eV/Å: what a stiffness of 10^4 eV/Å^2, a hundred times that of a bond, makes of the nudge. */
const smooth = 1e-3;

/** How far the reference's own forces jump when the atoms are nudged, eV/Å, by structure; only where that is no smooth change. There, as where
 *  symmetry makes a vector feature vanish and its length has no epsilon (docs/theory.md, T43), rounding decides what a force is: no two
 *  programs need agree, and the fault is the model's. The engine has no say in it. */
export async function kinksOf(
  reference: Potential,
  structures: readonly Structure[],
  seed: number,
): Promise<ReadonlyMap<Structure, number>> {
  const kinks = new Map<Structure, number>();
  if (accuracyOf(reference.name) !== "f64") return kinks;
  for (const structure of structures) {
    const moved = [1, 2].map((k) => displaced(structure, nudge, new Random(seed, `kink/${structure.name}/${k}`), structure.name));
    const jump = await largestChange(reference, [structure, ...moved]);
    if (jump.change > smooth * Math.max(1, jump.largest)) kinks.set(structure, jump.change);
  }
  return kinks;
}

async function largestChange(reference: Potential, batch: readonly Structure[]): Promise<{ change: number; largest: number }> {
  const forces = await reference.evaluate(batch, ["energy", "forces"]).then(
    (answers) => answers.map((evaluation) => evaluation.forces ?? new Float64Array()),
    () => [], // a reference that cannot answer has said so where it was compared
  );
  const [here = new Float64Array(), ...there] = forces;
  const changes = there.map((other) => largestOf(other.map((f, k) => f - (here[k] as number))));
  return { change: changes.reduce(worse, 0), largest: largestOf(here) };
}
