import { movementOf, type OpenExact } from "../crosscheck/conditioning.ts";
import type { NativeEngine } from "../engine/engine.ts";
import { PainnlessError } from "../errors.ts";
import type { ModelFile } from "../model/model-file.ts";
import type { Potential } from "../system/potential.ts";
import { type BaselineProcess, mallocs, type Precision } from "./baseline.ts";
import { type Absent, type Opponent, pickOpponents } from "./opponents.ts";
import type { Trial } from "./result.ts";
import { ratioOf, timingOf } from "./statistics.ts";
import { makeSystem, type System, type SystemRow } from "./systems.ts";
import { type Answer, type Contestant, interleave, verify } from "./trial.ts";
import { nominalFlops } from "./work.ts";

/** Our engine of one precision: on all threads, and on one. */
export interface OwnEngines {
  readonly all: NativeEngine;
  readonly single: NativeEngine;
  /** multiply-add rate of one core, flop/s */
  readonly peak: number;
}

export interface TrialOptions {
  readonly model: ModelFile;
  /** of every number of threads and malloc that may be tried */
  readonly processes: readonly BaselineProcess[];
  readonly engines: OwnEngines;
  readonly openExact: OpenExact;
  readonly precision: Precision;
  readonly threads: number;
  readonly seed: number;
  /** seconds of timing, about */
  readonly seconds: number;
  readonly compile: boolean;
}

/** sets of positions that rotate */
const setCount = 4;
const minimumRounds = 5;
/** seconds of a turn */
const turn = 0.02;
/** Below this size PyTorch's blocks are small and malloc as it comes is no slower. */
const mallocMatters = 1000;

const want = ["energy", "forces"] as const;
const now = () => performance.now() / 1e3;

const answerOf = async (engine: Potential, batch: System["sets"][number]): Promise<Answer> => {
  const evaluations = await engine.evaluate(batch, want);
  return { energies: evaluations.map((e) => e.netEnergy), forces: Float64Array.from(evaluations.flatMap((e) => [...(e.forces ?? [])])) };
};

/** Timed inside the engine. */
const inside = (engine: NativeEngine, name: string, { sets }: System): Contestant => ({
  ...{ name, side: engine.name },
  evaluate: (set) => answerOf(engine, sets[set] ?? []),
  time: async (set, count) => [...(await engine.time(sets[set] ?? [], want, count + 1)).slice(1)],
});

/** Timed from where a user of the potential stands. */
const through = (engine: NativeEngine, { sets }: System): Contestant => ({
  ...{ name: `${engine.name} through evaluate`, side: engine.name },
  evaluate: (set) => answerOf(engine, sets[set] ?? []),
  async time(set, count) {
    const seconds: number[] = [];
    for (let i = 0; i <= count; i++) {
      const start = now();
      await engine.evaluate(sets[set] ?? [], want);
      seconds.push(now() - start);
    }
    return seconds.slice(1);
  },
});

/** One system in one precision: all verified on the very inputs against PyTorch float64, then timed in turns.
 *  @throws {PainnlessError} NOT_FINITE if our own answer is wrong */
export async function runTrial(row: SystemRow, options: TrialOptions): Promise<Trial> {
  const { model, engines, precision, threads } = options;
  const system = makeSystem(row, options.seed, setCount, model.config.elements);
  const atoms = (system.sets[0] ?? []).map(({ numbers }) => numbers.length);
  const total = atoms.reduce((sum, n) => sum + n, 0);
  const movement = movementOf(model, options.openExact, atoms, (exact, set) => answerOf(exact, system.sets[set] ?? []));
  const inputs = { judge: "torch:cpu:f64", sets: setCount, atoms, cutoff: model.config.cutoff, movement };
  const processes = options.processes.filter(({ malloc }) => malloc === mallocs[0] || total >= mallocMatters);
  const judge = processes[0];
  if (judge === undefined) throw new PainnlessError("INTERNAL", "there is no PyTorch process to judge the inputs");

  let edges: number[] = [];
  for (const process of processes) edges = await process.load(system.sets);
  const judged: Answer[] = [];
  for (let set = 0; set < setCount; set++) judged.push(await judge.evaluate("eager", "f64", set));

  const ours = inside(engines.all, engines.all.name, system);
  const own = [ours, through(engines.all, system), inside(engines.single, `${engines.single.name} on one thread`, system)];
  const error = await verify(ours, judged, inputs);
  for (const contestant of own.slice(1)) await verify(contestant, judged, inputs);
  const ways = options.compile && precision === "f32" ? (["eager", "compiled"] as const) : (["eager"] as const);
  const { opponents, absent } = await pickOpponents(processes, ways, precision, judged, inputs);

  const schedule = { seconds: options.seconds, minimumRounds, turn, sets: setCount, now };
  const times = await interleave([...own, ...opponents], schedule);
  const [all = [], across = [], single = []] = times;
  const race = settle(opponents, absent, times.slice(own.length), all);
  const meanEdges = edges.reduce((sum, n) => sum + n, 0) / edges.length;
  const alone = timingOf(single.flat());
  return {
    ...{ name: `${total} atoms, ${row.what}`, precision, structures: atoms.length, atoms: total, edges: meanEdges, sets: setCount },
    ...{ side: engines.all.name, threads, ...timingOf(all.flat()), error, through: timingOf(across.flat()), single: alone },
    scaling: ratioOf(single, all),
    peakFraction: nominalFlops(sizesOf(model), total, meanEdges) / (alone.medianMs * 1e-3) / engines.peak,
    ...race,
  };
}

const sizesOf = ({ config }: ModelFile) => ({ features: config.n_features, layers: config.n_layers, radial: config.n_rbf });

type Race = Pick<Trial, "opponents" | "absent" | "against" | "spread">;

/** Their figures over ours. A compiled graph that was made more than once was not what was timed, and counts as absent. */
function settle(opponents: readonly Opponent[], absent: readonly Absent[], times: readonly number[][][], ours: number[][]): Race {
  const race: Race = { opponents: [], absent: [...absent], against: {}, spread: {} };
  opponents.forEach((opponent, i) => {
    const { name, how, process, error } = opponent;
    const compilations = how === "compiled" ? opponent.graphs() : 0;
    if (how === "compiled" && compilations !== 1) {
      race.absent.push({ name, reason: `torch.compile made ${compilations} graphs, expected 1 for all inputs` });
      return;
    }
    const own = times[i] ?? [];
    const { threads, malloc } = process;
    race.opponents.push({ name, threads, malloc, ...timingOf(own.flat()), error, compilations });
    const ratio = ratioOf(own, ours);
    race.spread[name] = ratio;
    race.against[name] = ratio.value;
  });
  const best = race.opponents.reduce((least, { medianMs }) => Math.min(least, medianMs), Number.POSITIVE_INFINITY);
  const winner = race.opponents.find(({ medianMs }) => medianMs === best);
  if (winner !== undefined) race.against["torch-best"] = race.against[winner.name] as number;
  return race;
}
