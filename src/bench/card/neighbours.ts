import { loadAddon } from "../../engine/addon.ts";
import type { CudaEngine } from "../../engine/cuda.ts";
import type { NativeAddon, NativeNeighbors } from "../../engine/native.ts";
import { PainnlessError } from "../../errors.ts";
import type { ModelFile } from "../../model/model-file.ts";
import type { Structure } from "../../system/structure.ts";
import type { CardTrial } from "../result.ts";
import { ratioOf, timingOf } from "../statistics.ts";
import { type Contestant, interleave } from "../trial.ts";
import type { CardRow, Sets } from "./rows.ts";
import { cardSearches } from "./searches.ts";
import { assertSameEdges, type CardTrialOptions, common, edgesOf, scheduleOf } from "./trial.ts";

const want = ["energy", "forces"] as const;

/** The neighbour search by itself; the card's list must be the processor's, pair for pair. Opponents' lists are counted.
 *  @throws {PainnlessError} NOT_FINITE if our own list is wrong */
export async function runNeighboursTrial(row: CardRow, sets: Sets, options: CardTrialOptions, addon = loadAddon()): Promise<CardTrial> {
  const { engine, model, process, precision } = options;
  for (const [structure] of sets as readonly (readonly [Structure])[]) await assertSameList(engine, structure, model, addon);
  const edges = await edgesOf(engine, sets);
  assertSameEdges(row, edges, options);
  const before = await engine.activity();
  if (before.schedule === "resident")
    throw new PainnlessError("UNSUPPORTED", `${row.name}: the resident schedule has no search apart; time more atoms`);
  const timed = (name: string, cold: boolean): Contestant => ({
    ...{ name: `${engine.name}${name}`, side: engine.name },
    evaluate: () => Promise.reject(new PainnlessError("INTERNAL", "a search has no forces")),
    time: async (set, count) => [(await engine.seconds(sets[set] ?? [], want, count, cold)).search],
  });
  const { searches, absent } = process === null ? { searches: [], absent: [] } : await cardSearches(process, sets, model, addon);
  const times = await interleave([timed("", false), timed(", cold", true), ...searches], scheduleOf(options, row, sets.length));
  const [warm = [], cold = [], ...found] = times;
  const timing = timingOf(warm.flat());
  const opponents = searches.map(({ name }, k) => ({ name, ...timingOf((found[k] ?? []).flat()), error: null }));
  const ratio = searches.map(({ name }, k) => [name, ratioOf(found[k] ?? [], warm)] as const);
  return {
    ...common(row, sets, {
      ...options,
      activity: await engine.activity(),
      before,
      edges,
      atoms: row.atoms,
      judge: "native:cpu, pair for pair",
    }),
    ...{ measures: "neighbours", side: engine.name, precision, ...timing, error: null, floor: null },
    figures: { cold: timingOf(cold.flat()) },
    perSecond: { edges: (1e3 * edges) / timing.medianMs },
    opponents: opponents.map((opponent) => ({ ...opponent, compilations: 0, figures: {} })),
    against: Object.fromEntries(ratio.map(([name, { value }]) => [name, value])),
    spread: Object.fromEntries(ratio),
    ...{ absent, further: {} },
  };
}

async function assertSameList(engine: CudaEngine, structure: Structure, { config }: ModelFile, addon: NativeAddon): Promise<void> {
  const { positions, cell, pbc } = structure;
  const found = await engine.neighbors(structure);
  const right = addon.neighbors(
    positions,
    cell ?? new Float64Array(9),
    Uint8Array.from(pbc, Number),
    config.cutoff,
    config.edge_rule === "le",
  );
  for (const part of ["receivers", "senders", "shifts", "reverse"] as const satisfies readonly (keyof NativeNeighbors)[]) {
    const at = found[part].findIndex((index, k) => index !== right[part][k]);
    if (at >= 0 || found[part].length !== right[part].length || right[part].length === 0)
      throw new PainnlessError(
        "NOT_FINITE",
        `${engine.name} is not timed: its neighbours differ from the processor's in ${part}, of ${found[part].length} at ${at}, expected ${right[part].length} alike`,
      );
  }
}
