import { row } from "../system/cell.ts";
import { elementSymbol } from "../system/elements.ts";
import { finiteOrNull, worse } from "../system/finite.ts";
import type { Evaluation, Potential } from "../system/potential.ts";
import type { Random } from "../system/random.ts";
import type { Structure } from "../system/structure.ts";
import { always, evaluateTrial, isPeriodic, type Law } from "./law.ts";
import type { Curve } from "./result.ts";
import { jumpTolerances } from "./tolerances.ts";

/** Å. Values at 3 and 1 of these from the cutoff, on either side, are extrapolated to it, which takes out the slope: what is left is the
 *  jump, and 1e-12 times a second derivative. */
const delta = 1e-6;

/** A structure as a function of one distance that crosses the cutoff while every other pair stays on its side of it. */
interface Crossing {
  readonly label: string;
  at(distance: number): Structure;
}

const free: Structure["pbc"] = [false, false, false];

/** Two atoms alone, for each pair of elements of the structure. */
function lonePairs(structure: Structure, random: Random): Crossing[] {
  const elements = [...new Set(structure.numbers)].slice(0, 4);
  return elements.flatMap((a, i) =>
    elements.slice(i).map((b) => {
      const direction = random.direction();
      const label = `${elementSymbol(a)}-${elementSymbol(b)} pair`;
      return {
        label,
        at: (d: number) => ({
          name: label,
          numbers: [a, b],
          positions: Float64Array.of(0, 0, 0, ...direction.map((x) => x * d)),
          cell: null,
          pbc: free,
        }),
      };
    }),
  );
}

/** A further atom that crosses the cutoff of one atom of the molecule, where its own surroundings are as crowded as can be found. */
function probeAtom(structure: Structure, random: Random, cutoff: number): Crossing | null {
  if (isPeriodic(structure)) return null;
  const n = structure.numbers.length;
  let chosen: { atom: number; direction: number[]; neighbours: number } | null = null;
  for (let attempt = 0; attempt < 40; attempt++) {
    const atom = random.integer(n);
    const direction = random.direction();
    const probe = row(structure.positions, atom).map((x, k) => x + cutoff * (direction[k] as number));
    const distances = structure.numbers.map((_, j) => Math.hypot(...row(structure.positions, j).map((x, k) => x - (probe[k] as number))));
    const others = distances.filter((_, j) => j !== atom);
    if (others.some((d) => d < 1.2 || Math.abs(d - cutoff) < 1e-3)) continue;
    const neighbours = others.filter((d) => d < cutoff).length;
    if (chosen === null || neighbours > chosen.neighbours) chosen = { atom, direction, neighbours };
  }
  if (chosen === null) return null;
  const { atom, direction } = chosen;
  return {
    label: `${structure.name} and a further atom`,
    at: (d) => ({
      name: `${structure.name} and a further atom`,
      numbers: [...structure.numbers, structure.numbers[0] as number],
      positions: Float64Array.of(...structure.positions, ...row(structure.positions, atom).map((x, k) => x + d * (direction[k] as number))),
      cell: null,
      pbc: free,
    }),
  };
}

/** The two limits at the cutoff, from values at -3, -1, 1 and 3 deltas, subtracted. */
const jumpAt = ([a, b, c, d]: readonly [number, number, number, number]): number => Math.abs(c - (d - c) / 2 - (b + (b - a) / 2));

async function jumpOf(potential: Potential, crossing: Crossing, cutoff: number) {
  const structures = [-3, -1, 1, 3].map((k) => crossing.at(cutoff + k * delta));
  const { evaluations, scale } = await evaluateTrial(potential, structures, cutoff);
  const [a, b, c, d] = evaluations as [Evaluation, Evaluation, Evaluation, Evaluation];
  const force = (evaluation: Evaluation, k: number) => evaluation.forces?.[k] ?? Number.NaN;
  const jumps = Array.from({ length: 3 * scale.atoms }, (_, k) => jumpAt([force(a, k), force(b, k), force(c, k), force(d, k)]));
  return {
    crossing,
    energy: jumpAt([a.netEnergy, b.netEnergy, c.netEnergy, d.netEnergy]),
    forces: jumps.reduce(worse, 0),
    tolerances: jumpTolerances(potential.name, scale),
  };
}

type Jump = Awaited<ReturnType<typeof jumpOf>>;

/** Energy along the crossing, for the report. */
async function curveOf(potential: Potential, crossing: Crossing, cutoff: number): Promise<Curve> {
  const distances = Array.from({ length: 61 }, (_, k) => cutoff + (k - 40) * 0.005 + delta);
  const { evaluations } = await evaluateTrial(
    potential,
    distances.map((d) => crossing.at(d)),
    cutoff,
  );
  const last = evaluations.at(-1)?.netEnergy ?? Number.NaN;
  return {
    title: `${crossing.label} through the cutoff, ${potential.name}`,
    x: { label: "distance, Å", values: distances, log: false },
    y: { label: "energy less that beyond the cutoff, eV", values: evaluations.map((e) => finiteOrNull(e.netEnergy - last)), log: false },
  };
}

/** The jump that exceeds its tolerance most; one that is not a number exceeds any. */
const worstBy = (jumps: readonly Jump[], quantity: "energy" | "forces"): Jump => {
  const excess = (jump: Jump) => jump[quantity] / jump.tolerances[quantity];
  return jumps.reduce((worst, jump) => (Number.isNaN(excess(worst)) || excess(jump) <= excess(worst) ? worst : jump));
};

/** Energy and forces are continuous where a pair leaves the cutoff: a jump there is energy that dynamics gains or loses. */
export const smoothness: Law = {
  name: "smoothness",
  expensive: false,
  inapplicable: always,
  async measure(potential, { structure, random, cutoff }) {
    const probe = probeAtom(structure, random, cutoff);
    const crossings = [...lonePairs(structure, random), ...(probe === null ? [] : [probe])];
    const jumps: Jump[] = [];
    for (const crossing of crossings) jumps.push(await jumpOf(potential, crossing, cutoff));
    const energy = worstBy(jumps, "energy");
    const forces = worstBy(jumps, "forces");
    return {
      measures: [
        { quantity: "energy", unit: "eV", value: energy.energy, tolerance: energy.tolerances.energy },
        { quantity: "forces", unit: "eV/Å", value: forces.forces, tolerance: forces.tolerances.forces },
      ],
      curves: [await curveOf(potential, energy.crossing, cutoff)],
    };
  },
};
