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
  readonly pass: boolean;
  /** where the median goes, outermost first; they add up to the call */
  readonly rows: readonly ShimRow[];
  /** there and back with nothing in it, µs */
  readonly pingMicros: number;
}

/** Differences of medians: what each layer adds to the one within.
 *  @param engine seconds of the same evaluation, timed inside the engine */
export function shimResult(shape: ShimCase, run: ShimRun, statistics: Statistics, engine: readonly number[]): ShimResult {
  const median = (values: readonly number[]) => 1e3 * quantile(values, 0.5);
  const [call, client, own] = [median(run.ase), median(run.client), median(engine)];
  const latency = statistics.latency?.p50 ?? Number.NaN;
  const compute = statistics.compute?.p50 ?? Number.NaN;
  const callMs = { median: call, p99: 1e3 * quantile(run.ase, 0.99) };
  const overheadMs = { median: call - own, p99: callMs.p99 - own };
  const rows = [
    { what: "ASE and the calculator", micros: call - client },
    { what: "Python client, ZeroMQ both ways, Node reading and checking", micros: client - latency },
    { what: "server: queue, batch, answer", micros: latency - compute },
    { what: "door to C++: packing, thread and back", micros: compute - own },
    { what: "engine", micros: own },
  ].map(({ what, micros }) => ({ what, micros: 1e3 * micros }));
  const pass = overheadMs.median <= shape.medianMs && overheadMs.p99 <= shape.p99Ms;
  return { atoms: shape.atoms, callMs, overheadMs, pass, rows, pingMicros: 1e3 * median(run.ping) };
}
