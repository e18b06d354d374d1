import { finiteOrNull, worse } from "../system/finite.ts";
import type { Structure } from "../system/structure.ts";
import { errorHistogram, largestOf, parityPoints, rms, ulpDistribution } from "./metrics.ts";
import { ulpPrecision } from "./tolerances.ts";

/** One structure's array on both sides, and how far its components may differ. */
export interface Row {
  readonly structure: Structure;
  /** of equal length; null where one was missing or of the wrong length, which is on record already */
  readonly arrays: { readonly side: Float64Array; readonly reference: Float64Array } | null;
  readonly tolerance: number;
  /** and all of them together */
  readonly rms: number;
}

interface Worst {
  readonly structure: Structure;
  readonly index: number;
  readonly side: number;
  readonly reference: number;
}

/** The summary of one property over all structures, as result.ts has it, and the largest error of each structure.
 *  @param locate what to say of the component at an index */
export function compareComponents<Place extends object>(
  rows: readonly Row[],
  about: { property: string; unit: string; names: readonly [string, string]; reasons: string[] },
  locate: (index: number, structure: Structure) => Place,
) {
  const side: number[] = [];
  const reference: number[] = [];
  const perStructure: { structure: string; error: number; ratio: number }[] = [];
  let maxAbs = 0;
  let tolerance = 0;
  let relative = 0;
  let ratio = 0;
  let worst: Worst | null = null;
  for (const row of rows) {
    if (row.arrays === null) {
      perStructure.push({ structure: row.structure.name, error: Number.NaN, ratio: Number.NaN });
      maxAbs = relative = ratio = Number.NaN;
      continue;
    }
    const { side: ours, reference: theirs } = row.arrays;
    const errors = ours.map((x, i) => Math.abs(x - (theirs[i] as number)));
    const error = largestOf(errors);
    const index = errors.findIndex((e) => Object.is(e, error));
    const spread = rms([...errors]);
    const rowRatio = worse(error / row.tolerance, spread / row.rms);
    if (worst === null || !(rowRatio <= ratio))
      worst = { structure: row.structure, index, side: ours[index] as number, reference: theirs[index] as number };
    if (tolerance === 0 || !(error <= maxAbs)) tolerance = row.tolerance;
    maxAbs = worse(maxAbs, error);
    ratio = worse(ratio, rowRatio);
    const largest = largestOf(theirs);
    relative = worse(relative, error === 0 ? 0 : error / largest);
    perStructure.push({ structure: row.structure.name, error, ratio: rowRatio });
    if (!(error <= row.tolerance))
      about.reasons.push(
        `${row.structure.name}: ${about.property} differ by ${error.toExponential(2)} ${about.unit}, tolerance ${row.tolerance.toExponential(2)}`,
      );
    else if (!(spread <= row.rms))
      about.reasons.push(
        `${row.structure.name}: ${about.property} differ by ${spread.toExponential(2)} ${about.unit} (rms), tolerance ${row.rms.toExponential(2)}`,
      );
    for (const x of ours) side.push(x);
    for (const x of theirs) reference.push(x);
  }
  if (side.length === 0) {
    about.reasons.push(`there are no ${about.property} to compare between ${about.names.join(" and ")}`);
    maxAbs = relative = ratio = Number.NaN;
  }
  const errors = side.map((x, i) => x - (reference[i] as number));
  return {
    rows: perStructure,
    summary: {
      maxAbs: finiteOrNull(maxAbs),
      tolerance,
      rms: finiteOrNull(rms(errors)),
      relative: finiteOrNull(relative),
      largest: finiteOrNull(largestOf(reference)),
      ratio: finiteOrNull(ratio),
      worst: worst === null ? null : describeWorst(worst, locate),
      ulps: ulpDistribution(side, reference, ulpPrecision(about.names[0])),
      errors: errorHistogram(errors, about.unit),
      parity: parityPoints(side, reference, 2000),
    },
  };
}

const describeWorst = <Place extends object>(worst: Worst, locate: (index: number, structure: Structure) => Place) => ({
  structure: worst.structure.name,
  ...locate(worst.index, worst.structure),
  side: finiteOrNull(worst.side),
  reference: finiteOrNull(worst.reference),
});
