import { z } from "zod";
import type { PythonEnvironment } from "../python/environment.ts";
import type { Structure } from "../system/structure.ts";
import { failure, LineProcess } from "./line-process.ts";
import type { Answer } from "./trial.ts";

export const mallocs = ["tuned", "default"] as const;
export type Malloc = (typeof mallocs)[number];

/** glibc hands large blocks back to the system at every free, and PyTorch then spends its time on page faults: "tuned" lets it keep them. */
const mallocVariables: Readonly<Record<Malloc, NodeJS.ProcessEnv>> = {
  default: {},
  tuned: { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: "1099511627776", MALLOC_TOP_PAD_: "268435456", MALLOC_ARENA_MAX: "1" },
};

const answerSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("ready"), threads: z.int(), torch: z.string() }),
  z.strictObject({ kind: z.literal("loaded"), edges: z.array(z.int()).min(1) }),
  z.strictObject({ kind: z.literal("evaluated"), energies: z.array(z.number()), forces: z.array(z.number()) }),
  z.strictObject({ kind: z.literal("searched"), edges: z.int() }),
  z.strictObject({ kind: z.literal("timed"), seconds: z.array(z.number().positive()).min(1), graphs: z.int() }),
  failure,
]);
type Reply = z.infer<typeof answerSchema>;

export type How = "eager" | "compiled";
export type Precision = "f32" | "f64";
/** On a card; "graph" and "compiled" are recorded once and replayed, "schnetpack" is that package's own model. */
export type CardHow = "eager" | "graph" | "compiled" | "schnetpack";
/** Neighbours alone: all distances in plain PyTorch; nvalchemi-toolkit-ops, as it comes and recorded. */
export const searchHows = ["torch-search", "nvalchemi-eager", "nvalchemi-graph"] as const;
export type SearchHow = (typeof searchHows)[number];
export type CardPrecision = "f32" | "tf32" | "f64";

export interface BaselineOptions {
  readonly threads: number;
  readonly malloc: Malloc;
  /** the processor, by default */
  readonly device?: "cpu" | "cuda";
  /** processes that torch.compile may start; none by default: they would take the cores from whoever is timed */
  readonly compilers?: number;
}

/** PyTorch in a process of its own, with its own number of threads and its own malloc (python/painnless/worker/baseline.py). */
export class BaselineProcess {
  readonly threads: number;
  readonly malloc: Malloc;
  readonly #process: LineProcess<Reply>;
  #torch = "";
  #offsets: number[] = [0];

  private constructor(process: LineProcess<Reply>, threads: number, malloc: Malloc) {
    this.#process = process;
    this.threads = threads;
    this.malloc = malloc;
  }

  /** A process that has read the model.
   *  @throws {PainnlessError} WORKER_DIED, or WORKER_FAILED with what it said of the model */
  static async start(python: PythonEnvironment, model: string, options: BaselineOptions): Promise<BaselineProcess> {
    const { threads, malloc, device = "cpu", compilers = 1 } = options;
    const limits = { OMP_NUM_THREADS: String(threads), TORCHINDUCTOR_COMPILE_THREADS: String(compilers) };
    const process = new LineProcess(python, ["painnless.worker.baseline", model, "--threads", String(threads), "--device", device], {
      name: "the PyTorch baseline",
      schema: answerSchema,
      env: { ...mallocVariables[malloc], ...limits },
    });
    const baseline = new BaselineProcess(process, threads, malloc);
    try {
      baseline.#torch = (await process.answer("ready")).torch;
      return baseline;
    } catch (error) {
      await baseline.close();
      throw error;
    }
  }

  get torch(): string {
    return this.#torch;
  }

  /** The batches to evaluate from now on; a periodic structure, whose cell is a box, is for searches alone. @returns directed edges of each. */
  async load(sets: readonly (readonly Structure[])[]): Promise<number[]> {
    const first = sets[0] ?? [];
    const cell = first[0]?.cell ?? null;
    this.#offsets = [0];
    for (const { numbers } of first) this.#offsets.push((this.#offsets.at(-1) as number) + numbers.length);
    const loaded = await this.#process.answer("loaded", {
      kind: "load",
      numbers: first.flatMap(({ numbers }) => numbers),
      molecules: first.flatMap(({ numbers }, i) => numbers.map(() => i)),
      positions: sets.map((batch) => batch.flatMap(({ positions }) => [...positions])),
      ...(cell === null ? {} : { box: [cell[0], cell[4], cell[8]] }),
    });
    return loaded.edges;
  }

  async evaluate(how: CardHow, precision: CardPrecision, set: number): Promise<Answer> {
    const { energies, forces } = await this.#process.answer("evaluated", { kind: "evaluate", how, precision, set });
    const sums = this.#offsets.slice(1).map((end, i) => energies.slice(this.#offsets[i], end).reduce((sum, e) => sum + e, 0));
    return { energies: sums, forces: Float64Array.from(forces) };
  }

  /** Edges that a search finds, both directions counted. */
  async search(how: SearchHow, set: number): Promise<number> {
    return (await this.#process.answer("searched", { kind: "search", how, set })).edges;
  }

  /** Seconds of each evaluation, and how many graphs torch.compile has made since the last load. On a card seconds are means over some of `count`
   *  evaluations one behind the other, or `cold`, of each after the caches were flushed; and graphs are those of this way and precision. */
  time(how: CardHow | SearchHow, precision: CardPrecision, set: number, count: number, cold = false) {
    return this.#process.answer("timed", { kind: "time", how, precision, set, count, ...(cold ? { cold } : {}) });
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}
