import { z } from "zod";
import type { Statistics } from "../wire/messages.ts";
import { quantile } from "./statistics.ts";

/** What the way from an ASE script to the engine and back costs, and where: `painnless bench shim`. */

export interface ShimCase {
  readonly atoms: number;
  /** of the lattice, Å; beyond the cutoff the engine has little to do, and the way is what is seen */
  readonly spacing: number;
  readonly calls: number;
  /** ms allowed over the engine's own time */
  readonly medianMs: number;
  readonly p99Ms: number;
}

export const shimCases: readonly ShimCase[] = [
  { atoms: 20, spacing: 1.6, calls: 2_000, medianMs: 0.2, p99Ms: 0.5 },
  { atoms: 20_000, spacing: 7, calls: 20, medianMs: 1.5, p99Ms: Number.POSITIVE_INFINITY },
];

const seconds = z.array(z.number().positive()).min(1);

/** What python/painnless/worker/shim.py prints. */
export const shimRunSchema = z.strictObject({
  ase: seconds,
  client: seconds,
  /** each after an evaluation, and each after another */
  pingAfter: seconds,
  ping: seconds,
  numbers: z.array(z.int()),
  positions: z.array(z.number()),
});
export type ShimRun = z.infer<typeof shimRunSchema>;

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
