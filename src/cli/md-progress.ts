import { driftSoFar } from "../dynamics/drift.ts";
import type { EnergyTrace } from "../dynamics/energy-trace.ts";
import type { Estimate } from "../dynamics/result.ts";
import type { DynamicsSession, Stretch } from "../dynamics/session.ts";
import { boltzmannInEv } from "../system/units.ts";
import { progressBar } from "./terminal.ts";

/** News of a run under way. */
export interface MdNews {
  readonly step: number;
  readonly steps: number;
  readonly stepsPerSecond: number | null;
  readonly nsPerDay: number | null;
  /** mean of the replicas at the last record, K; null before the first */
  readonly temperature: number | null;
  /** so far, meV/atom/ns */
  readonly drift: Estimate;
  readonly secondsLeft: number | null;
}

const reportMs = 1000;

/** Reports once a second at most, and always at the last step: a bar on a terminal, or lines of JSON on standard output.
 *  @param clock ms */
export function progressOf(session: DynamicsSession, trace: EnergyTrace, json: boolean, clock: () => number) {
  const { options, freedoms } = session;
  const bar = json ? null : progressBar();
  const from = { step: session.step, at: clock() };
  let reported = Number.NEGATIVE_INFINITY;
  let temperature: number | null = null;
  const news = (step: number): MdNews => {
    const seconds = (clock() - from.at) / 1e3;
    const rate = seconds > 0 ? (step - from.step) / seconds : 0;
    return {
      ...{ step, steps: options.steps, temperature, drift: driftSoFar(trace) },
      stepsPerSecond: rate > 0 ? rate : null,
      nsPerDay: rate > 0 ? rate * options.timestep * 86_400e-6 : null,
      secondsLeft: rate > 0 ? (options.steps - step) / rate : null,
    };
  };
  return {
    update({ step, records }: Stretch): void {
      const { kinetic } = records;
      const replicas = options.replicas;
      if (kinetic.length > 0) {
        const last = kinetic.subarray(kinetic.length - replicas).reduce((sum, x) => sum + x, 0);
        temperature = freedoms > 0 ? (2 * last) / (replicas * freedoms * boltzmannInEv) : null;
      }
      if (clock() - reported < reportMs && step < options.steps) return;
      reported = clock();
      const now = news(step);
      if (json) process.stdout.write(`${JSON.stringify(now)}\n`);
      bar?.update({ stage: sentenceOf(now), done: step + options.equilibration, total: options.steps + options.equilibration });
    },
    stop: () => bar?.stop(),
  };
}

function sentenceOf({ step, stepsPerSecond, nsPerDay, temperature, drift, secondsLeft }: MdNews): string {
  const short = (x: number) => Number(x.toPrecision(3)).toLocaleString("en");
  return [
    ...(step < 0 ? ["equilibration"] : []),
    ...(stepsPerSecond === null || nsPerDay === null ? [] : [`${short(stepsPerSecond)} steps/s`, `${short(nsPerDay)} ns/day`]),
    ...(temperature === null ? [] : [`${temperature.toFixed(0)} K`]),
    ...driftWords(drift),
    ...(secondsLeft === null ? [] : [`${duration(secondsLeft)} left`]),
  ].join(", ");
}

function driftWords({ value, low, high }: Estimate): string[] {
  if (value === null || low === null || high === null) return [];
  return [`drift ${Number(value.toPrecision(2))} ± ${Number(((high - low) / 2).toPrecision(2))} meV/atom/ns`];
}

/** 75 s as 1:15. */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (x: number) => String(x).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
