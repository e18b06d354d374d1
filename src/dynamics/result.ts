import { z } from "zod";
import { modelSummarySchema } from "../model/summary.ts";
import { machineSchema } from "../system/machine.ts";
import { verdictSchema } from "../system/verdict.ts";
import { simulationOptionsSchema } from "./options.ts";
import { stopSchema } from "./session.ts";

/** What `painnless md` found, as its JSON says it. A number that is not finite cannot be written in JSON: it appears as null. */
const measured = z.number().nullable();

/** A figure, and the interval that covers the truth with the confidence stated beside it (docs/accuracy.md, Dynamics). */
const estimateSchema = z.strictObject({ value: measured, low: measured, high: measured });
export type Estimate = z.infer<typeof estimateSchema>;

/** Slope of the energy per atom against time. All estimates in one object are of the same records. */
export const driftSchema = z.strictObject({
  ...estimateSchema.shape,
  unit: z.literal("meV/atom/ns"),
  confidence: z.number(),
  /** which energy, how many pieces, how the interval was made: one sentence */
  method: z.string(),
  /** is zero outside the interval */
  resolved: z.boolean(),
  /** what this means, in plain words; says so where the run is too short to tell the drift from zero */
  sentence: z.string(),
  /** slopes of the total energy itself and, where it was recorded, of the modified energy, from which the headline is then taken */
  of: z.strictObject({ total: estimateSchema, modified: estimateSchema.nullable() }),
  /** the headline in other units */
  perPs: z.strictObject({ ...estimateSchema.shape, unit: z.literal("meV/atom/ps") }),
  percentOfKineticPerNs: z.strictObject({ ...estimateSchema.shape, unit: z.literal("%/ns") }),
  /** |slope| t / σ(KE), t the length of the run and σ(KE) the standard deviation of the kinetic energy: no unit, below 1 is the usual bar */
  ratio: measured,
  /** ps, of each replica */
  duration: z.number(),
  /** the slopes whose scatter gives the interval; from and to in ps */
  pieces: z.array(z.strictObject({ replica: z.int(), from: z.number(), to: z.number(), slope: measured })),
  /** the headline as it stood when only the first `time` ps of the run were there; for a chart */
  history: z.array(z.strictObject({ time: z.number(), ...estimateSchema.shape })),
});
export type Drift = z.infer<typeof driftSchema>;

/** rms fluctuation of the total energy about its own line, against the timestep. */
export const orderSchema = z.strictObject({
  ...estimateSchema.shape,
  confidence: z.number(),
  method: z.string(),
  sentence: z.string(),
  /** ps, of each run */
  duration: z.number(),
  /** dt in fs, rms in meV/atom */
  points: z.array(z.strictObject({ dt: z.number(), rms: measured, low: measured, high: measured })).min(3),
});
export type Order = z.infer<typeof orderSchema>;

/** Run, negate the velocities, return. */
export const reversalSchema = z.strictObject({
  /** largest distance of an atom from where it started */
  value: measured,
  unit: z.literal("Å"),
  side: z.string(),
  /** there, and as many back */
  steps: z.int(),
  dt: z.number(),
  /** largest difference of a velocity, Å/fs */
  velocity: measured,
  /** the same after shorter ways there and back; for a chart */
  points: z.array(z.strictObject({ steps: z.int(), distance: measured })),
});
export type Reversal = z.infer<typeof reversalSchema>;

/** Conserved momenta of the run. */
export const momentumSchema = z.strictObject({
  /** largest change of the total momentum of a replica since step 0, over the sum of its atoms' |m v|: no unit */
  linear: measured,
  /** the same of the angular momentum about the centre of mass, over the sum of |r||m v|; null with a periodic axis */
  angular: measured.nullable(),
  /** way of the centre of mass, Å */
  centreOfMass: measured,
  /** frames looked at */
  frames: z.int(),
});
export type Momentum = z.infer<typeof momentumSchema>;

export const causes = ["time step", "float32", "neighbour list", "model"] as const;
export type Cause = (typeof causes)[number];

/** Where the drift comes from, each cause by runs of its own. All slopes in meV/atom/ns. */
export const attributionSchema = z.strictObject({
  confidence: z.number(),
  unit: z.literal("meV/atom/ns"),
  /** of the configuration that is explained, from a run that none of the parts uses */
  whole: estimateSchema,
  parts: z.array(
    z.strictObject({
      cause: z.enum(causes),
      ...estimateSchema.shape,
      /** is zero outside its interval */
      resolved: z.boolean(),
      /** which runs, and what was taken from what */
      method: z.string(),
      sentence: z.string(),
    }),
  ),
  sum: estimateSchema,
  /** does whole - sum lie within its interval about zero */
  closes: z.boolean(),
  rest: estimateSchema,
  runs: z.array(
    z.strictObject({
      label: z.string(),
      side: z.string(),
      dt: z.number(),
      skin: z.number(),
      steps: z.int(),
      replicas: z.int(),
      seed: z.int(),
      drift: estimateSchema,
    }),
  ),
  /** pairs that crossed the cutoff in the run with the smallest timestep; null where the cutoff is not known or the structure is too large to look.
   *  meV: change of the energy that the work of the forces does not account for, between two points on either side of the crossing, and in
   *  steps without one */
  crossings: z
    .strictObject({
      /** steps with a crossing */
      count: z.int(),
      /** null without such steps */
      rmsAtCrossings: measured,
      largest: measured,
      rmsElsewhere: measured,
      /** does the energy jump at the cutoff */
      jump: z.boolean(),
    })
    .nullable(),
  sentence: z.string(),
});
export type Attribution = z.infer<typeof attributionSchema>;

/** Kinetic energy against its canonical distribution (thermostats only). */
export const canonicalSchema = z.strictObject({
  /** K, and that of the thermostat */
  temperature: estimateSchema,
  target: z.number(),
  freedoms: z.int(),
  /** Kolmogorov-Smirnov distance from the chi-square distribution of the freedoms, for so many independent samples */
  distance: measured,
  independent: z.number(),
  pValue: measured,
});

/** Traces for charts. Each point is a bin of consecutive records: its mean, and for the energy its lowest and highest. */
const seriesSchema = z.strictObject({
  /** ps, the middle of each bin */
  time: z.array(z.number()),
  replicas: z.array(
    z.strictObject({
      seed: z.int(),
      /** meV/atom above the first record of the replica: total energy less what the thermostat put in */
      energy: z.array(measured),
      energyLow: z.array(measured),
      energyHigh: z.array(measured),
      /** the same of the modified energy; null where it was not recorded */
      modified: z.array(measured).nullable(),
      /** meV/atom above the mean of the replica */
      potential: z.array(measured),
      /** K */
      temperature: z.array(measured),
    }),
  ),
});
export type Series = z.infer<typeof seriesSchema>;

/** One condition of the verdict. Drift, order and attribution are judged by intervals, which may be too wide to decide. */
export const checkSchema = z.strictObject({
  name: z.enum(["guards", "drift", "order", "reversal", "momentum", "attribution", "canonical"]),
  verdict: z.enum([...verdictSchema.options, "undecided"]),
  value: measured,
  limit: z.number().nullable(),
  unit: z.string(),
  /** of what is undecided: how many times as many steps decide, at most; null where none do, or no interval says */
  longer: z.number().nullable(),
  sentence: z.string(),
});
export type Check = z.infer<typeof checkSchema>;

export const mdResultSchema = z.strictObject({
  format: z.literal("painnless.md/1"),
  /** fail if a check fails; what is undecided does not fail */
  verdict: verdictSchema,
  checks: z.array(checkSchema).min(1),
  /** what was not decided, each in words, with the length of a run that decides it */
  undecided: z.array(z.string()),
  /** sentences for the user: what causes the drift, what was too short to tell, units that were assumed */
  findings: z.array(z.string()),
  /** ISO 8601 */
  started: z.string(),
  seconds: z.number(),
  seed: z.int(),
  /** the command that does it again */
  command: z.string(),
  /** null where the potential is no model file of ours */
  model: modelSummarySchema.nullable(),
  machine: machineSchema,
  side: z.string(),
  note: z.string().nullable(),
  structure: z.strictObject({
    name: z.string(),
    numbers: z.array(z.int()),
    cell: z.array(z.number()).length(9).nullable(),
    pbc: z.tuple([z.boolean(), z.boolean(), z.boolean()]),
  }),
  /** all options of the run, defaults filled in */
  options: simulationOptionsSchema,
  ensemble: simulationOptionsSchema.shape.ensemble.unwrap(),
  atoms: z.int(),
  replicas: z.int(),
  /** steps that were made, equilibration not counted; fewer than options.steps after a stop or an interruption */
  steps: z.int(),
  /** fs */
  dt: z.number(),
  stepsPerSecond: measured,
  nsPerDay: measured,
  /** mean over the run and its spread over replicas, K */
  temperature: z.strictObject({ mean: measured, deviation: measured }),
  /** null for thermostats other than where heat is accounted for, and for runs of fewer than two records */
  drift: driftSchema.nullable(),
  /** of the total energy less its line; null as above */
  energyRms: z.strictObject({ value: measured, unit: z.literal("meV/atom") }).nullable(),
  orderInDt: orderSchema.nullable(),
  reversal: reversalSchema.nullable(),
  momentum: momentumSchema.nullable(),
  attribution: attributionSchema.nullable(),
  canonical: canonicalSchema.nullable(),
  series: seriesSchema,
  /** why a guard stopped the run, at the last good step; null for a run that came to its end */
  stop: stopSchema.nullable(),
  /** times that neighbours were looked for; null where the side does not say */
  rebuilds: z.int().nullable(),
  /** a second side on frames of the running trajectory (`--shadow`) */
  shadow: z
    .strictObject({
      side: z.string(),
      frames: z.int(),
      forces: z.strictObject({ maxAbs: measured, rms: measured, largest: measured, unit: z.literal("eV/Å") }),
      points: z.array(z.strictObject({ time: z.number(), maxAbs: measured, rms: measured })),
    })
    .nullable(),
  /** the file with the frames, and how many it holds; null without one */
  trajectory: z.string().nullable(),
  frames: z.int().nullable(),
});
export type MdResult = z.infer<typeof mdResultSchema>;
