import { sampleVariance } from "simple-statistics";
import { pieceSlopes } from "./drift.ts";
import type { EnergyTrace } from "./energy-trace.ts";
import { confidence, estimateOf, halfWidth, isResolved } from "./estimate.ts";
import { interceptWeights } from "./extrapolate.ts";
import type { Attribution, Cause, Estimate } from "./result.ts";
import { figure } from "./words.ts";

/** A run that takes part in an attribution. */
export interface AttributedRun {
  readonly side: string;
  /** fs */
  readonly dt: number;
  /** Å */
  readonly skin: number;
  readonly steps: number;
  readonly seed: number;
  readonly trace: EnergyTrace;
  /** why a guard ended it early; null where it came to its end */
  readonly stop: string | null;
}

export interface AttributionRuns {
  /** float64, no skin, from the timestep of the whole downwards */
  readonly exactRuns: readonly AttributedRun[];
  /** float64 with the skin */
  readonly listed: AttributedRun;
  /** the side itself, from the same start; null where it computes in float64 */
  readonly rounded: AttributedRun | null;
  /** the side itself, from another start */
  readonly independent: AttributedRun;
  readonly crossings: Attribution["crossings"];
}

/** The table from its runs. Differences are taken piece by piece, where the runs still follow nearly the same path; where a guard ended a run early, all
 *  are looked at for as long as the shortest. */
export function attributionOf({ exactRuns, listed, rounded, independent, crossings }: AttributionRuns): Attribution {
  const all = [...exactRuns, listed, ...(rounded === null ? [] : [rounded]), independent];
  const together = Math.min(...all.map(({ steps, dt }) => steps * dt));
  const slopes = new Map(all.map((run) => [run, slopesOf(run.trace, together)]));
  const pieces = Math.min(...[...slopes.values()].map((of) => of.length));
  const each = (of: (piece: number) => number) => Array.from({ length: pieces }, (_, piece) => of(piece));
  const at = (run: AttributedRun, piece: number) => slopes.get(run)?.[piece] ?? Number.NaN;

  const unlisted = exactRuns[0] as AttributedRun;
  const weights = interceptWeights(
    exactRuns.map(({ dt }) => dt),
    exactRuns.map((run) => (pieces > 1 ? sampleVariance(slopes.get(run) ?? []) : 0)),
  );
  const intercept = (piece: number) => weights.reduce((sum, weight, k) => sum + weight * at(exactRuns[k] as AttributedRun, piece), 0);
  const causes: Readonly<Record<Cause, number[]>> = {
    "time step": each((piece) => at(unlisted, piece) - intercept(piece)),
    float32: each((piece) => (rounded === null ? 0 : at(rounded, piece) - at(listed, piece))),
    "neighbour list": each((piece) => at(listed, piece) - at(unlisted, piece)),
    model: each(intercept),
  };
  const sums = each((piece) => Object.values(causes).reduce((sum, part) => sum + (part[piece] as number), 0));

  const limit = `limit of float64 at ${exactRuns.map(({ dt }) => figure(dt, 3)).join(", ")} fs, without a skin, at 0 fs`;
  const part = (cause: Cause, method: string, say: (estimate: Estimate) => string) => {
    const estimate = estimateOf(causes[cause]);
    return { cause, ...estimate, resolved: isResolved(estimate), method, sentence: say(estimate) };
  };
  const parts = [
    part("time step", `float64 at ${figure(unlisted.dt, 3)} fs without a skin, less the ${limit}`, said("the time step")),
    part("float32", rounded === null ? "the side computes in float64" : `${rounded.side} less ${listed.side}`, said("float32")),
    part("neighbour list", `float64 with a skin of ${listed.skin} Å less without`, said("the neighbour list")),
    part("model", limit, (estimate) => modelSentence(estimate, crossings)),
  ];
  const [whole, sum] = [estimateOf(slopes.get(independent) ?? []), estimateOf(sums)];
  return {
    ...{ confidence, unit: "meV/atom/ns", whole, parts, sum, closes: overlap(whole, sum) },
    rest: estimateOf(each((piece) => at(independent, piece) - (sums[piece] as number))),
    runs: all.map((run) => ({
      ...{ label: labelOf(run), side: run.side, dt: run.dt, skin: run.skin, steps: run.steps, seed: run.seed },
      replicas: run.trace.options.replicas,
      drift: estimateOf(slopes.get(run) ?? []),
    })),
    crossings,
    sentence: conclusion(parts, crossings, all.find(({ stop }) => stop !== null)?.stop ?? null),
  };
}

/** Of the pieces of the first `duration` fs. */
function slopesOf(trace: EnergyTrace, duration: number): number[] {
  let length = trace.length;
  while (length > 0 && trace.bin(length - 1, 0).time > duration) length -= 1;
  return pieceSlopes(trace, "modified", length).map(({ slope }) => slope);
}

const labelOf = ({ side, dt, skin }: AttributedRun): string => `${side}, ${figure(dt, 3)} fs, ${skin === 0 ? "no skin" : `skin ${skin} Å`}`;

const overlap = (a: Estimate, b: Estimate): boolean => {
  const [x, y] = [halfWidth(a), halfWidth(b)];
  return x !== null && y !== null && Math.abs((a.value ?? Number.NaN) - (b.value ?? Number.NaN)) <= x + y;
};

const said =
  (what: string) =>
  (estimate: Estimate): string => {
    const half = halfWidth(estimate);
    if (estimate.value === null || half === null) return `The runs are too short to say what ${what} does.`;
    if (estimate.value === 0 && half === 0) return `Nothing comes from ${what}.`;
    return isResolved(estimate)
      ? `${figure(estimate.value)} meV/atom/ns come from ${what}.`
      : `What comes from ${what} cannot be told from zero: at most ${figure(Math.abs(estimate.value) + half)} meV/atom/ns.`;
  };

function modelSentence(estimate: Estimate, crossings: Attribution["crossings"]): string {
  const drift = said("the model")(estimate);
  if (crossings === null) return drift;
  const { count, rmsAtCrossings, jump } = crossings;
  if (rmsAtCrossings === null) return `${drift} No pair crossed the cutoff.`;
  const size = `${figure(rmsAtCrossings)} meV (rms)`;
  return jump
    ? `${drift} Its energy jumps by ${size} where a pair crosses the cutoff, which happened in ${count} steps.`
    : `${drift} Its energy does not jump where a pair crosses the cutoff: ${size}, ${count} steps.`;
}

/** Who is to blame. A jump is seen long before the drift that it makes can be told from zero. */
function conclusion(parts: Attribution["parts"], crossings: Attribution["crossings"], stop: string | null): string {
  const [largest] = parts.filter(({ resolved }) => resolved).sort((a, b) => Math.abs(b.value ?? 0) - Math.abs(a.value ?? 0));
  const sentences = [
    crossings?.jump ? "The model is to blame: its energy jumps at the cutoff." : "",
    largest === undefined ? "" : `Most of the drift comes from the ${largest.cause}.`,
    largest === undefined && !crossings?.jump ? "No part of the drift can be told from zero in runs this short." : "",
    stop === null ? "" : `A run ended early: ${stop}`,
  ];
  return sentences.filter(Boolean).join(" ");
}
