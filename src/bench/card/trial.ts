import type { OpenExact } from "../../crosscheck/conditioning.ts";
import { loadAddon } from "../../engine/addon.ts";
import type { CudaEngine } from "../../engine/cuda.ts";
import type { CudaCard } from "../../engine/native.ts";
import { PainnlessError } from "../../errors.ts";
import type { ModelFile } from "../../model/model-file.ts";
import type { Property } from "../../system/potential.ts";
import type { BaselineProcess, Precision } from "../baseline.ts";
import { floorOf } from "../floors.ts";
import type { Absent } from "../opponents.ts";
import type { CardTrial } from "../result.ts";
import { ratioOf, type Timing, timingOf } from "../statistics.ts";
import { type Contestant, interleave, type Schedule, verify } from "../trial.ts";
import type { Judgement } from "./judge.ts";
import { type CardOpponent, cardOpponents } from "./opponents.ts";
import { assertInRange } from "./range.ts";
import type { CardRow, Sets } from "./rows.ts";
import { cardSearches } from "./searches.ts";

export interface CardTrialOptions {
  readonly model: ModelFile;
  readonly engine: CudaEngine;
  readonly card: CudaCard;
  readonly openExact: OpenExact;
  readonly precision: Precision;
  /** PyTorch that has loaded the sets; null: ours alone */
  readonly process: BaselineProcess | null;
  /** directed edges that it found in each set; empty without one */
  readonly theirEdges: readonly number[];
  readonly compile: boolean;
  /** seconds of timing, about */
  readonly seconds: number;
  /** evaluations of a turn; null: as many as last long enough */
  readonly evaluations: number | null;
}

const want = ["energy", "forces"] as const satisfies readonly Property[];
/** fewer where a round takes seconds */
const minimumRounds = (atoms: number) => (atoms > 50_000 ? 3 : 5);
/** seconds of a turn */
const turn = 0.02;
/** measurements of a turn whose caches are warm: each the mean over evaluations one behind the other */
const chunks = 5;
const fewCold = 3;
export const now = () => performance.now() / 1e3;

export const scheduleOf = ({ seconds, evaluations }: CardTrialOptions, { atoms, structures }: CardRow, sets: number): Schedule => ({
  ...{ seconds, minimumRounds: minimumRounds(atoms * structures), turn, sets, evaluations, now },
});

/** Our engine as contestants: what it is verified by, and what of it is timed. */
function ownContestants(engine: CudaEngine, sets: Sets, judgement: Judgement) {
  const of = (name: string, time: Contestant["time"]): Contestant => ({
    ...{ name: `${engine.name}${name}`, side: engine.name, time },
    evaluate: async (set) => judgement.of(await engine.evaluate(sets[set] ?? [], judgement.want), set),
  });
  const onCard = (part: "network" | "search", cold: boolean) => async (set: number, count: number) => {
    const seconds: number[] = [];
    const chunk = cold ? 1 : Math.ceil(count / chunks);
    const times = cold ? Math.min(count, fewCold) : Math.ceil(count / chunk);
    for (let k = 0; k < times; k++) seconds.push((await engine.seconds(sets[set] ?? [], want, chunk, cold))[part]);
    return seconds;
  };
  const network = of("", onCard("network", false));
  const search = of(", search", onCard("search", false));
  const cold = of(", cold", onCard("network", true));
  const result = of(", launch to result", async (set, count) => [...(await engine.time(sets[set] ?? [], want, count + 1)).slice(1)]);
  const evaluate = of(", evaluate", async (set, count) => {
    const seconds: number[] = [];
    for (let k = 0; k <= count; k++) {
      const start = now();
      await engine.evaluate(sets[set] ?? [], want);
      seconds.push(now() - start);
    }
    return seconds.slice(1);
  });
  return { network, search, cold, result, evaluate };
}

/** Energy and forces of one row: all verified on the very inputs, then timed in turns.
 *  @throws {PainnlessError} NOT_FINITE if our own answer is wrong */
export async function runNetworkTrial(row: CardRow, sets: Sets, judgement: Judgement, options: CardTrialOptions): Promise<CardTrial> {
  const { engine, model, process, card, precision } = options;
  const [first = []] = sets;
  const atoms = first.reduce((sum, { numbers }) => sum + numbers.length, 0);
  const own = ownContestants(engine, sets, judgement);
  const error = await verify(own.network, judgement.answers, judgement.inputs);
  await assertInRange(engine);
  // A large set is evaluated in portions, and timed on the card in one: memory is made for that before both are recorded.
  await engine.seconds(first, want, 1);
  const edges = await edgesOf(engine, sets);
  assertSameEdges(row, edges, options);
  const raced = process === null ? { opponents: [], absent: [] } : await cardOpponents(process, judgement, options.compile);
  const found = process === null ? { searches: [], absent: [] } : await cardSearches(process, sets, model, loadAddon());

  const before = await engine.activity();
  // A schedule that finds its neighbours itself has no search apart.
  const searches = before.schedule !== "resident";
  const ours = [own.network, own.cold, own.result, own.evaluate, ...(searches ? [own.search] : [])];
  const rivals = raced.opponents.flatMap(({ warm, cold }) => [warm, cold]);
  const times = await interleave([...ours, ...found.searches, ...rivals], scheduleOf(options, row, sets.length));
  const activity = await engine.activity();
  const [warm = [], cold = [], result = [], evaluate = [], search = []] = times;
  const withSearch = searches ? added(warm, search) : warm;
  const theirs = times.slice(ours.length);
  const searched = theirs.splice(0, found.searches.length).sort((a, b) => timingOf(a.flat()).medianMs - timingOf(b.flat()).medianMs);
  const absent = [...raced.absent, ...found.absent];

  const race = settle(raced.opponents, absent, theirs, { warm, cold, withSearch }, searched[0] ?? null);
  const timing = timingOf(warm.flat());
  const floor = 1e3 * floorOf(model.config, atoms, edges, card);
  const second = 1e3 / timing.medianMs;
  const figures: Record<string, Timing> = {
    cold: timingOf(cold.flat()),
    ...(searches ? { search: timingOf(search.flat()) } : {}),
    "with search": timingOf(withSearch.flat()),
    "launch to result": timingOf(result.flat()),
    evaluate: timingOf(evaluate.flat()),
  };
  return {
    ...common(row, sets, { ...options, activity, before, edges, atoms, judge: judgement.judge }),
    ...{ measures: "network", side: engine.name, precision, ...timing, error, figures },
    perSecond: { structures: row.structures * second, atoms: atoms * second },
    floor: { ms: floor, times: timing.medianMs / floor },
    ...race,
  };
}

type Activity = Awaited<ReturnType<CudaEngine["activity"]>>;

/** What all trials say alike. */
export function common(
  row: CardRow,
  sets: Sets,
  about: {
    readonly model: ModelFile;
    readonly activity: Activity;
    readonly before: Activity;
    readonly edges: number;
    readonly atoms: number;
    readonly judge: string;
  },
) {
  const { model, activity, before, edges, atoms, judge } = about;
  const { arch, n_features, n_layers, n_rbf, cutoff } = model.config;
  const { compilations, captures, allocations } = activity;
  return {
    ...{
      name: row.name,
      structures: row.structures,
      atoms,
      edges: Math.max(edges, 1),
      sets: sets.length,
      judge,
      schedule: activity.schedule,
      tuning: activity.tuning,
    },
    model: {
      ...{ name: row.model, sha256: model.sha256, architecture: arch },
      ...{ features: n_features, layers: n_layers, radial: n_rbf, cutoff },
    },
    ...{ arenaMB: activity.arenaBytes / 1e6, weightsMB: activity.weightBytes / 1e6 },
    made: { compilations, captures, allocations, whileTimed: captures - before.captures },
  };
}

/** Directed edges of a batch, mean over the sets; the card has found them. */
export async function edgesOf(engine: CudaEngine, sets: Sets): Promise<number> {
  let sum = 0;
  for (const batch of sets) {
    await engine.evaluate(batch, want);
    sum += (await engine.activity()).edges;
  }
  return sum / sets.length;
}

/** @throws {PainnlessError} NOT_FINITE if PyTorch has other edges than ours, and so another problem */
export function assertSameEdges({ name }: CardRow, ours: number, { theirEdges }: CardTrialOptions): void {
  const theirs = theirEdges.reduce((sum, n) => sum + n, 0) / theirEdges.length;
  if (theirEdges.length > 0 && theirs !== ours)
    throw new PainnlessError("NOT_FINITE", `${name} is not timed: PyTorch finds ${theirs} edges, ours are ${ours} (mean of the sets)`);
}

/** Round by round, the median of one and the median of the other. */
function added(one: readonly (readonly number[])[], other: readonly (readonly number[])[]): number[][] {
  if (one.length !== other.length) throw new PainnlessError("INTERNAL", `${one.length} rounds and ${other.length} cannot be added`);
  const median = (round: readonly number[]) => timingOf(round).medianMs / 1e3;
  return one.map((round, k) => [median(round) + median(other[k] ?? [])]);
}

type Rounds = number[][];
type Race = Pick<CardTrial, "opponents" | "absent" | "against" | "spread" | "further">;

/** Their figures over ours. A compiled graph that was made more than once was not what was timed, and counts as absent. */
function settle(
  opponents: readonly CardOpponent[],
  absent: readonly Absent[],
  times: readonly Rounds[],
  ours: { readonly warm: Rounds; readonly cold: Rounds; readonly withSearch: Rounds },
  search: Rounds | null,
): Race {
  const race: Race = { opponents: [], absent: [...absent], against: {}, spread: {}, further: { cold: {}, "with search": {} } };
  for (const [i, { warm, error, isCompiled, graphs }] of opponents.entries()) {
    const [hot = [], chilled = []] = times.slice(2 * i, 2 * i + 2);
    const compilations = isCompiled ? graphs() : 0;
    if (isCompiled && compilations !== 1) {
      race.absent.push({ name: warm.name, reason: `torch.compile made ${compilations} graphs, expected 1 for all inputs` });
      continue;
    }
    const figures: Record<string, Timing> = { cold: timingOf(chilled.flat()) };
    race.spread[warm.name] = ratioOf(hot, ours.warm);
    race.against[warm.name] = ratioOf(hot, ours.warm).value;
    (race.further.cold as Record<string, number>)[warm.name] = ratioOf(chilled, ours.cold).value;
    if (search !== null) {
      const both = added(hot, search);
      figures["with search"] = timingOf(both.flat());
      (race.further["with search"] as Record<string, number>)[warm.name] = ratioOf(both, ours.withSearch).value;
    }
    race.opponents.push({ name: warm.name, ...timingOf(hot.flat()), error, compilations, figures });
  }
  const best = (names: (name: string) => boolean) =>
    Math.min(...Object.entries(race.against).flatMap(([name, ratio]) => (name.startsWith("torch-") && names(name) ? [ratio] : [])));
  if (race.opponents.length > 0) {
    const exact = best((name) => !name.endsWith("/tf32"));
    const any = best(() => true);
    if (Number.isFinite(exact)) race.against["torch-best"] = exact;
    if (Number.isFinite(any)) race.against["torch-best/tf32"] = any;
  }
  return race;
}
