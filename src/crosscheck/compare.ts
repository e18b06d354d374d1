import { cellVolume, isCrystal } from "../system/cell.ts";
import { elementSymbol } from "../system/elements.ts";
import { finiteOrNull, worse } from "../system/finite.ts";
import type { Evaluation } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { compareComponents, type Row } from "./components.ts";
import type { Movement } from "./conditioning.ts";
import { compareEnergies } from "./energies.ts";
import { largestOf } from "./metrics.ts";
import type { Comparison } from "./result.ts";
import { pairTolerances, type Scale, type Tolerances } from "./tolerances.ts";
import { measureYardstick } from "./yardstick.ts";

/** What one side said of every structure, null where it has no answer. */
export interface Answers {
  readonly side: string;
  readonly evaluations: readonly (Evaluation | null)[];
}

/** Everything known of one structure that both sides answered. */
export interface Pair {
  readonly structure: Structure;
  readonly side: Evaluation;
  readonly reference: Evaluation;
  readonly tolerances: Tolerances;
}

/** The side against the reference, component by component, over all structures. Passes only if every structure was answered by both, every
 *  array has the length it must have, and every difference is within its tolerance; NaN is within none.
 *  @param options.cutoff Å; options.wanted the properties both sides were asked for; options.torch32 PyTorch float32's answers, if that side was asked;
 *  options.movements what float32 can make of structures on which it is beyond its usual bound */
export function compare(
  side: Answers,
  reference: Answers,
  structures: readonly Structure[],
  options: {
    cutoff: number;
    wanted: ReadonlySet<"forces" | "stress">;
    torch32: Answers | null;
    movements: ReadonlyMap<Structure, Movement>;
  },
): Comparison {
  const reasons: string[] = [];
  if (structures.length === 0) reasons.push("there is nothing to compare: 0 structures");
  const pairs: Pair[] = [];
  structures.forEach((structure, i) => {
    const ours = side.evaluations[i] ?? null;
    const theirs = reference.evaluations[i] ?? null;
    if (ours === null) reasons.push(`${structure.name}: ${side.side} gave no result`);
    if (theirs === null) reasons.push(`${structure.name}: ${reference.side} gave no result`);
    if (ours === null || theirs === null) return;
    const scale = scaleOf(structure, theirs, options.cutoff);
    const tolerances = pairTolerances(side.side, reference.side, scale, options.movements.get(structure));
    pairs.push({ structure, side: ours, reference: theirs, tolerances });
  });
  const names = [side.side, reference.side] as const;
  const energy = compareEnergies(pairs, names, reasons);
  const forces = options.wanted.has("forces") ? compareForces(pairs, names, reasons) : null;
  const crystals = pairs.filter(({ structure }) => isCrystal(structure));
  const stress = options.wanted.has("stress") && crystals.length > 0 ? compareStress(crystals, names, reasons) : null;
  const yardstick = options.torch32 === null ? null : compareWithYardstick(side, options.torch32, reference, reasons);
  return {
    side: side.side,
    reference: reference.side,
    verdict: reasons.length === 0 ? "pass" : "fail",
    reasons,
    structures: structures.length,
    energy: energy.summary,
    forces: forces?.summary ?? null,
    stress: stress?.summary ?? null,
    yardstick,
    perStructure: pairs.map(({ structure }, i) => {
      const crystal = stress?.rows.find((row) => row.structure === structure.name);
      const ratio = [energy.rows[i]?.ratio ?? 0, forces?.rows[i]?.ratio ?? 0, crystal?.ratio ?? 0].reduce(worse, 0);
      return {
        structure: structure.name,
        energyPerAtom: finiteOrNull(energy.rows[i]?.error ?? Number.NaN),
        forces: forces === null ? null : finiteOrNull(forces.rows[i]?.error ?? Number.NaN),
        stress: crystal === undefined ? null : finiteOrNull(crystal.error),
        ratio: finiteOrNull(ratio),
      };
    }),
  };
}

/** The sizes on which tolerances depend; what is not finite counts as 0, so that it cannot loosen them. */
export function scaleOf(structure: Structure, reference: Evaluation, cutoff: number): Scale {
  const finite = (x: number) => (Number.isFinite(x) ? x : 0);
  const volume = isCrystal(structure) ? cellVolume(structure.cell) : 0;
  return {
    atoms: structure.numbers.length,
    perAtom: finite(reference.netEnergy / structure.numbers.length),
    largestForce: finite(largestOf(reference.forces ?? [])),
    virialPerAtom: finite((largestOf(reference.stress ?? []) * volume) / structure.numbers.length),
    volume,
    cutoff,
  };
}

/** The two arrays, or null with the reason recorded unless both are there and have the length they must have. */
function rowOf(
  pair: Pair,
  property: "forces" | "stress",
  length: number,
  [side, reference]: readonly [string, string],
  reasons: string[],
): Row {
  const ours = pair.side[property];
  const theirs = pair.reference[property];
  const before = reasons.length;
  for (const [name, array] of [
    [side, ours],
    [reference, theirs],
  ] as const)
    if (array === null) reasons.push(`${pair.structure.name}: ${name} gave no ${property}`);
    else if (array.length !== length)
      reasons.push(`${pair.structure.name}: ${name} gave ${array.length} ${property} components, expected ${length}`);
  const usable = ours !== null && theirs !== null && reasons.length === before;
  return {
    structure: pair.structure,
    arrays: usable ? { side: ours, reference: theirs } : null,
    tolerance: pair.tolerances[property],
    rms: property === "forces" ? pair.tolerances.rms : pair.tolerances.stress,
  };
}

const axes = ["x", "y", "z"] as const;
const voigt = ["xx", "yy", "zz", "yz", "xz", "xy"] as const;

function compareForces(pairs: readonly Pair[], names: readonly [string, string], reasons: string[]) {
  const rows = pairs.map((pair) => rowOf(pair, "forces", 3 * pair.structure.numbers.length, names, reasons));
  return compareComponents(rows, { property: "forces", unit: "eV/Å", names, reasons }, (index, structure) => {
    const atom = Math.floor(index / 3);
    return { atom, symbol: elementSymbol(structure.numbers[atom] ?? 0), component: axes[(index % 3) as 0 | 1 | 2] };
  });
}

function compareStress(pairs: readonly Pair[], names: readonly [string, string], reasons: string[]) {
  const rows = pairs.map((pair) => rowOf(pair, "stress", 6, names, reasons));
  return compareComponents(rows, { property: "stress", unit: "eV/Å^3", names, reasons }, (index) => ({
    component: voigt[index as 0] as (typeof voigt)[number],
  }));
}

function compareWithYardstick(side: Answers, torch32: Answers, reference: Answers, reasons: string[]): Comparison["yardstick"] {
  const { held, ...yardstick } = measureYardstick(side, torch32, reference);
  if (!held)
    reasons.push(
      `forces are ${yardstick.ratio?.toPrecision(3) ?? "NaN"} times as far from ${reference.side} as ${torch32.side}'s, the limit is ${yardstick.limit}`,
    );
  return yardstick;
}
