import { isCrystal } from "../system/cell.ts";
import type { Evaluation, Potential, Property } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { axisDirection, forceDifferences, stressDifferences } from "./differences.ts";
import { accuracyOf } from "./tolerances.ts";

/** Steps halve from one to the next, so that two neighbours cancel the h^2 term: (4 D(h/2) - D(h)) / 3. */
const halving = (largest: number, count: number): number[] => Array.from({ length: count }, (_, k) => largest / 2 ** k);
const stepsOf = { "fd-f64": halving(0.002, 9), "fd-f32": halving(0.08, 4) } as const;

/** The extrapolation that agrees best with its neighbour, for each component; NaN where any difference is.
 *  @param differences [step][component], steps halving */
export function extrapolate(differences: readonly (readonly number[])[]): number[] {
  const components = differences[0]?.length ?? 0;
  return Array.from({ length: components }, (_, i) => {
    const plain = differences.map((estimates) => estimates[i] as number);
    const extrapolated = plain.slice(1).map((fine, s) => (4 * fine - (plain[s] as number)) / 3);
    if (plain.some(Number.isNaN)) return Number.NaN;
    let best = Number.NaN;
    let change = Number.POSITIVE_INFINITY;
    for (let s = 1; s < extrapolated.length; s++) {
      const next = Math.abs((extrapolated[s] as number) - (extrapolated[s - 1] as number));
      if (next < change) [best, change] = [extrapolated[s] as number, next];
    }
    return best;
  });
}

/** `fd:SIDE`: the side's energies, and forces and stress by central differences of them over a sweep of steps. Slow: 6n energies a step. */
export function finiteDifferencePotential(inner: Potential): Potential {
  const name = `fd:${inner.name}`;
  const steps = accuracyOf(name) === "fd-f64" ? stepsOf["fd-f64"] : stepsOf["fd-f32"];

  async function forcesOf(structure: Structure): Promise<Float64Array> {
    const dimensions = structure.positions.length;
    const directions = Array.from({ length: dimensions }, (_, k) => axisDirection(dimensions, k));
    return Float64Array.from(extrapolate(await forceDifferences(inner, structure, directions, steps)));
  }

  async function stressOf(structure: Structure): Promise<Float64Array | null> {
    return isCrystal(structure) ? Float64Array.from(extrapolate(await stressDifferences(inner, structure, steps))) : null;
  }

  return {
    name,
    provides: new Set<Property>([...inner.provides].concat("forces", ...(inner.domain.periodic ? (["stress"] as const) : []))),
    domain: inner.domain,
    async evaluate(batch, want = ["energy", "forces"]) {
      const wantInner = want.filter((property) => property === "energies" && inner.provides.has(property));
      const energies = await inner.evaluate(batch, ["energy", ...wantInner]);
      const evaluations: Evaluation[] = [];
      for (const [i, structure] of batch.entries())
        evaluations.push({
          ...(energies[i] as Evaluation),
          forces: want.includes("forces") ? await forcesOf(structure) : null,
          stress: want.includes("stress") ? await stressOf(structure) : null,
        });
      return evaluations;
    },
    close: () => inner.close(),
  };
}
