import { z } from "zod";
import type { PythonEnvironment } from "../python/environment.ts";
import type { Structure } from "../system/structure.ts";
import type { Statistics } from "../wire/messages.ts";
import { failure, LineProcess } from "./line-process.ts";
import { quantile } from "./statistics.ts";

/** What the way from an ASE script to the engine and back costs, and where: `painnless bench shim`. */

export interface ShimCase {
  readonly atoms: number;
  /** of the lattice, Å; beyond the cutoff the engine has little to do, and the way is what is seen */
  readonly spacing: number;
  /** of a turn, and turns: those before the first that counts, until V8 has compiled what is often run */
  readonly calls: number;
  readonly turns: number;
  readonly warmTurns: number;
  /** ms allowed over the engine's own time */
  readonly medianMs: number;
  readonly p99Ms: number;
}

export const shimCases: readonly ShimCase[] = [
  { atoms: 20, spacing: 1.6, calls: 100, turns: 30, warmTurns: 40, medianMs: 0.2, p99Ms: 0.5 },
  { atoms: 20_000, spacing: 7, calls: 5, turns: 8, warmTurns: 1, medianMs: 1.5, p99Ms: Number.POSITIVE_INFINITY },
];

/** Clients that ask for one ethanol each, again and again, against a client by itself. */
export const crowd = { clients: 16, molecule: "CH3CH2OH", seconds: 1, rounds: 5, times: 4 };

const seconds = z.array(z.number().positive()).min(1);

/** What python/painnless/worker/shim.py answers. */
const answerSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("ready"), numbers: z.array(z.int()), positions: z.array(z.number()) }),
  /** pingAfter: each after an evaluation; ping: each after another */
  z.strictObject({ kind: z.literal("timed"), ase: seconds, client: seconds, pingAfter: seconds, ping: seconds }),
  z.strictObject({ kind: z.literal("ran"), calls: z.int().positive(), seconds: z.number().positive() }),
  failure,
]);
type Answer = z.infer<typeof answerSchema>;

/** Seconds of each call, by way. */
export type ShimRun = Omit<Extract<Answer, { kind: "timed" }>, "kind">;

/** Python's end of the way, in a process of its own. */
export class ShimProcess {
  readonly #process: LineProcess<Answer>;
  /** one that it asks about */
  readonly structure: Structure;

  private constructor(process: LineProcess<Answer>, { numbers, positions }: Extract<Answer, { kind: "ready" }>) {
    this.#process = process;
    this.structure = {
      name: "atoms",
      numbers,
      positions: Float64Array.from(positions),
      cell: null,
      pbc: [false, false, false],
    };
  }

  /** @throws {PainnlessError} WORKER_DIED, WORKER_FAILED with its own words */
  static async start(
    python: PythonEnvironment,
    endpoint: string,
    atoms: Pick<ShimCase, "atoms" | "spacing"> | { readonly molecule: string },
  ): Promise<ShimProcess> {
    const which = "molecule" in atoms ? { molecule: atoms.molecule } : { atoms: atoms.atoms, spacing: atoms.spacing };
    const options = Object.entries({ endpoint, ...which }).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const process = new LineProcess(python, ["painnless.worker.shim", ...options], { name: "the timed Python", schema: answerSchema });
    try {
      return new ShimProcess(process, await process.answer("ready"));
    } catch (cause) {
      await process.close();
      throw cause;
    }
  }

  /** So many calls of each way, those through ASE first.
   *  @throws {PainnlessError} WORKER_DIED, WORKER_FAILED with its own words, BAD_MESSAGE */
  async turn(calls: number): Promise<ShimRun> {
    const { kind: _, ...run } = await this.#process.answer("timed", { kind: "turn", calls });
    return run;
  }

  /** Evaluations a second, one behind the other for so many seconds.
   *  @throws {PainnlessError} WORKER_DIED, WORKER_FAILED with its own words, BAD_MESSAGE */
  async rate(seconds: number): Promise<number> {
    const ran = await this.#process.answer("ran", { kind: "run", seconds });
    return ran.calls / ran.seconds;
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}

export interface CrowdResult {
  readonly clients: number;
  /** structures a second: of one client by itself, and of all together; medians */
  readonly one: number;
  readonly all: number;
  /** median of the rounds */
  readonly times: number;
  readonly pass: boolean;
}

/** @param rounds structures a second of one client, and, right behind, of each of all */
export function crowdResult(rounds: readonly { readonly one: number; readonly all: readonly number[] }[]): CrowdResult {
  const together = rounds.map(({ all }) => all.reduce((sum, rate) => sum + rate, 0));
  const times = quantile(
    rounds.map(({ one }, k) => (together[k] ?? Number.NaN) / one),
    0.5,
  );
  const one = quantile(
    rounds.map((round) => round.one),
    0.5,
  );
  return { clients: rounds[0]?.all.length ?? 0, one, all: quantile(together, 0.5), times, pass: times >= crowd.times };
}

export interface ShimRow {
  readonly what: string;
  /** µs, median */
  readonly micros: number;
}

export interface ShimResult {
  readonly atoms: number;
  /** of a whole call, ms */
  readonly callMs: { readonly median: number; readonly p99: number };
  /** over the median of the engine's own time, ms */
  readonly overheadMs: { readonly median: number; readonly p99: number };
  /** of a call over what the engine took for that very call, ms: of large structures the engine varies by more than the way takes */
  readonly besideMs: { readonly median: number; readonly p99: number };
  readonly pass: boolean;
  /** where the median goes, outermost first; they add up to the call */
  readonly rows: readonly ShimRow[];
}

/** Seconds of the same evaluation: one after the other without a pause, and as it was called. */
export interface EngineTimes {
  /** inside the engine */
  readonly engine: readonly number[];
  /** asked by JavaScript */
  readonly door: readonly number[];
  /** the same of each call through ASE, as it ran */
  readonly called: readonly number[];
}

/** Differences of medians: what each layer adds to the one within. */
export function shimResult(shape: ShimCase, run: ShimRun, statistics: Statistics, { engine, door, called }: EngineTimes): ShimResult {
  const median = (values: readonly number[]) => 1e3 * quantile(values, 0.5);
  const [call, client, awake, own] = [median(run.ase), median(run.client), median(door), median(engine)];
  const [after, ping] = [median(run.pingAfter), median(run.ping)];
  const latency = statistics.latency?.p50 ?? Number.NaN;
  const compute = statistics.compute?.p50 ?? Number.NaN;
  const callMs = { median: call, p99: 1e3 * quantile(run.ase, 0.99) };
  const overheadMs = { median: call - own, p99: callMs.p99 - own };
  const beside = run.ase.map((whole, k) => whole - (called[k] ?? Number.NaN));
  const besideMs = { median: median(beside), p99: 1e3 * quantile(beside, 0.99) };
  const rows = [
    { what: "ASE and the calculator", micros: call - client },
    { what: "ZeroMQ: a ping after a ping, there and back", micros: ping },
    { what: "the same after an evaluation: cores that slept, caches", micros: after - ping },
    { what: "Python and Node: writing, reading and checking what a ping has not", micros: client - latency - after },
    { what: "server: queue, batch, answer", micros: latency - compute },
    { what: "engine that slept since the last call: caches, threads", micros: compute - awake },
    { what: "door to C++: packing, arrays out", micros: awake - own },
    { what: "engine, without a pause", micros: own },
  ].map(({ what, micros }) => ({ what, micros: 1e3 * micros }));
  const pass = overheadMs.median <= shape.medianMs && overheadMs.p99 <= shape.p99Ms;
  return { atoms: shape.atoms, callMs, overheadMs, besideMs, pass, rows };
}
