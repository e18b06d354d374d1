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

export const estimate = (value: number, half: number) => ({ value, low: value - half, high: value + half });
/** of replica 0 */
export const seed = 20261124;

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
