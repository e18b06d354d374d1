import { z } from "zod";
import { fullTuningSchema } from "../engine/tuning.ts";
import { machineSchema } from "../system/machine.ts";

export const benchFormat = "painnless.bench/1";

/** What `painnless bench` measured, as its JSON says it. All times are of one evaluation of the whole batch, energy and forces. */
const positive = z.number().positive();

export const timing = { medianMs: positive, p10Ms: positive, p90Ms: positive, evaluations: z.int().positive() };
const accuracy = z.strictObject({ forces: z.number(), tolerance: positive, energyPerAtom: z.number() });
/** of the medians, and its 10th and 90th percentile over the rounds */
export const ratio = z.strictObject({ value: positive, low: positive, high: positive });

/** where and how a result of one side came about */
export const origin = {
  side: z.string(),
  card: z.string(),
  commit: z.string().nullable(),
  command: z.string(),
  started: z.string(),
  machine: machineSchema,
  model: z.strictObject({ name: z.string(), sha256: z.string() }),
};

/** what every trial says of an opponent */
const opposing = {
  name: z.string(),
  ...timing,
  /** distance from PyTorch float64 on the very inputs */
  error: accuracy,
  /** graphs that torch.compile made for this system: 1, or the figure would be of recompilation; 0 where nothing is compiled */
  compilations: z.int(),
};

/** "torch-eager", "torch-compile"; with "/default-malloc" where it ran with the system's malloc as it comes */
const opponent = z.strictObject({
  ...opposing,
  /** the fastest of those tried */
  threads: z.int().positive(),
  malloc: z.enum(["tuned", "default"]),
});

/** what every trial says */
const tried = {
  name: z.string(),
  precision: z.enum(["f32", "f64"]),
  structures: z.int().positive(),
  atoms: z.int().positive(),
  /** directed, mean over the input sets */
  edges: positive,
  sets: z.int().positive(),
  side: z.string(),
  ...timing,
  /** their median over ours, same run, same weights, same inputs */
  against: z.record(z.string(), positive),
  spread: z.record(z.string(), ratio),
  /** what could not be timed, and why */
  absent: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
};

/** On the processor; times are measured inside the engine, neighbour search included. */
export const trialSchema = z.strictObject({
  ...tried,
  threads: z.int().positive(),
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
});
export type Trial = z.infer<typeof trialSchema>;

const modelShape = z.strictObject({
  ...{ name: z.string(), sha256: z.string(), architecture: z.string() },
  ...{ features: z.int(), layers: z.int(), radial: z.int(), cutoff: positive },
});

/** further times by what they are of: "cold" (caches flushed before each), "search", "with search", "launch to result", ... */
const figures = z.record(z.string(), z.strictObject(timing));

/** On a card. What the main time is of: `network`, energy and forces with neighbours given, one evaluation behind the other; `neighbours`, the search
 *  alone; `dynamics`, a step of a run in the engine. */
export const cardTrialSchema = z.strictObject({
  ...tried,
  measures: z.enum(["network", "neighbours", "dynamics"]),
  model: modelShape,
  /** what the launcher went by; results of before it was told have none */
  tuning: fullTuningSchema.optional(),
  /** the launcher's; "resident" finds its neighbours itself, so that its time has the search in it */
  schedule: z.string(),
  /** who said what is right on these inputs */
  judge: z.string(),
  /** null where no forces are compared: a search's list must be the same, pair for pair; what a run's positions may be off, the judge says */
  error: accuracy.nullable(),
  figures,
  /** what is done in a second: structures, atoms, steps */
  perSecond: z.record(z.string(), positive),
  /** the work of models.md at the float32 rate of the card's ordinary units, and how many times as long ours takes; `scaled`: over those times of the
   *  same run's row of the main model, where this one is of another model or arrangement (cliffs.ts). Null for a search */
  floor: z.strictObject({ ms: positive, times: positive, scaled: positive.optional() }).nullable(),
  arenaMB: positive,
  weightsMB: positive,
  /** since the engine began: kernel texts compiled, graphs recorded, memory laid out; and graphs recorded while it was timed, which should be none */
  made: z.strictObject({ compilations: z.int(), captures: z.int(), allocations: z.int(), whileTimed: z.int() }),
  opponents: z.array(z.strictObject({ ...opposing, error: accuracy.nullable(), figures })),
  /** the same ratios of other figures: "cold", "with search" */
  further: z.record(z.string(), z.record(z.string(), positive)),
});
export type CardTrial = z.infer<typeof cardTrialSchema>;

/** what every result says */
const result = {
  format: z.literal(benchFormat),
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
  model: modelShape,
};

const cpuResultSchema = z.strictObject({
  ...result,
  suite: z.literal("cpu"),
  instructionSet: z.string(),
  /** measured multiply-add rate of one core, Gflop/s */
  peak: z.strictObject({ f32: positive, f64: positive }),
  /** what the opponents were given */
  malloc: z.record(z.string(), z.string()),
  trials: z.array(trialSchema).min(1),
});
export type CpuResult = z.infer<typeof cpuResultSchema>;

const cardState = z.record(z.string(), z.string());
const cardResultSchema = z.strictObject({
  ...result,
  suite: z.enum(["gpu", "neighbours", "md"]),
  /** the attributes that the driver tells, and what follows from them: bytes/s, float32 operations/s */
  attributes: z.strictObject({
    ...{ architecture: z.int(), multiprocessors: z.int(), memoryBytes: positive, cacheBytes: z.number(), cuda: z.string() },
    ...{ clockMHz: z.number(), bandwidth: z.number(), peak: z.number() },
  }),
  /** as nvidia-smi says, where it is there: driver, clocks and temperature before and after */
  found: z.strictObject({ before: cardState, after: cardState }),
  trials: z.array(cardTrialSchema).min(1),
  /** rows that the card has no memory for, in the engine's words */
  leftOut: z.array(z.strictObject({ name: z.string(), reason: z.string() })),
});
export type CardResult = z.infer<typeof cardResultSchema>;

export const benchResultSchema = z.discriminatedUnion("suite", [cpuResultSchema, cardResultSchema]);
export type BenchResult = z.infer<typeof benchResultSchema>;
