import { simulationOptions } from "../../src/dynamics/options.ts";
import { type MdResult, mdResultSchema } from "../../src/dynamics/result.ts";
import type { ShownFrames } from "../../src/report/dynamics/frames.ts";
import { Random } from "../../src/system/random.ts";

/** Made-up results of `painnless md`, of the shape the real ones have: the pages of tests are drawn from them. */
const numbers = [6, 6, 8, 1, 1, 1, 1, 1, 1];
const ethanol = [
  ...[1.1879, -0.3829, 0.0, 0.0, 0.5526, 0.0, -1.1867, -0.2472, 0.0, -1.9237, 0.385, 0.0, 2.0985, 0.2306, 0.0, 1.1184, -1.0093, 0.8869],
  ...[1.1184, -1.0093, -0.8869, -0.0227, 1.1812, 0.8852, -0.0227, 1.1812, -0.8852],
];

const estimate = (value: number, half: number) => ({ value, low: value - half, high: value + half });
const seed = 20261124;

/** @param bins of the traces  @param replicas copies */
export function passingRun(bins = 800, replicas = 8): MdResult {
  const random = new Random(1, "runs");
  const normal = () => Math.sqrt(-2 * Math.log(1 - random.uniform())) * Math.cos(2 * Math.PI * random.uniform());
  const duration = 100;
  const time = Array.from({ length: bins }, (_, i) => ((i + 0.5) * duration) / bins);
  const drift = { ...estimate(0.0021, 0.0043), confidence: 0.95, unit: "meV/atom/ns" as const };
  const options = simulationOptions({ steps: 200_000, timestep: 0.5, replicas, seed, equilibration: 4000, equilibrationEnsemble: "csvr" });
  const pieces = Array.from({ length: replicas * 4 }, (_, i) => ({
    ...{ replica: i >> 2, from: (i % 4) * 25, to: (i % 4) * 25 + 25, slope: 0.002 + 0.01 * normal() },
  }));
  return mdResultSchema.parse({
    ...{
      format: "painnless.md/1",
      verdict: "pass",
      undecided: [],
      findings: [],
      started: "2026-11-24T11:30:00.000Z",
      seconds: 131.2,
      seed,
    },
    command: `painnless md ethanol.safetensors name:CH3CH2OH --steps 200000 --dt 0.5 --temperature 300 --replicas ${replicas} --seed ${seed} --report r`,
    checks: [
      { name: "guards", verdict: "pass", value: 0, limit: 0, unit: "stops", longer: null, sentence: "No guard stopped the run." },
      {
        name: "drift",
        verdict: "pass",
        longer: null,
        value: 0.0063,
        limit: 0.1,
        unit: "%/ns",
        sentence: "Zero lies within the interval: in 100 ps of 8 replicas no drift can be told from none.",
      },
      {
        name: "order",
        verdict: "pass",
        longer: null,
        value: 2.003,
        limit: 0.1,
        unit: "",
        sentence: "The fluctuation falls as the square of the time step.",
      },
      {
        name: "reversal",
        verdict: "pass",
        longer: null,
        value: 3.1e-11,
        limit: 1e-8,
        unit: "Å",
        sentence: "1,000 steps there and back end 3.1e-11 Å from the start.",
      },
      {
        name: "momentum",
        verdict: "pass",
        longer: null,
        value: 2e-14,
        limit: 1e-10,
        unit: "",
        sentence: "Momentum and angular momentum stay what they were.",
      },
      {
        name: "attribution",
        verdict: "pass",
        longer: null,
        value: 0.0004,
        limit: 0.006,
        unit: "meV/atom/ns",
        sentence: "The parts add up to the whole.",
      },
    ],
    model: {
      ...{ name: "ethanol.safetensors", sha256: "9f2c5b1e".repeat(8), architecture: "painn-schnetpack", cutoff: 5 },
      ...{ energyUnit: "eV", unitsOrigin: "file" },
    },
    machine: { ...{ platform: "linux", arch: "x64", cpu: "AMD EPYC", cores: 2 }, versions: { painnless: "0.1.0", node: "20.20.2" } },
    ...{ side: "native:cpu:f64", note: "avx2, 2 threads" },
    structure: { name: "CH3CH2OH", numbers, cell: null, pbc: [false, false, false] },
    ...{ options, ensemble: "nve", atoms: 9, replicas, steps: 200_000, dt: 0.5, stepsPerSecond: 12_345, nsPerDay: 533.3 },
    temperature: { mean: 288.4, deviation: 7.3 },
    drift: {
      ...drift,
      method: "Slope of the modified energy over 32 pieces; the interval is from a block bootstrap of 10,000 draws over replicas and time.",
      resolved: false,
      sentence: "Zero lies within the interval: in 100 ps of 8 replicas no drift can be told from none.",
      of: { total: estimate(0.013, 0.061), modified: estimate(0.0021, 0.0043) },
      perPs: { ...estimate(2.1e-6, 4.3e-6), unit: "meV/atom/ps" },
      percentOfKineticPerNs: { ...estimate(0.0063, 0.0129), unit: "%/ns" },
      ...{ ratio: 4.2e-5, duration, pieces },
      history: Array.from({ length: 60 }, (_, i) => {
        const t = (duration * (i + 4)) / 63;
        return { time: t, ...estimate(0.0021 + (0.02 * Math.sin(0.7 * i)) / (1 + i / 4), 0.0043 * (duration / t) ** 1.5) };
      }),
    },
    energyRms: { value: 0.412, unit: "meV/atom" },
    orderInDt: {
      ...{ ...estimate(2.003, 0.021), confidence: 0.95, duration: 5, method: "Least squares of log rms against log dt." },
      sentence: "Order 2.00 (1.98 to 2.02): the forces are the slope of the energy.",
      points: [0.25, 0.5, 1].map((dt) => ({ dt, rms: 1.648 * dt * dt, low: 1.6 * dt * dt, high: 1.7 * dt * dt })),
    },
    reversal: {
      ...{ value: 3.1e-11, unit: "Å", side: "native:cpu:f64", steps: 1000, dt: 0.5, velocity: 2.2e-12 },
      points: [10, 30, 100, 300, 1000].map((steps) => ({ steps, distance: 1e-14 * steps ** 1.17 })),
    },
    momentum: { linear: 2.1e-14, angular: 8.8e-14, centreOfMass: 3.1e-12, frames: 2000 },
    attribution: {
      ...{
        confidence: 0.95,
        unit: "meV/atom/ns",
        whole: estimate(0.0021, 0.0043),
        sum: estimate(0.0017, 0.0051),
        rest: estimate(0.0004, 0.0062),
        closes: true,
      },
      parts: [
        {
          cause: "time step",
          ...estimate(0.0011, 0.0031),
          resolved: false,
          method: "dt 0.25, 0.5 and 1 fs, extrapolated to 0.",
          sentence: "Not told from zero.",
        },
        { cause: "float32", ...estimate(0.0, 0.0012), resolved: false, method: "f64 less f64.", sentence: "This run is in float64." },
        {
          cause: "neighbour list",
          ...estimate(0, 0),
          resolved: false,
          method: "Skin on less skin off.",
          sentence: "Bitwise the same trajectory with any skin.",
        },
        {
          cause: "model",
          ...estimate(0.0006, 0.0033),
          resolved: false,
          method: "f64 at dt 0.",
          sentence: "No jump at the cutoff is seen.",
        },
      ],
      runs: [0.25, 0.5, 1].map((dt) => ({
        ...{
          label: `dt ${dt} fs`,
          side: "native:cpu:f64",
          dt,
          skin: 0.5,
          steps: 20_000 / dt,
          replicas: 8,
          seed,
          drift: estimate(0.001, 0.004),
        },
      })),
      crossings: { count: 214, rmsAtCrossings: 0.0011, rmsElsewhere: 0.001, largest: 0.0043, jump: false },
      sentence: "No cause stands out: whatever drift there is, is smaller than these runs can tell.",
    },
    canonical: null,
    series: {
      time,
      replicas: Array.from({ length: replicas }, (_, r) => {
        const energy = time.map(() => 0.06 * normal());
        return {
          seed: seed + r,
          energy,
          energyLow: energy.map((e) => e - 0.9 - 0.1 * random.uniform()),
          energyHigh: energy.map((e) => e + 0.9 + 0.1 * random.uniform()),
          modified: energy.map((e) => e / 50),
          potential: time.map(() => 5 * normal()),
          temperature: time.map((t) => 288 + 4 * r - 14 + 22 * Math.sin(t / (3 + r)) + 20 * normal()),
        };
      }),
    },
    ...{ stop: null, rebuilds: 412, shadow: null, trajectory: "md.xyz", frames: 2000 },
  });
}

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

/** Ethanol, turning and trembling. @param count frames */
export function framesOf(result: MdResult, count = 400): ShownFrames {
  const random = new Random(7, "frames");
  const phases = ethanol.map(() => 2 * Math.PI * random.uniform());
  return {
    seed: result.options.seed,
    frames: Array.from({ length: count }, (_, k) => {
      const [c, s] = [Math.cos(0.03 * k), Math.sin(0.03 * k)];
      const moved = ethanol.map((x, i) => x + 0.06 * Math.sin(0.9 * k + (phases[i] as number)));
      const positions = Float64Array.from(moved, (x, i) =>
        i % 3 === 0 ? c * x - s * (moved[i + 2] as number) : i % 3 === 2 ? s * (moved[i - 2] as number) + c * x : x,
      );
      return { time: (k * result.steps * result.dt) / Math.max(count - 1, 1), positions };
    }),
  };
}
