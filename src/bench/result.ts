import { z } from "zod";
import { machineSchema } from "../system/machine.ts";

/** What `painnless bench` measured, as its JSON says it. All times are of one evaluation of the whole batch, energy and forces. */
const positive = z.number().positive();

const timing = { medianMs: positive, p10Ms: positive, p90Ms: positive, evaluations: z.int().positive() };
const accuracy = z.strictObject({ forces: z.number(), tolerance: positive, energyPerAtom: z.number() });
/** of the medians, and its 10th and 90th percentile over the rounds */
const ratio = z.strictObject({ value: positive, low: positive, high: positive });

const opponent = z.strictObject({
  /** "torch-eager", "torch-compile"; with "/default-malloc" where it ran with the system's malloc as it comes */
  name: z.string(),
  /** the fastest of those tried */
  threads: z.int().positive(),
  malloc: z.enum(["tuned", "default"]),
  ...timing,
  /** distance from PyTorch float64 on the very inputs */
  error: accuracy,
  /** graphs that torch.compile made for this system: 1, or the figure would be of recompilation; 0 for eager */
  compilations: z.int(),
});

export const trialSchema = z.strictObject({
  name: z.string(),
  precision: z.enum(["f32", "f64"]),
  structures: z.int().positive(),
  atoms: z.int().positive(),
  /** directed, mean over the input sets */
  edges: positive,
  sets: z.int().positive(),
  side: z.string(),
  threads: z.int().positive(),
  /** measured inside the engine, neighbour search included */
  ...timing,
  error: accuracy,
  /** the same through Potential.evaluate: checks, packing and the way to another thread and back */
  through: z.strictObject(timing),
  /** on one thread */
  single: z.strictObject(timing),
  /** what the other threads bring: time on one over time on all */
  scaling: ratio,
  /** nominal work of models.md over the time on one thread, as a share of the measured multiply-add rate; shortcuts may take it above 1 */
  peakFraction: positive,
  opponents: z.array(opponent),
  /** their median over ours, same run, same weights, same inputs */
  against: z.record(z.string(), positive),
  spread: z.record(z.string(), ratio),
  /** what could not be timed, and why */
  absent: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
});
export type Trial = z.infer<typeof trialSchema>;

export const benchResultSchema = z.strictObject({
  format: z.literal("painnless.bench/1"),
  suite: z.literal("cpu"),
  /** what computed */
  card: z.string(),
  /** of our repository, "-dirty" where files differ from it; null outside one */
  commit: z.string().nullable(),
  /** ISO 8601 */
  started: z.string(),
  seconds: z.number(),
  command: z.string(),
  seed: z.int(),
  machine: machineSchema,
  /** mean number of running processes in the last minute, before and after: a busy machine measures badly */
  load: z.strictObject({ before: z.number(), after: z.number() }),
  model: z.strictObject({
    ...{ name: z.string(), sha256: z.string(), architecture: z.string() },
    ...{ features: z.int(), layers: z.int(), radial: z.int(), cutoff: positive },
  }),
  instructionSet: z.string(),
  /** measured multiply-add rate of one core, Gflop/s */
  peak: z.strictObject({ f32: positive, f64: positive }),
  /** what the opponents were given */
  malloc: z.record(z.string(), z.string()),
  trials: z.array(trialSchema).min(1),
});
export type BenchResult = z.infer<typeof benchResultSchema>;
