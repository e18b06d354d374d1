import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import { childVariables, type PythonEnvironment } from "../python/environment.ts";
import { guard } from "../python/lifeline.ts";
import type { Structure } from "../system/structure.ts";
import type { Answer } from "./trial.ts";

export const mallocs = ["tuned", "default"] as const;
export type Malloc = (typeof mallocs)[number];

/** glibc hands large blocks back to the system at every free, and PyTorch then spends its time on page faults: "tuned" lets it keep them. */
const mallocVariables: Readonly<Record<Malloc, NodeJS.ProcessEnv>> = {
  default: {},
  tuned: { MALLOC_MMAP_MAX_: "0", MALLOC_TRIM_THRESHOLD_: "1099511627776", MALLOC_TOP_PAD_: "268435456", MALLOC_ARENA_MAX: "1" },
};

const answerSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("ready"), threads: z.int(), torch: z.string(), search: z.string().optional() }),
  z.strictObject({ kind: z.literal("loaded"), edges: z.array(z.int()).min(1) }),
  z.strictObject({ kind: z.literal("evaluated"), energies: z.array(z.number()), forces: z.array(z.number()) }),
  z.strictObject({ kind: z.literal("timed"), seconds: z.array(z.number().positive()).min(1), graphs: z.int() }),
  z.strictObject({ kind: z.literal("error"), message: z.string() }),
]);
type Reply = z.infer<typeof answerSchema>;

export type How = "eager" | "compiled";
export type Precision = "f32" | "f64";
/** On a card; "graph" and "compiled" are recorded once and replayed, "search" looks for the neighbours alone. */
export type CardHow = "eager" | "graph" | "compiled" | "search";
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
  readonly #child: ChildProcess;
  readonly #release: () => void;
  readonly #waiting: { resolve(reply: Reply): void; reject(error: PainnlessError): void }[] = [];
  #ended: PainnlessError | null = null;
  #torch = "";
  #search: string | null = null;
  #said = "";
  #offsets: number[] = [0];

  private constructor(child: ChildProcess, threads: number, malloc: Malloc) {
    this.#child = child;
    this.threads = threads;
    this.malloc = malloc;
    this.#release = guard(child, () => undefined);
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-2000);
    });
    if (child.stdout !== null) createInterface({ input: child.stdout }).on("line", (line) => this.#take(line));
    child.once("error", (cause) => this.#end(`did not start: ${cause.message}`));
    child.once("exit", (code, signal) => this.#end(`ended (${signal ?? `status ${code}`})`));
    // A write to a process that is gone is told by its exit.
    child.stdin?.on("error", () => undefined);
  }

  /** A process that has read the model.
   *  @throws {PainnlessError} WORKER_DIED, or WORKER_FAILED with what it said of the model */
  static async start(python: PythonEnvironment, model: string, options: BaselineOptions): Promise<BaselineProcess> {
    const { threads, malloc, device = "cpu", compilers = 1 } = options;
    const settings = ["--threads", String(threads), "--device", device, "--parent", String(process.pid)];
    const limits = { OMP_NUM_THREADS: String(threads), TORCHINDUCTOR_COMPILE_THREADS: String(compilers) };
    const child = spawn(python.executable, ["-m", "painnless.worker.baseline", model, ...settings], {
      env: { ...childVariables(), ...mallocVariables[malloc], ...limits },
      stdio: ["pipe", "pipe", "pipe"],
    });
    const baseline = new BaselineProcess(child, threads, malloc);
    try {
      const { torch, search = null } = expect(await baseline.#reply(), "ready");
      baseline.#torch = torch;
      baseline.#search = search;
      return baseline;
    } catch (error) {
      await baseline.close();
      throw error;
    }
  }

  get torch(): string {
    return this.#torch;
  }

  /** Who looks for neighbours on a card; null on a processor. */
  get search(): string | null {
    return this.#search;
  }

  /** The batches to evaluate from now on; @returns directed edges of each. */
  async load(sets: readonly (readonly Structure[])[]): Promise<number[]> {
    const first = sets[0] ?? [];
    this.#offsets = [0];
    for (const { numbers } of first) this.#offsets.push((this.#offsets.at(-1) as number) + numbers.length);
    const reply = await this.#ask({
      kind: "load",
      numbers: first.flatMap(({ numbers }) => numbers),
      molecules: first.flatMap(({ numbers }, i) => numbers.map(() => i)),
      positions: sets.map((batch) => batch.flatMap(({ positions }) => [...positions])),
    });
    return expect(reply, "loaded").edges;
  }

  async evaluate(how: CardHow, precision: CardPrecision, set: number): Promise<Answer> {
    const { energies, forces } = expect(await this.#ask({ kind: "evaluate", how, precision, set }), "evaluated");
    const sums = this.#offsets.slice(1).map((end, i) => energies.slice(this.#offsets[i], end).reduce((sum, e) => sum + e, 0));
    return { energies: sums, forces: Float64Array.from(forces) };
  }

  /** Seconds of each evaluation, and how many graphs torch.compile has made since the last load. On a card seconds are means over some of `count`
   *  evaluations one behind the other, or `cold`, of each after the caches were flushed; and graphs are those of this way and precision. */
  async time(how: CardHow, precision: CardPrecision, set: number, count: number, cold = false) {
    return expect(await this.#ask({ kind: "time", how, precision, set, count, ...(cold ? { cold } : {}) }), "timed");
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    this.#child.kill("SIGKILL");
    this.#release();
    this.#end("was closed");
  }

  #ask(request: object): Promise<Reply> {
    if (this.#ended === null) this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    return this.#reply();
  }

  #reply(): Promise<Reply> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #take(line: string): void {
    const parsed = answerSchema.safeParse(JSON.parse(line));
    if (parsed.success) this.#waiting.shift()?.resolve(parsed.data);
    else
      this.#waiting
        .shift()
        ?.reject(
          new PainnlessError("BAD_MESSAGE", `the PyTorch baseline answered ${line.slice(0, 200)}: ${z.prettifyError(parsed.error)}`),
        );
  }

  #end(how: string): void {
    const last = this.#said.trim().split("\n").slice(-3).join(" | ");
    this.#ended ??= new PainnlessError("WORKER_DIED", `the PyTorch baseline ${how}${last === "" ? "" : `; it said: ${last}`}`);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}

function expect<K extends Reply["kind"]>(reply: Reply, kind: K): Extract<Reply, { kind: K }> {
  if (reply.kind === "error") throw new PainnlessError("WORKER_FAILED", `the PyTorch baseline: ${reply.message}`);
  if (reply.kind !== kind) throw new PainnlessError("BAD_MESSAGE", `the PyTorch baseline answered "${reply.kind}", expected "${kind}"`);
  return reply as Extract<Reply, { kind: K }>;
}
