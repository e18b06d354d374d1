import { finiteOrNull, worse } from "../system/finite.ts";
import type { Evaluation } from "../system/potential.ts";
import type { Pair } from "./compare.ts";
import { largestOf, ulpOf } from "./metrics.ts";

type Basis = "net" | "total" | "shifted";

/** Does the side keep constants apart from the net energy? Ours do, so a constant between two of them is a fault and must not be taken
 *  out; of a foreign side its answers tell. */
const separatesConstants = (side: string, evaluations: readonly Evaluation[]): boolean =>
  /^(fd:)*(native|torch):/.test(side) || evaluations.some(({ netEnergy, energy }) => !Object.is(netEnergy, energy));

/** What both sides said of a structure. */
export type Answered = Pick<Pair, "structure" | "side" | "reference">;

const composition = (pair: Answered): string => [...pair.structure.numbers].sort((a, b) => a - b).join(",");

/** Net energies where both sides keep the constants apart or neither does. Where only one does (a foreign package rounds its offset to
 *  float32, which shifts every energy of one composition alike) total energies less the mean difference of the composition are compared,
 *  and total energies where a composition has one structure only. */
function basisOf(pairs: readonly Answered[], [side, reference]: readonly [string, string]): Basis {
  const ours = separatesConstants(
    side,
    pairs.map((pair) => pair.side),
  );
  const theirs = separatesConstants(
    reference,
    pairs.map((pair) => pair.reference),
  );
  if (ours === theirs) return "net";
  const count = new Map<string, number>();
  for (const pair of pairs) count.set(composition(pair), (count.get(composition(pair)) ?? 0) + 1);
  return [...count.values()].every((n) => n > 1) ? "shifted" : "total";
}

/** eV: side minus reference of each pair, and on which basis. */
export function energyDifferences(
  pairs: readonly Answered[],
  names: readonly [string, string],
): { readonly basis: Basis; readonly differences: number[] } {
  const basis = basisOf(pairs, names);
  return { basis, differences: differencesOn(basis, pairs) };
}

function differencesOn(basis: Basis, pairs: readonly Answered[]): number[] {
  if (basis === "net") return pairs.map(({ side, reference }) => side.netEnergy - reference.netEnergy);
  const total = pairs.map(({ side, reference }) => side.energy - reference.energy);
  if (basis === "total") return total;
  return pairs.map((pair, i) => {
    const alike = total.filter((_, j) => composition(pairs[j] as Answered) === composition(pair));
    return (total[i] as number) - alike.reduce((sum, d) => sum + d, 0) / alike.length;
  });
}

/** Energies of all pairs; adds a reason for each that is out of tolerance or missing. */
export function compareEnergies(pairs: readonly Pair[], names: readonly [string, string], reasons: string[]) {
  const { basis, differences } = energyDifferences(pairs, names);
  const rows = pairs.map((pair, i) => {
    const atoms = pair.structure.numbers.length;
    const error = Math.abs(differences[i] as number) / atoms;
    // A total carries its constants' own rounding; a side that cannot keep them apart may hold them in float32.
    const tolerance = pair.tolerances.energy + (basis === "total" ? (4 * ulpOf(pair.reference.energy, "float32")) / atoms : 0);
    if (!(error <= tolerance))
      reasons.push(
        `${pair.structure.name}: ${basis} energies differ by ${error.toExponential(2)} eV/atom, tolerance ${tolerance.toExponential(2)}`,
      );
    const rest = basis === "net" ? restRatio(pair, names, reasons) : 0;
    return { error, tolerance, ratio: worse(error / tolerance, rest) };
  });
  let worst = 0;
  rows.forEach((row, i) => {
    if (!(row.ratio <= (rows[worst]?.ratio ?? 0))) worst = i;
  });
  const pair = pairs[worst];
  const value = basis === "net" ? "netEnergy" : "energy";
  return {
    rows,
    summary: {
      maxAbsPerAtom: finiteOrNull(rows.length === 0 ? Number.NaN : largestOf(rows.map((row) => row.error))),
      tolerance: rows[worst]?.tolerance ?? 0,
      ratio: finiteOrNull(rows.length === 0 ? Number.NaN : rows.map((row) => row.ratio).reduce(worse, 0)),
      basis,
      worst:
        pair === undefined
          ? null
          : { structure: pair.structure.name, side: finiteOrNull(pair.side[value]), reference: finiteOrNull(pair.reference[value]) },
    },
  };
}

/** What net energies leave out: the constants (in the total), and the per-atom energies where both sides give them. */
function restRatio(pair: Pair, names: readonly [string, string], reasons: string[]): number {
  const { structure, side, reference, tolerances } = pair;
  const atoms = structure.numbers.length;
  const rounding = (x: number) => 4 * ulpOf(x, "float64");
  const totalError = Math.abs(side.energy - reference.energy) / atoms;
  const totalTolerance = tolerances.energy + rounding(reference.energy);
  if (!(totalError <= totalTolerance))
    reasons.push(
      `${structure.name}: total energies differ by ${totalError.toExponential(2)} eV/atom, tolerance ${totalTolerance.toExponential(2)}`,
    );
  let ratio = totalError / totalTolerance;
  if (side.energies === null || reference.energies === null) return ratio;
  [side.energies, reference.energies].forEach((energies, which) => {
    if (energies.length === atoms) return;
    reasons.push(`${structure.name}: ${names[which]} gave ${energies.length} energies per atom, expected ${atoms}`);
    ratio = Number.NaN;
  });
  // One atom's error may be several times the mean over atoms, which the energy tolerance is about.
  side.energies.forEach((energy, i) => {
    const exact = reference.energies?.[i] ?? Number.NaN;
    const tolerance = 10 * tolerances.energy + rounding(exact);
    const error = Math.abs(energy - exact);
    ratio = worse(ratio, error / tolerance);
    if (!(error <= tolerance))
      reasons.push(
        `${structure.name}: the energy of atom ${i} differs by ${error.toExponential(2)} eV, tolerance ${tolerance.toExponential(2)}`,
      );
  });
  return ratio;
}
