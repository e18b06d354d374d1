import { bounds, cellHeights } from "../system/cell.ts";
import type { Potential } from "../system/potential.ts";
import type { Random } from "../system/random.ts";
import type { Structure } from "../system/structure.ts";
import { joined, latticeShifted, supercell, translated } from "../system/transform.ts";
import { deviation, evaluateTrial, isPeriodic, type Law, type Measurement, needsPeriodicModel, type Periodic, periodicOf } from "./law.ts";

/** Å between a molecule and its images: closer than any cutoff, farther than a bond. */
export const imageGap = 2.5;

/** An atom and its periodic image are the same atom. */
export const latticeTranslation: Law = {
  name: "lattice-translation",
  expensive: false,
  inapplicable: needsPeriodicModel,
  async measure(potential, { structure, random, cutoff }) {
    const periodic = periodicOf(structure, imageGap);
    const moved = [latticeShifted(periodic, random), latticeShifted(periodic, random)];
    const { evaluations, first, tolerances } = await evaluateTrial(potential, [periodic, ...moved], cutoff);
    return { measures: deviation(evaluations.slice(1), [first, first], periodic.numbers.length, tolerances), curves: [] };
  },
};

const repeated = (array: Float64Array | null, times: number): Float64Array | null =>
  array && Float64Array.from({ length: array.length * times }, (_, i) => array[i % array.length] as number);

/** The cell against itself repeated: energy per atom, forces and stress are the same. */
async function cellAgainstSupercell(
  potential: Potential,
  cell: Periodic,
  repeats: readonly [number, number, number],
  cutoff: number,
): Promise<Measurement> {
  const times = repeats[0] * repeats[1] * repeats[2];
  const large = supercell(cell, repeats);
  const small = await evaluateTrial(potential, [cell], cutoff);
  const { evaluations, tolerances } = await evaluateTrial(potential, [large], cutoff);
  const prediction = {
    netEnergy: small.first.netEnergy * times,
    forces: repeated(small.first.forces, times),
    stress: small.first.stress,
  };
  return { measures: deviation(evaluations, [prediction], large.numbers.length, tolerances), curves: [] };
}

/** Twice along each periodic axis; along the first only where eight cells would be too many atoms. */
function doubling(cell: Periodic): [number, number, number] {
  const periodicAxes = [0, 1, 2].filter((axis) => cell.pbc[axis]);
  const axes = cell.numbers.length * 2 ** periodicAxes.length <= 4000 ? periodicAxes : periodicAxes.slice(0, 1);
  return [axes.includes(0) ? 2 : 1, axes.includes(1) ? 2 : 1, axes.includes(2) ? 2 : 1];
}

/** A cell repeated is the same matter. A molecule is given a cell wider than the cutoff. */
export const supercellEqualsCell: Law = {
  name: "supercell",
  expensive: false,
  inapplicable: needsPeriodicModel,
  measure(potential, { structure, cutoff }) {
    const cell = periodicOf(structure, cutoff);
    return cellAgainstSupercell(potential, cell, doubling(cell), cutoff);
  },
};

/** Two atoms of the structure's elements in a sheared cell of 0.6 cutoffs: every atom sees several images of every atom, itself included. */
function tinyCrystal(structure: Structure, random: Random, cutoff: number): Periodic {
  const a = 0.6 * cutoff;
  const n = structure.numbers.length;
  const at = 0.4 + 0.2 * random.uniform();
  return {
    name: `tiny crystal of ${structure.name}'s elements`,
    numbers: [random.integer(n), random.integer(n)].map((i) => structure.numbers[i] as number),
    positions: Float64Array.of(0.1, -0.2, 0.3, 0.1 + at * a, -0.2 + 0.45 * a, 0.3 + 0.55 * a),
    cell: Float64Array.of(a, 0.04 * a, 0, 0.12 * a, 1.03 * a, 0, -0.06 * a, 0.09 * a, 1.07 * a),
    pbc: [true, true, true],
  };
}

/** A cell smaller than the cutoff against a supercell of it in which the images are atoms of their own. */
export const smallCell: Law = {
  name: "small-cell",
  expensive: false,
  inapplicable: needsPeriodicModel,
  measure(potential, { structure, random, cutoff }) {
    const own = isPeriodic(structure) && structure.numbers.length <= 16 && Math.min(...periodicHeights(structure)) < cutoff;
    const cell = own ? structure : tinyCrystal(structure, random, cutoff);
    const heights = cellHeights(cell.cell);
    const times = (axis: 0 | 1 | 2) => (cell.pbc[axis] ? Math.min(4, Math.ceil(cutoff / heights[axis]) + 1) : 1);
    return cellAgainstSupercell(potential, cell, [times(0), times(1), times(2)], cutoff);
  },
};

const periodicHeights = (structure: Periodic): number[] => cellHeights(structure.cell).filter((_, axis) => structure.pbc[axis]);

/** Two copies that do not see each other: twice the energy, the same forces. */
export const extensivity: Law = {
  name: "extensivity",
  expensive: false,
  inapplicable: (structure) => (isPeriodic(structure) ? "a periodic structure has copies already; see supercell" : null),
  async measure(potential, { structure, random, cutoff }) {
    const { low, high } = bounds(structure.positions);
    const apart = Math.hypot(high[0] - low[0], high[1] - low[1], high[2] - low[2]) + 2 * cutoff;
    const shift = random.direction().map((x) => x * apart) as [number, number, number];
    const alone = await evaluateTrial(potential, [structure], cutoff);
    const both = joined(structure, translated(structure, shift));
    const { evaluations, tolerances } = await evaluateTrial(potential, [both], cutoff);
    const prediction = { netEnergy: 2 * alone.first.netEnergy, forces: repeated(alone.first.forces, 2), stress: null };
    return { measures: deviation(evaluations, [prediction], both.numbers.length, tolerances), curves: [] };
  },
};
