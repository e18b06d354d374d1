import { z } from "zod";
import type { CudaCard, CudaProfile } from "../../engine/native.ts";
import { fullTuningSchema } from "../../engine/tuning.ts";
import { peakOf } from "../floors.ts";
import { origin } from "../result.ts";
import { quantile } from "../statistics.ts";
import { overlapOf, portionsSchema } from "./portions.ts";
import { type Evaluated, workOfLaunch } from "./work.ts";

const micros = z.number();

const kernelSchema = z.strictObject({
  kernel: z.string(),
  part: z.enum(["search", "network"]),
  launches: z.int().positive(),
  /** of the largest launch */
  grid: z.strictObject({ blocks: z.int(), cluster: z.int(), threads: z.int(), sharedBytes: z.int() }),
  /** of all its launches in one evaluation: median, 10th and 90th percentile over the rounds */
  micros,
  p10: micros,
  p90: micros,
  /** of the step */
  share: z.number(),
  /** the least it could take: bytes at the card's bandwidth or operations at its float32 rate, whichever is longer; null where nobody has counted */
  floor: z.strictObject({ micros, bound: z.enum(["bytes", "operations"]), operations: z.number(), bytes: z.number() }).nullable(),
});
export type ProfiledKernel = z.infer<typeof kernelSchema>;

/** Where the time of an evaluation goes, as `painnless profile --json` says it. */
export const profileSchema = z.strictObject({
  format: z.literal("painnless.profile/1"),
  ...origin,
  found: z.record(z.string(), z.string()),
  schedule: z.string(),
  tuning: fullTuningSchema,
  ...{ structures: z.int(), atoms: z.int(), edges: z.int(), rounds: z.int() },
  /** what the floors are of: the card's attributes, bytes/s and operations/s */
  peak: z.strictObject({ source: z.string(), bandwidth: z.number(), operations: z.number() }),
  /** of the recorded launches, one step behind the other */
  step: z.strictObject({ micros, search: micros, network: micros }),
  /** the kernels' times, and what the step takes beyond them */
  sum: micros,
  gaps: micros,
  /** between two events with nothing between them; taken off every time of a launch */
  event: micros,
  /** ranked by time */
  kernels: z.array(kernelSchema).min(1),
  /** null where the structures go in one, as they do above */
  portions: portionsSchema.nullable(),
});
export type ProfileResult = z.infer<typeof profileSchema>;

/** The figures of a profile: launches of one kernel together, the longest first. */
export function ranked(profile: CudaProfile, evaluated: Evaluated, card: CudaCard) {
  const median = (seconds: Iterable<number>) => 1e6 * quantile([...seconds], 0.5);
  const event = median(profile.nothing);
  const search = profile.search.length === 0 ? 0 : median(profile.search);
  const network = median(profile.network);
  const step = search + network;
  const peak = { source: "the card's attributes", bandwidth: card.bandwidth, operations: peakOf(card) };

  const byKernel = new Map<string, CudaProfile["launches"][number][]>();
  for (const launch of profile.launches) {
    const name = `${launch.search ? "search" : "network"} ${launch.kernel}`;
    byKernel.set(name, [...(byKernel.get(name) ?? []), launch]);
  }
  const kernels = [...byKernel.values()].map((launches): ProfiledKernel => {
    const [{ kernel, search: isSearch }] = launches as [(typeof launches)[number]];
    const rounds = Array.from(launches[0]?.seconds ?? [], (_, round) =>
      launches.reduce((sum, { seconds }) => sum + 1e6 * (seconds[round] as number) - event, 0),
    );
    const { blocks, cluster, threads, sharedBytes } = launches.reduce((most, one) => (one.blocks > most.blocks ? one : most));
    const work = workOfLaunch(kernel, evaluated);
    const micros = quantile(rounds, 0.5);
    return {
      ...{ kernel, part: isSearch ? "search" : "network", launches: launches.length, grid: { blocks, cluster, threads, sharedBytes } },
      ...{ micros, p10: quantile(rounds, 0.1), p90: quantile(rounds, 0.9), share: micros / step },
      floor: work === null || peak.bandwidth <= 0 || peak.operations <= 0 ? null : floorOfLaunches(work, launches.length, peak),
    };
  });
  const sum = kernels.reduce((total, { micros }) => total + micros, 0);
  return {
    ...{ peak, step: { micros: step, search, network }, sum, gaps: step - sum, event, rounds: profile.network.length },
    kernels: kernels.toSorted((a, b) => b.micros - a.micros),
    portions: overlapOf(profile.portions),
  };
}

function floorOfLaunches(
  work: { readonly operations: number; readonly bytes: number },
  launches: number,
  peak: { readonly bandwidth: number; readonly operations: number },
) {
  const [operations, bytes] = [launches * work.operations, launches * work.bytes];
  const [byOperations, byBytes] = [(1e6 * operations) / peak.operations, (1e6 * bytes) / peak.bandwidth];
  return {
    micros: Math.max(byOperations, byBytes),
    bound: byOperations > byBytes ? ("operations" as const) : ("bytes" as const),
    operations,
    bytes,
  };
}
