import { weightedLinearRegression } from "simple-statistics";
import { finiteOrNull } from "../system/finite.ts";
import { decide, stepsToDecide } from "./decide.ts";
import type { EnergyTrace } from "./energy-trace.ts";
import { confidence, estimateOf, fewestPieces, halfWidth, isResolved, scaled, unknownEstimate } from "./estimate.ts";
import type { Drift, Estimate } from "./result.ts";
import { figure } from "./words.ts";

/** The bar of the field: percent of the kinetic energy per ns. */
export const driftBar = 0.1;

/** A share of the kinetic energy, %/ns, in meV/atom/ns; null where the energy moved too little to say how large the kinetic energy is. */
export function driftOfShare(share: number, drift: Drift): number | null {
  const { percentOfKineticPerNs: percent } = drift;
  // Both hold the same slopes; the largest of them tells their scale best.
  const scales = (["value", "low", "high"] as const).map((key) => [percent[key] ?? 0, drift[key] ?? 0] as const);
  const [inPercent, inMeV] = scales.reduce((a, b) => (Math.abs(b[0]) > Math.abs(a[0]) ? b : a));
  return inPercent === 0 ? null : Math.abs((share * inMeV) / inPercent);
}

/** Bins that a piece needs to have a slope worth the name. */
const fewestBins = 4;
/** Points of the history, for a chart. */
const historyPoints = 24;

export interface Piece {
  readonly replica: number;
  /** ps */
  readonly from: number;
  readonly to: number;
  /** meV/atom/ns */
  readonly slope: number;
}

/** Slopes of consecutive pieces of each replica: whole replicas, or as many pieces of each as make eight in all. A bounded fluctuation and a
 *  random walk of the energy both leave them independent of each other, or nearly. Empty where the bins are too few.
 *  @param length of the trace's bins, from the first */
export function pieceSlopes(trace: EnergyTrace, of: "energy" | "modified", length = trace.length): Piece[] {
  const { replicas, atoms } = trace.options;
  const perReplica = Math.ceil(fewestPieces / replicas);
  if (length < fewestBins * perReplica) return [];
  return Array.from({ length: replicas * perReplica }, (_, index) => {
    const [replica, piece] = [Math.floor(index / perReplica), index % perReplica];
    const [from, to] = [Math.floor((piece * length) / perReplica), Math.floor(((piece + 1) * length) / perReplica)];
    const { times, values, weights } = trace.points(of, replica, from, to);
    return {
      replica,
      from: (times[0] ?? Number.NaN) / 1e3,
      to: (times.at(-1) ?? Number.NaN) / 1e3,
      slope: (taperedSlope(times, values, weights) * 1e9) / atoms, // eV/fs -> meV/ns, by atom
    };
  });
}

/** Slope of the least-squares line with weights that fall to zero at both ends as a parabola (T56): a mean rate of change under a smooth
 *  window. Fast oscillations leak into it as the cube of period over length, and neighbouring pieces know little of each other. */
export function taperedSlope(times: readonly number[], values: readonly number[], weights: readonly number[]): number {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined || !(first < last)) return Number.NaN;
  const middle = (first + last) / 2;
  // Half a spacing more at each end: the outermost points count too.
  const reach = (((last - first) / 2) * times.length) / (times.length - 1);
  return weightedLinearRegression(
    times.map((time, k) => [time - middle, values[k] as number]),
    times.map((time, k) => (weights[k] as number) * (1 - ((time - middle) / reach) ** 2)),
  ).m;
}

/** The estimate alone, for news while a run goes on. meV/atom/ns */
export const driftSoFar = (trace: EnergyTrace): Estimate => driftEstimate(trace, hasModified(trace) ? "modified" : "energy");

const driftEstimate = (trace: EnergyTrace, of: "energy" | "modified", length?: number): Estimate =>
  estimateOf(pieceSlopes(trace, of, length).map(({ slope }) => slope));

const hasModified = (trace: EnergyTrace): boolean => trace.length > 0 && Number.isFinite(trace.bin(trace.length - 1, 0).modified);

/** Drift of the energy with its interval, in every unit it is asked for. null for fewer than two records.
 *  The modified energy, where there is one, differs from the energy by a bounded function of positions and velocities (T55): its slope is the same, and
 *  it fluctuates less. */
export function driftOf(trace: EnergyTrace): Drift | null {
  if (trace.length < 2) return null;
  const { replicas, atoms } = trace.options;
  const has = hasModified(trace);
  const of = has ? "modified" : "energy";
  const pieces = pieceSlopes(trace, of);
  const headline = estimateOf(pieces.map(({ slope }) => slope));

  const moments = Array.from({ length: replicas }, (_, r) => trace.moments(r));
  const meanOf = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
  const kinetic = (meanOf(moments.map(({ meanKinetic }) => meanKinetic)) * 1e3) / atoms; // meV/atom
  const deviation = (meanOf(moments.map(({ kineticDeviation }) => kineticDeviation)) * 1e3) / atoms;
  const duration = (trace.bin(trace.length - 1, 0).time - trace.bin(0, 0).time) / 1e3;
  const percent = kinetic > 0 ? scaled(headline, 100 / kinetic) : unknownEstimate;
  const ratio = (Math.abs(headline.value ?? Number.NaN) * duration) / 1e3 / deviation;
  return {
    ...headline,
    unit: "meV/atom/ns",
    confidence,
    method: method(of, pieces.length, replicas),
    resolved: isResolved(headline),
    sentence: sentence(headline, percent, duration, replicas),
    of: { total: driftEstimate(trace, "energy"), modified: has ? headline : null },
    perPs: { ...scaled(headline, 1e-3), unit: "meV/atom/ps" },
    percentOfKineticPerNs: { ...percent, unit: "%/ns" },
    ratio: finiteOrNull(ratio),
    duration,
    pieces: pieces.map(({ slope, ...piece }) => ({ ...piece, slope: finiteOrNull(slope) })),
    history: history(trace, of),
  };
}

function method(of: "energy" | "modified", pieces: number, replicas: number): string {
  const what = of === "modified" ? "modified energy" : "total energy";
  const blocks =
    pieces === 0 ? "too few records for an interval" : `${pieces} pieces of ${replicas} ${replicas === 1 ? "run" : "replicas"}`;
  return `mean of tapered least-squares slopes of the ${what} (${blocks}), interval by studentized block bootstrap over replicas and time`;
}

/** What the figure means, in plain words. @param percent of the kinetic energy per ns; @param duration ps */
function sentence(drift: Estimate, percent: Estimate, duration: number, replicas: number): string {
  const { value, low, high } = drift;
  const half = halfWidth(percent);
  const run = `${figure(duration)} ps${replicas === 1 ? "" : ` of ${replicas} replicas`}`;
  if (value === null || low === null || high === null || half === null || percent.value === null)
    return `${run} are too short to say anything of a drift.`;
  const range = `${figure(low)} to ${figure(high)} meV/atom/ns`;
  const bar = `${driftBar} % of the kinetic energy per ns`;
  const verdict = decide(percent, driftBar);
  const times = stepsToDecide(percent, driftBar);
  const longer = times === null ? "" : ` takes up to ${figure(times)} times as many steps, ${timeOf(times * duration)}`;
  if (isResolved(drift)) {
    const share = `${figure(Math.abs(percent.value))} % of the kinetic energy per ns`;
    const found = `The energy ${value > 0 ? "rises" : "falls"} by ${figure(Math.abs(value))} meV/atom/ns (95 %: ${range}), ${share}`;
    return verdict === "undecided" ? `${found}; to tell it from the ${driftBar} % allowed${longer}.` : `${found}.`;
  }
  if (verdict === "pass") return `No drift is seen: it lies within ${range}, less than ${bar}.`;
  return `Too short to tell the drift from zero: after ${run} it lies within ${range}${longer && `; to tell ${bar} from zero${longer}`}.`;
}

const timeOf = (picoseconds: number): string => (picoseconds < 1000 ? `${figure(picoseconds)} ps` : `${figure(picoseconds / 1000)} ns`);

function history(trace: EnergyTrace, of: "energy" | "modified"): Drift["history"] {
  const lengths = Array.from({ length: historyPoints }, (_, k) => Math.ceil(((k + 1) * trace.length) / historyPoints));
  return [...new Set(lengths)]
    .map((length) => ({ time: trace.bin(length - 1, 0).time / 1e3, ...driftEstimate(trace, of, length) }))
    .filter(({ value }) => value !== null);
}
