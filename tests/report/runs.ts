import { type MdResult, mdResultSchema } from "../../src/dynamics/result.ts";
import { estimate, passingRun, seed } from "./passing-run.ts";

/** Made-up results of runs that do not pass, or are not of a molecule: each is what differs from `passingRun`. */

/** Too short a run: an interval a hundred times as wide as what is allowed, and parts that could add up to anything. */
export function shortRun(): MdResult {
  const run = passingRun(200, 4);
  const drift = estimate(0.5, 3.9);
  const percent = { ...estimate(1.36, 10.6), unit: "%/ns" as const };
  const said = "Too short to tell the drift from zero: after 5 ps of 4 replicas it lies within −3.4 to 4.4 meV/atom/ns.";
  const open: Readonly<Record<string, Partial<MdResult["checks"][number]>>> = {
    drift: { verdict: "undecided", value: 1.36, longer: 11_236, sentence: said },
    attribution: { verdict: "undecided", value: 2, limit: 23, longer: 3.9e5, sentence: "They would add up whatever they were." },
  };
  return mdResultSchema.parse({
    ...run,
    undecided: [
      "drift undecided: too short a run, up to 11000 times as many steps decide",
      "attribution undecided: too small a budget, up to 3.9e+5 times as much decides",
    ],
    checks: run.checks.map((check) => ({ ...check, ...open[check.name] })),
    drift: {
      ...{ ...run.drift, ...drift, sentence: said, percentOfKineticPerNs: percent, ratio: 0.02, duration: 5 },
      ...{ of: { total: estimate(2, 60), modified: drift }, perPs: { ...estimate(5e-4, 3.9e-3), unit: "meV/atom/ps" } },
      history: run.drift?.history.map(({ time }) => ({ time: time / 20, ...estimate(0.5 + 20 / time, 390 / time) })),
    },
    attribution: { ...run.attribution, whole: estimate(-1, 7), sum: estimate(1, 8), rest: estimate(-2, 11) },
    ...{ steps: 10_000, replicas: 4, options: { ...run.options, steps: 10_000 } },
    series: { ...run.series, time: run.series.time.map((t) => t / 20) },
  });
}

/** A model whose energy jumps at the cutoff: the drift is real, and the model's. */
export function driftingRun(): MdResult {
  const run = passingRun(400, 4);
  const drift = estimate(41.7, 3.9);
  return mdResultSchema.parse({
    ...{ ...run, verdict: "fail", side: "native:cpu:f32" },
    findings: ["The energy of this model jumps where a pair of atoms crosses the cutoff: that is where the drift comes from."],
    checks: run.checks.map((check) =>
      check.name === "drift"
        ? { ...check, verdict: "fail", value: 45.6, sentence: "The energy rises steadily; zero lies far outside the interval." }
        : check,
    ),
    drift: {
      ...{ ...run.drift, ...drift, resolved: true, sentence: "The energy rises steadily; zero lies far outside the interval." },
      ...{ of: { total: drift, modified: null }, perPs: { ...estimate(0.0417, 0.0039), unit: "meV/atom/ps" } },
      percentOfKineticPerNs: { ...estimate(125.1, 11.7), unit: "%/ns" },
      history: run.drift?.history.map(({ time }) => ({ time, ...estimate(41.7 + 200 / time, 300 / time) })),
    },
    attribution: {
      ...{
        ...run.attribution,
        whole: drift,
        sum: estimate(42.1, 4.4),
        rest: estimate(-0.4, 5.8),
        sentence: "The drift is the model's: its energy jumps at the cutoff.",
      },
      parts: run.attribution?.parts.map((part) =>
        part.cause === "model"
          ? { ...part, ...estimate(42.3, 4.1), resolved: true, sentence: "Pairs that cross the cutoff change the energy at once." }
          : part,
      ),
      crossings: { count: 214, rmsAtCrossings: 7.3, rmsElsewhere: 0.001, largest: 24.1, jump: true },
    },
    series: {
      ...run.series,
      replicas: run.series.replicas.map((replica) => {
        const rise = (values: readonly (number | null)[]) => values.map((e, i) => Number(e) + (4.17 * i) / 400);
        return { ...replica, energy: rise(replica.energy), energyLow: rise(replica.energyLow), energyHigh: rise(replica.energyHigh) };
      }),
    },
  });
}

/** Stopped by a guard at once: no drift, no trace to speak of; a name that tries to break out of the page. */
export function stoppedRun(name: string): MdResult {
  const run = passingRun(1, 1);
  return mdResultSchema.parse({
    ...{ ...run, verdict: "fail", steps: 3, command: name, note: name, trajectory: name, findings: [name] },
    ...{
      drift: null,
      energyRms: null,
      orderInDt: null,
      reversal: null,
      momentum: null,
      attribution: null,
      stepsPerSecond: null,
      nsPerDay: null,
    },
    structure: { ...run.structure, name },
    checks: [{ name: "guards", verdict: "fail", value: null, limit: 200, unit: "eV/Å", longer: null, sentence: name }],
    temperature: { mean: null, deviation: null },
    series: {
      time: [0],
      replicas: [{ seed, energy: [null], energyLow: [null], energyHigh: [null], modified: null, potential: [null], temperature: [null] }],
    },
    stop: { reason: "not-finite", step: 4, replica: 0, atom: 3, other: null, value: null, limit: null, position: null, message: name },
  });
}

/** Langevin dynamics in a small cell, with a second side evaluated along the way. */
export function crystalRun(): MdResult {
  const run = passingRun(300, 1);
  const cell = [5.2, 0, 0, 0, 5.2, 0, 1.1, 0, 5.4];
  return mdResultSchema.parse({
    ...{
      ...run,
      ensemble: "langevin",
      options: { ...run.options, ensemble: "langevin" },
      replicas: 1,
      reversal: null,
      orderInDt: null,
      attribution: null,
    },
    structure: { ...run.structure, name: "box.cif", cell, pbc: [true, true, true] },
    canonical: { temperature: estimate(299.4, 3.2), target: 300, freedoms: 27, distance: 0.021, independent: 812, pValue: 0.86 },
    checks: [
      ...run.checks.slice(0, 2),
      {
        name: "canonical",
        verdict: "pass",
        longer: null,
        value: 0.86,
        limit: 0.01,
        unit: "p",
        sentence: "The kinetic energy is distributed as it should be.",
      },
    ],
    shadow: {
      ...{ side: "torch:cpu:f64", frames: 20, forces: { maxAbs: 3e-6, rms: 4e-7, largest: 5.1, unit: "eV/Å" } },
      points: Array.from({ length: 20 }, (_, i) => ({ time: 5 * i, maxAbs: 2e-6 + 5e-8 * i, rms: 3e-7 + 5e-9 * i })),
    },
  });
}
