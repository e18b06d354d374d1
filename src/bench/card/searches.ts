import type { NativeAddon } from "../../engine/native.ts";
import { PainnlessError } from "../../errors.ts";
import type { ModelFile } from "../../model/model-file.ts";
import type { Structure } from "../../system/structure.ts";
import { type BaselineProcess, searchHows } from "../baseline.ts";
import type { Absent } from "../opponents.ts";
import type { Contestant } from "../trial.ts";
import { reasonOf } from "./opponents.ts";
import type { Sets } from "./rows.ts";

/** How far off a distance of positions in float32 may be, as a part of the largest coordinate. */
const roundings = 8 * 2 ** -24;

/** Searches that find our edges on every set; and those that cannot be timed, with the reason. Their lists are counted: the order of each is its own.
 *  @throws {PainnlessError} WORKER_DIED */
export async function cardSearches(process: BaselineProcess, sets: Sets, { config }: ModelFile, addon: NativeAddon) {
  const searches: Contestant[] = [];
  const absent: Absent[] = [];
  const bounds = sets.map((batch) => edgeBounds(batch, config.cutoff, addon));
  for (const how of searchHows)
    try {
      for (const [set, { least, most }] of bounds.entries()) {
        const edges = await process.search(how, set);
        if (!(least <= edges && edges <= most))
          throw new PainnlessError("NOT_FINITE", `${how} is not timed: it finds ${edges} edges, expected ${least} to ${most}`);
      }
      searches.push({
        ...{ name: how, side: "torch:cuda:f32" },
        evaluate: () => Promise.reject(new PainnlessError("INTERNAL", "a search has no forces")),
        time: async (set, count) => (await process.time(how, "f32", set, count)).seconds,
      });
    } catch (error) {
      absent.push({ name: how, reason: reasonOf(error) });
    }
  return { searches, absent };
}

/** Edges of a batch by the processor in float64, and what float32 may make of pairs at the cutoff. */
function edgeBounds(batch: readonly Structure[], cutoff: number, addon: NativeAddon) {
  const count = (radius: (structure: Structure) => number) =>
    batch.reduce((sum, structure) => {
      const { positions, cell, pbc } = structure;
      return (
        sum +
        addon.neighbors(positions, cell ?? new Float64Array(9), Uint8Array.from(pbc, Number), radius(structure), true).receivers.length
      );
    }, 0);
  const rounding = ({ positions, cell }: Structure) =>
    roundings * [...positions, ...(cell ?? [])].reduce((largest, x) => Math.max(largest, Math.abs(x)), 0);
  return { least: count((structure) => cutoff - rounding(structure)), most: count((structure) => cutoff + rounding(structure)) };
}
