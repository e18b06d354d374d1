import type { ModelSummary } from "../model/summary.ts";
import type { Verdict } from "../system/verdict.ts";
import { decide, narrowing, stepsToDecide, undecidedWords } from "./decide.ts";
import { driftBar, driftOfShare } from "./drift.ts";
import { halfWidth, isResolved, shifted } from "./estimate.ts";
import type { Ensemble } from "./options.ts";
import { orderTolerance, trueOrder } from "./order.ts";
import type { Check, Estimate, MdResult } from "./result.ts";
import { figure } from "./words.ts";

/** What the verdict is made from. */
export interface Judged extends Pick<MdResult, "stop" | "drift" | "orderInDt" | "reversal" | "momentum" | "attribution" | "canonical"> {
  readonly side: string;
  readonly ensemble: Ensemble;
  readonly model: Pick<ModelSummary, "energyUnit" | "unitsOrigin"> | null;
  /** does the energy depend on orientation, as the model file says: then angular momentum is not conserved, and it is the model's doing */
  readonly equivariant: boolean;
  /** what else of the model moves the energy of a trajectory; null where nothing is known */
  readonly bends: string | null;
  /** experiments that could not be made, and why */
  readonly failures: readonly string[];
}

export interface Judgement {
  readonly verdict: Verdict;
  readonly checks: Check[];
  /** what no interval decided, in words */
  readonly undecided: string[];
  /** sentences for the user */
  readonly findings: string[];
}

/** Change of the energy, in standard deviations of the kinetic energy, that no interval excuses: it is what was seen, not what may be inferred. The interval
 *  of an energy that goes up and down by so much is wide enough for anything. */
const ratioBar = 1;
/** meV/atom that the energy must have changed by, for that: beside atoms at rest rounding is much. */
const leastChange = 0.1;
/** Å over the steps there and back, in float64. In float32 trajectories part by rounding and nothing is promised. */
const reversalLimit = 1e-8;
/** Change over the sum of |p|: rounding, of which float32 has more outside our engine, whose pair forces cancel exactly. */
const momentumLimits = { f64: 1e-9, other: 1e-3 } as const;
/** Seldom enough: a right thermostat fails once in ten thousand runs. */
const canonicalLimit = 1e-4;
/** Sum and whole may lie this many times the sum of their half intervals apart. */
const closureFactor = 1.5;

/** Verdict and findings of a run, and each condition with its figure and limit (docs/accuracy.md, Dynamics). */
export function judge(judged: Judged): Judgement {
  const found = [guards, drift, order, reversal, momentum, attribution, canonical].map((check) => check(judged));
  const checks = found.filter((check) => check !== null);
  const verdict = passIf(!checks.some((check) => check.verdict === "fail"));
  return { verdict, checks, undecided: undecidedWords(checks), findings: findingsOf(judged) };
}

const passIf = (condition: boolean): Verdict => (condition ? "pass" : "fail");
const inFloat64 = (side: string): boolean => side.endsWith(":f64");

function guards({ stop }: Judged): Check {
  const sentence = stop?.message ?? "No guard stopped the run.";
  return {
    ...{ name: "guards", verdict: passIf(stop === null), value: stop?.value ?? null, limit: stop?.limit ?? null },
    unit: "",
    longer: null,
    sentence,
  };
}

/** Fails also where the interval says nothing, but the energy was seen to change by as much as it must not. */
function drift({ drift: measured, ensemble }: Judged): Check | null {
  if (measured === null || ensemble !== "nve") return null;
  const { percentOfKineticPerNs: percent, ratio, value, duration, sentence } = measured;
  const check = { name: "drift", value: percent.value, limit: driftBar, unit: "%/ns" } as const;
  const change = (Math.abs(value ?? 0) * duration) / 1e3;
  if (ratio !== null && ratio >= ratioBar && change >= leastChange) {
    const changed = `The energy changed by ${figure(ratio)} standard deviations of the kinetic energy: whatever its drift, it was not conserved.`;
    return { ...check, verdict: "fail", longer: null, sentence: changed };
  }
  return { ...check, ...judgeInterval(percent, driftBar), sentence };
}

/** Fails only where the whole interval lies beyond the bar: a run that is too short is not a wrong one, nor a right one. */
function judgeInterval(estimate: Estimate, bar: number): Pick<Check, "verdict" | "longer"> {
  const verdict = decide(estimate, bar);
  return { verdict, longer: verdict === "undecided" ? stepsToDecide(estimate, bar) : null };
}

function order({ orderInDt: measured }: Judged): Check | null {
  if (measured === null) return null;
  const { value, sentence } = measured;
  const off = shifted(measured, -trueOrder);
  return { ...{ name: "order", value, limit: orderTolerance, unit: "", sentence }, ...judgeInterval(off, orderTolerance) };
}

function reversal({ reversal: measured }: Judged): Check | null {
  if (measured === null) return null;
  const limit = inFloat64(measured.side) ? reversalLimit : null;
  const { value, steps } = measured;
  const ended = `${steps.toLocaleString("en")} steps there and as many back end ${value === null ? "nowhere" : `${figure(value)} Å from the start`}`;
  const why = limit === null ? `; ${measured.side} rounds more than float64, and nearby trajectories part` : "";
  return {
    ...{ name: "reversal", verdict: passIf(value !== null && (limit === null || value <= limit)), value, limit, unit: "Å", longer: null },
    sentence: `${ended}${why}.`,
  };
}

function momentum({ momentum: measured, side, ensemble, equivariant }: Judged): Check | null {
  // Langevin noise pushes the whole.
  if (measured === null || ensemble === "langevin") return null;
  const limit = inFloat64(side) || side.startsWith("native:") ? momentumLimits.f64 : momentumLimits.other;
  const angularLimit = inFloat64(side) ? momentumLimits.f64 : momentumLimits.other;
  const { linear, angular } = measured;
  // Mixed precision rounds vectors component by component, which turns with the structure no better than its digits are (docs/accuracy.md).
  const turns = equivariant && !side.endsWith(":mixed");
  const fine = linear !== null && linear <= limit && (angular === null || !turns || angular <= angularLimit);
  const turned = angular === null ? "" : `, angular momentum by ${figure(angular)}`;
  const sentence =
    linear === null ? "Of atoms at rest no momentum can be judged." : `Momentum changed by ${figure(linear)} of what moves${turned}.`;
  return { name: "momentum", verdict: passIf(fine), value: linear, limit, unit: "", longer: null, sentence };
}

/** Sum and whole agree or do not. That they agree says something only where a sum of nothing would not have: beside a drift larger than what they may lie
 *  apart; or where that is no more than the drift that is allowed. */
function attribution({ attribution: measured, drift: ofRun }: Judged): Check | null {
  if (measured === null) return null;
  const [whole, sum] = [halfWidth(measured.whole), halfWidth(measured.sum)];
  const limit = whole === null || sum === null ? null : closureFactor * (whole + sum);
  const value = measured.rest.value === null ? null : Math.abs(measured.rest.value);
  const check = { name: "attribution", value, limit, unit: "meV/atom/ns", longer: null } as const;
  if (limit === null || value === null)
    return {
      ...check,
      verdict: "undecided",
      sentence: "The runs are too short to say whether the parts of the drift add up to the whole.",
    };
  if (!(value <= limit))
    return { ...check, verdict: "fail", sentence: "The parts of the drift do not add up to the whole: something else moves the energy." };
  const seen = isResolved(measured.whole) ? Math.abs(measured.whole.value ?? 0) : 0;
  const telling = Math.max(seen, (ofRun === null ? null : driftOfShare(driftBar, ofRun)) ?? 0);
  if (!(limit <= telling)) {
    const sentence = "The parts of the drift add up to the whole, but the runs are too short to see parts that would not.";
    return { ...check, verdict: "undecided", longer: narrowing(limit, telling), sentence };
  }
  return { ...check, verdict: "pass", sentence: `The parts of the drift add up to the whole${measured.closes ? "" : ", but for chance"}.` };
}

function canonical({ canonical: measured }: Judged): Check | null {
  if (measured === null || measured.pValue === null) return null;
  const { pValue, target, temperature } = measured;
  const fine = pValue >= canonicalLimit;
  const sentence = `The kinetic energy is ${fine ? "" : "not "}distributed as at ${figure(target, 3)} K: mean ${figure(temperature.value ?? Number.NaN, 4)} K, p = ${figure(pValue)}.`;
  return { name: "canonical", verdict: passIf(fine), value: pValue, limit: canonicalLimit, unit: "", longer: null, sentence };
}

function findingsOf({ attribution: table, momentum: momenta, model, equivariant, bends, ensemble, failures }: Judged): string[] {
  const turns = !equivariant && ensemble !== "langevin" && momenta !== null && (momenta.angular ?? 0) > momentumLimits.other;
  return [
    ...(table === null ? [] : [table.sentence]),
    ...(bends !== null && ensemble === "nve" ? [`The model ${bends}.`] : []),
    ...(turns ? [`Angular momentum changes: the energy of the model depends on orientation.`] : []),
    ...(model?.unitsOrigin === "assumed" ? [`The energy unit ${model.energyUnit} was assumed when the model was imported.`] : []),
    ...failures,
  ];
}
