import { mean, sampleStandardDeviation } from "simple-statistics";
import { Random } from "../system/random.ts";
import type { Estimate } from "./result.ts";

/** Figures with intervals, from pieces of runs that know nothing of each other (docs/accuracy.md, Dynamics). */

export const confidence = 0.95;

/** Pieces that an interval is made from, at least: fewer say too little of their own scatter, more are too short to show a slope. */
export const fewestPieces = 8;

/** So many that the 0.95 quantile is one of them, the 950th, and is known to 0.7 % of probability. */
const draws = 999;

/** Which pieces each draw takes, (draws, pieces). The same for all figures of as many pieces: a figure depends on its data alone. */
const drawn = new Map<number, Uint32Array>();

function resamples(pieces: number): Uint32Array {
  const known = drawn.get(pieces);
  if (known !== undefined) return known;
  const random = new Random(0, `block bootstrap of ${pieces}`);
  const indices = Uint32Array.from({ length: draws * pieces }, () => random.integer(pieces));
  drawn.set(pieces, indices);
  return indices;
}

export const unknownEstimate: Estimate = { value: null, low: null, high: null };

/** Mean of what the pieces gave, and the symmetric interval of the studentized block bootstrap: the pieces are the blocks, drawn with
 *  replacement; of each draw, the distance of its mean from that of all, in standard errors of the draw itself (T57). An interval without
 *  bounds (null) where fewer than two pieces are there or most are equal; nothing at all where a figure is not finite. */
export function estimateOf(figures: readonly number[]): Estimate {
  const pieces = figures.length;
  if (pieces === 0 || !figures.every(Number.isFinite)) return unknownEstimate;
  const value = mean([...figures]);
  if (pieces === 1) return { value, low: null, high: null };
  const spread = sampleStandardDeviation([...figures]);
  if (spread === 0) return { value, low: value, high: value };
  const quantile = distances(figures, value)[Math.round(confidence * (draws + 1)) - 1] as number;
  const half = quantile * (spread / Math.sqrt(pieces));
  return Number.isFinite(half) ? { value, low: value - half, high: value + half } : { value, low: null, high: null };
}

/** |mean of the draw - value| in standard errors of the draw, ascending; infinite where a draw took equal figures only. */
function distances(figures: readonly number[], value: number): Float64Array {
  const pieces = figures.length;
  const indices = resamples(pieces);
  const found = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw++) {
    let sum = 0;
    let squares = 0;
    for (let k = draw * pieces; k < (draw + 1) * pieces; k++) {
      const x = (figures[indices[k] as number] as number) - value;
      sum += x;
      squares += x * x;
    }
    const shift = sum / pieces;
    const variance = (squares - pieces * shift * shift) / (pieces - 1);
    found[draw] = variance > 0 ? Math.abs(shift) / Math.sqrt(variance / pieces) : Number.POSITIVE_INFINITY;
  }
  return found.sort();
}

export const scaled = ({ value, low, high }: Estimate, factor: number): Estimate => {
  const times = (x: number | null) => (x === null ? null : x * factor);
  return factor < 0
    ? { value: times(value), low: times(high), high: times(low) }
    : { value: times(value), low: times(low), high: times(high) };
};

export const shifted = ({ value, low, high }: Estimate, by: number): Estimate => {
  const plus = (x: number | null) => (x === null ? null : x + by);
  return { value: plus(value), low: plus(low), high: plus(high) };
};

/** Is zero outside the interval. */
export const isResolved = ({ low, high }: Estimate): boolean => low !== null && high !== null && (low > 0 || high < 0);

/** Half the width of the interval; null without bounds. */
export const halfWidth = ({ low, high }: Estimate): number | null => (low === null || high === null ? null : (high - low) / 2);
