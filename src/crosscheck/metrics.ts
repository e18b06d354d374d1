import { finiteOrNull, worse } from "../system/finite.ts";

/** Numbers about arrays of errors. Each keeps NaN: a value that is not finite must reach the verdict, where `!(x <= tolerance)` fails it. */

/** Largest absolute entry; NaN if any is. 0 for an empty array. */
export const largestOf = (values: ArrayLike<number>): number => {
  let largest = 0;
  for (let i = 0; i < values.length; i++) largest = worse(largest, Math.abs(values[i] as number));
  return largest;
};

export const rms = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length);

const view = new DataView(new ArrayBuffer(8));

/** Spacing of the numbers around x: a unit in the last place. */
export function ulpOf(x: number, precision: "float32" | "float64"): number {
  view.setFloat64(0, Math.abs(x));
  const exponent = (view.getUint16(0) >>> 4) - 1023;
  return precision === "float64" ? 2 ** Math.max(exponent - 52, -1074) : 2 ** Math.max(exponent - 23, -149);
}

const ulpBins = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096, 16384, 65536, 1048576];

/** Errors in ulps of the reference value; null for no values. */
export function ulpDistribution(side: readonly number[], reference: readonly number[], precision: "float32" | "float64") {
  if (side.length === 0) return null;
  const ulps = reference.map((r, i) => Math.abs((side[i] as number) - r) / ulpOf(r, precision));
  const sorted = [...ulps].sort((a, b) => a - b);
  const counts = ulpBins.map((upTo, bin) => ({
    upTo: upTo as number | null,
    count: ulps.filter((u) => u <= upTo && (bin === 0 || u > (ulpBins[bin - 1] as number))).length,
  }));
  const rest = ulps.length - counts.reduce((sum, { count }) => sum + count, 0);
  return {
    precision,
    median: finiteOrNull(sorted[Math.floor(sorted.length / 2)] as number),
    max: finiteOrNull(ulps.reduce(worse, 0)),
    histogram: [...counts, { upTo: null, count: rest }],
  };
}

/** Finite absolute errors by decade; those that are not finite are counted by the verdict, not here. */
export function errorHistogram(errors: readonly number[], unit: string) {
  const finite = errors.map(Math.abs).filter(Number.isFinite);
  const decades = finite.filter((e) => e > 0).map((e) => Math.floor(Math.log10(e)));
  const first = decades.reduce((low, d) => Math.min(low, d), 0);
  const last = decades.reduce((high, d) => Math.max(high, d), first);
  const counts = Array.from({ length: decades.length === 0 ? 0 : last - first + 1 }, () => 0);
  for (const decade of decades) counts[decade - first] = (counts[decade - first] as number) + 1;
  return { unit, zero: finite.filter((e) => e === 0).length, first, counts };
}

/** [reference, side] of finite components, evenly thinned to at most `limit` points. */
export function parityPoints(side: readonly number[], reference: readonly number[], limit: number): [number, number][] {
  const stride = Math.max(1, Math.ceil(side.length / limit));
  const points: [number, number][] = [];
  for (let i = 0; i < side.length; i += stride) {
    const point: [number, number] = [reference[i] as number, side[i] as number];
    if (point.every(Number.isFinite)) points.push(point);
  }
  return points;
}
