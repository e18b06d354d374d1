import type { CardTrial } from "../../src/bench/result.ts";
import type { cardSummary } from "../../src/cli/bench-card-summary.ts";

/** Of a card, with these trials, and one row that there was no memory for. */
export function resultOf(trials: CardTrial[]): Parameters<typeof cardSummary>[0] {
  return {
    ...{
      format: "painnless.bench/1",
      suite: "md",
      card: "a card",
      commit: null,
      started: "2026-11-29T00:00:00Z",
      seconds: 1,
      command: "",
      seed: 0,
    },
    machine: { platform: "linux", arch: "x64", cpu: "a CPU", cores: 2, versions: {} },
    load: { before: 0, after: 0 },
    model: { name: "main", sha256: "ab", architecture: "painn-schnetpack", features: 128, layers: 3, radial: 20, cutoff: 5 },
    attributes: {
      ...{ architecture: 90, multiprocessors: 132, memoryBytes: 8e10, cacheBytes: 5e7, cuda: "13.0" },
      ...{ clockMHz: 1980, bandwidth: 4e12, peak: 6.7e13 },
    },
    found: { before: {}, after: {} },
    trials,
    leftOut: [{ name: "1000000 f32", reason: "the GPU has too little memory" }],
  };
}
