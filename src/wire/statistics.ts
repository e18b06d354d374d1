import type { Address } from "./batch.ts";
import type { Statistics } from "./messages.ts";

const remembered = 4_096;

/** The latest few thousand durations, ms. */
export class Recent {
  readonly #values = new Float64Array(remembered);
  #count = 0;

  add(ms: number): void {
    this.#values[this.#count++ % remembered] = ms;
  }

  /** Nearest-rank percentiles; null before the first. */
  percentiles(): Statistics["latency"] {
    const sorted = this.#values.slice(0, Math.min(this.#count, remembered)).sort();
    const at = (fraction: number) => sorted[Math.ceil(fraction * sorted.length) - 1] ?? 0;
    return sorted.length === 0 ? null : { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
  }
}

type Counter = "answered" | "refused" | "cancelled" | "malformed" | "batches" | "structures" | "atoms";

/** What a server has done; python/painnless/worker/statistics.py is the same in Python. */
export class Tally {
  readonly #start = performance.now();
  readonly #counts: Record<Counter, number> = {
    ...{ answered: 0, refused: 0, cancelled: 0, malformed: 0 },
    ...{ batches: 0, structures: 0, atoms: 0 },
  };
  /** ms from the arrival of an evaluate request to its result, and of a call of the engine for such */
  readonly latency = new Recent();
  readonly compute = new Recent();

  add(counter: Counter, amount = 1): void {
    this.#counts[counter] += amount;
  }

  report({ epoch, id }: Address, clients: number, waiting: number): Statistics {
    return {
      kind: "statistics",
      ...{ epoch, id },
      uptime: (performance.now() - this.#start) / 1e3,
      clients,
      waiting,
      ...this.#counts,
      latency: this.latency.percentiles(),
      compute: this.compute.percentiles(),
      memory: process.memoryUsage.rss(),
    };
  }
}
