import { cellVolume } from "../system/cell.ts";
import { evaluateAll } from "../system/evaluate-all.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { strained } from "../system/transform.ts";
import type { Periodic } from "./law.ts";

/** Central differences of a potential's energy along given lines in space. */

/** dE/dh at h = 0 of every line, for every step: [step][line], in eV per unit of h. Constants are left out: they hide small differences. */
async function centralDifferences(
  potential: Potential,
  lines: readonly ((h: number) => Structure)[],
  steps: readonly number[],
): Promise<number[][]> {
  const structures = steps.flatMap((h) => lines.flatMap((line) => [line(h), line(-h)]));
  const evaluations = await evaluateAll(potential, structures, ["energy"]);
  const energy = (index: number) => evaluations[index]?.netEnergy ?? Number.NaN;
  return steps.map((h, s) =>
    lines.map((_, l) => {
      const index = 2 * (s * lines.length + l);
      return (energy(index) - energy(index + 1)) / (2 * h);
    }),
  );
}

/** Forces along directions of the 3n-dimensional space: -dE/dh, eV/Å, [step][direction]. */
export const forceDifferences = async (
  potential: Potential,
  structure: Structure,
  directions: readonly Float64Array[],
  steps: readonly number[],
): Promise<number[][]> => {
  const lines = directions.map((direction) => (h: number) => ({
    ...structure,
    positions: structure.positions.map((x, k) => x + h * (direction[k] as number)),
  }));
  return (await centralDifferences(potential, lines, steps)).map((perLine) => perLine.map((slope) => -slope));
};

/** Stress by strain, Voigt, eV/Å^3, [step][component]. A shear of h moves two entries of the strain, hence the factor 2. */
export const stressDifferences = async (potential: Potential, structure: Periodic, steps: readonly number[]): Promise<number[][]> => {
  const lines = [0, 1, 2, 3, 4, 5].map((component) => (h: number) => {
    const strain = [0, 0, 0, 0, 0, 0];
    strain[component] = h;
    return strained(structure, strain);
  });
  const volume = cellVolume(structure.cell);
  const slopes = await centralDifferences(potential, lines, steps);
  return slopes.map((perLine) => perLine.map((slope, component) => slope / (volume * (component < 3 ? 1 : 2))));
};

/** The k-th Cartesian direction of a space of 3n dimensions. */
export const axisDirection = (dimensions: number, k: number): Float64Array => {
  const direction = new Float64Array(dimensions);
  direction[k] = 1;
  return direction;
};
