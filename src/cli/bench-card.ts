import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { BaselineProcess, type Precision } from "../bench/baseline.ts";
import { isOther, withCliffs } from "../bench/card/cliffs.ts";
import { runDynamicsTrial } from "../bench/card/dynamics.ts";
import { judgeByEngine, judgeByTorch } from "../bench/card/judge.ts";
import { runNeighboursTrial } from "../bench/card/neighbours.ts";
import { type CardModel, type CardRow, cardModels, makeSets, type Sets } from "../bench/card/rows.ts";
import { type CardTrialOptions, runNetworkTrial } from "../bench/card/trial.ts";
import { peakOf } from "../bench/floors.ts";
import type { CardResult, CardTrial } from "../bench/result.ts";
import type { CudaEngine } from "../engine/cuda.ts";
import { cudaCards } from "../engine/device.ts";
import type { CudaCard } from "../engine/native.ts";
import { PainnlessError } from "../errors.ts";
import { type ModelFile, readModelFile } from "../model/model-file.ts";
import { withBridge } from "../python/bridge.ts";
import type { PythonEnvironment } from "../python/environment.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { commit, randomModel } from "./bench-run.ts";
import { withBenchScope } from "./bench-scope.ts";
import { stepsFromPython } from "./bench-steps.ts";
import { ask } from "./doctor/finding.ts";
import { openExact, type Sides, sidesOf } from "./sides.ts";
import { thisMachine } from "./version.ts";

export interface CardRequest {
  readonly suite: CardResult["suite"];
  readonly rows: readonly CardRow[];
  readonly precisions: readonly Precision[];
  /** a model file, or a checkpoint of SchNetPack with its unit; null: random weights */
  readonly model: string | null;
  readonly checkpoint: { readonly path: string; readonly unit: string | null } | null;
  readonly seconds: number;
  readonly iterations: number | null;
  readonly opponents: boolean;
  readonly compile: boolean;
  readonly seed: number;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

/** sets of positions that rotate; of structures that take seconds, fewer */
const setsOf = ({ atoms, structures }: CardRow) => (atoms * structures > 50_000 ? 2 : 3);

/** Runs the rows on the first card; closes whatever it opened. @throws {PainnlessError} MISSING without a card, or what the opponents need */
export async function runCardBench(request: CardRequest): Promise<CardResult> {
  const [card] = cudaCards();
  if (card === undefined) throw new PainnlessError("MISSING", "the driver sees no GPU; painnless bench cpu times the processor");
  const started = new Date();
  const [before = 0] = loadavg();
  return withBenchScope("painnless bench gpu", request.signal, async ({ python, folder, opened }) => {
    const found = await stateOfCard();
    const models = await openModels(python, request, folder, opened);
    const [theirs] = await Promise.all([
      request.opponents ? startOpponents(python, request, models, opened) : new Map<CardRow, Opponent>(),
      compileKernels(models, request.precisions),
    ]);
    const trials: CardTrial[] = [];
    const leftOut: CardResult["leftOut"] = [];
    let first: PainnlessError | null = null;
    for (const row of request.rows) {
      for (const precision of request.precisions) {
        request.progress(`timing ${row.name}, ${precision}`);
        // In float64 ours is timed alone.
        const opponent = precision === "f32" ? (theirs.get(row) ?? null) : null;
        const trial = await runRow(row, models, opponent, { ...request, card, precision, python }).catch((error: unknown) => {
          if (!cannotRun(error)) throw error;
          first ??= error;
          leftOut.push({ name: `${row.name} ${precision}`, reason: error.message });
        });
        if (trial) trials.push(trial);
      }
      await theirs.get(row)?.process?.close(); // its memory is needed by those that follow
    }
    if (trials.length === 0 && first !== null) throw first;
    const [main] = [...models.values()] as [OpenModel];
    const { config, sha256 } = main.model;
    const machine = await thisMachine({ python: python.version, torch: python.packages.torch ?? "", ...installed(python) });
    const { architecture, multiprocessors, memoryBytes, cacheBytes, driver: cuda, clock, bandwidth } = card;
    return {
      ...{ format: "painnless.bench/1", suite: request.suite, card: card.name, commit: await commit(), started: started.toISOString() },
      ...{ seconds: (Date.now() - started.getTime()) / 1e3, command: request.command, seed: request.seed, machine },
      load: { before, after: loadavg()[0] ?? 0 },
      model: {
        ...{ name: main.name, sha256, architecture: config.arch },
        ...{ features: config.n_features, layers: config.n_layers, radial: config.n_rbf, cutoff: config.cutoff },
      },
      attributes: {
        ...{ architecture, multiprocessors, memoryBytes, cacheBytes, cuda },
        ...{ clockMHz: clock / 1e6, bandwidth, peak: peakOf(card) },
      },
      found: { before: found, after: await stateOfCard() },
      trials: withCliffs(trials, new Set(request.rows.filter(isOther).map(({ name }) => name))),
      leftOut,
    };
  });
}

/** Versions of the packages that are timed where they are there. */
const installed = ({ packages }: PythonEnvironment) =>
  Object.fromEntries(
    (["schnetpack", "nvalchemi-toolkit-ops"] as const).flatMap((name) => (packages[name] ? [[name, packages[name]]] : [])),
  );

/** For want of memory, or as the card or the engine is not for such a model. */
const cannotRun = (error: unknown): error is PainnlessError =>
  error instanceof PainnlessError && ["MISSING", "UNSUPPORTED"].includes(error.code);

interface OpenModel {
  readonly name: string;
  readonly model: ModelFile;
  readonly sides: Sides;
}
/** PyTorch for a row, or why it cannot be beside us there. */
type Opponent =
  | { readonly process: BaselineProcess; readonly edges: readonly number[] }
  | { readonly process: null; readonly reason: string };

/** The models that the rows need, by kind, the main one first. A model of the user's takes the place of the main one. */
async function openModels(python: PythonEnvironment, request: CardRequest, folder: string, opened: { close(): Promise<void> }[]) {
  const models = new Map<CardModel, OpenModel>();
  for (const kind of Object.keys(cardModels) as CardModel[]) {
    if (!request.rows.some((row) => row.model === kind)) continue;
    const target = join(folder, `${models.size}.safetensors`);
    const path = kind === "main" ? await givenModel(python, request, target) : null;
    const model = await readModelFile(path ?? (await randomModel(python, target, request.seed, cardModels[kind])));
    const sides = sidesOf({ model, checkpoint: null, threads: null });
    opened.push(sides);
    models.set(kind, { name: path === null ? kind : (request.checkpoint?.path ?? path), model, sides });
  }
  return models;
}

async function givenModel(python: PythonEnvironment, { model, checkpoint }: CardRequest, target: string): Promise<string | null> {
  if (checkpoint === null) return model;
  await withBridge(python, (bridge) => bridge.importCheckpoint(checkpoint.path, target, checkpoint.unit));
  return target;
}

/** A process of PyTorch for each row, so that all compile at once, our kernels too; when this returns, each has compiled what it can. */
async function startOpponents(
  python: PythonEnvironment,
  request: CardRequest,
  models: ReadonlyMap<CardModel, OpenModel>,
  opened: { close(): Promise<void> }[],
): Promise<Map<CardRow, Opponent>> {
  const rows = request.rows.filter(({ opponents }) => opponents);
  const threads = Math.max(1, Math.floor(availableParallelism() / Math.max(rows.length, 1)));
  const prepare = async (row: CardRow): Promise<Opponent> => {
    const { model } = models.get(row.model) as OpenModel;
    const process = await BaselineProcess.start(python, model.path, { threads, malloc: "default", device: "cuda", compilers: threads });
    opened.push(process);
    const edges = await process.load(setsFor(row, model, request));
    if (request.compile && row.measures === "network") {
      request.progress(`${row.name}: PyTorch compiles`);
      // What it cannot compile is told when it is to be timed.
      await process.time("compiled", "f32", 0, 1).catch(passOver);
      await process.time("compiled", "tf32", 0, 1).catch(passOver);
    }
    return { process, edges };
  };
  const start = async (row: CardRow) => [row, await prepare(row).catch(orReason)] as const;
  return new Map(await Promise.all(rows.map(start)));
}

/** A model that it does not know, or inputs that it has no memory for. */
const orReason = (error: unknown): Opponent => {
  passOver(error);
  return { process: null, reason: (error as PainnlessError).message };
};

/** Fills the cache of kernels, as to compile them takes longer than most rows. */
async function compileKernels(models: ReadonlyMap<CardModel, OpenModel>, precisions: readonly Precision[]): Promise<void> {
  for (const { model } of models.values())
    for (const precision of precisions) {
      const sides = sidesOf({ model, checkpoint: null, threads: null });
      try {
        await sides.open(`native:cuda:${precision}`);
      } catch (error) {
        if (!cannotRun(error)) throw error; // that is told when its row comes
      } finally {
        await sides.close();
      }
    }
}

/** What PyTorch cannot do, for want of memory, say: something else is done instead, or it is told later. */
const passOver = (error: unknown): null => {
  if (!(error instanceof PainnlessError && error.code === "WORKER_FAILED")) throw error;
  return null;
};

const setsFor = (row: CardRow, { config }: ModelFile, { seed }: CardRequest): Sets => makeSets(row, seed, setsOf(row), config.elements);

async function runRow(
  row: CardRow,
  models: ReadonlyMap<CardModel, OpenModel>,
  opponent: Opponent | null,
  request: CardRequest & { readonly card: CudaCard; readonly precision: Precision; readonly python: PythonEnvironment },
): Promise<CardTrial> {
  const { python } = request;
  const { model, sides } = models.get(row.model) as OpenModel;
  const sets = setsFor(row, model, request);
  // An engine of its own, whose memory goes with it, and whose counts are of this row.
  const { potential, note } = await sidesOf({ model, checkpoint: null, threads: null }).open(`native:cuda:${request.precision}`);
  if (note !== null) request.progress(note);
  const engine = cudaEngine(potential);
  const process = opponent?.process ?? null;
  const without = opponent?.process === null ? [{ name: "torch", reason: opponent.reason }] : [];
  try {
    const options: CardTrialOptions = {
      ...{ model, engine, openExact, card: request.card, precision: request.precision, compile: request.compile },
      ...{ process, theirEdges: opponent?.process ? opponent.edges : [] },
      ...{ seconds: request.seconds, evaluations: request.iterations },
    };
    const explained = (trial: CardTrial): CardTrial => ({ ...trial, absent: [...trial.absent, ...without] });
    if (row.measures === "neighbours") return explained(await runNeighboursTrial(row, sets, options));
    const exact = async () => (await sides.open("native:cpu:f64")).potential;
    if (row.measures === "dynamics") {
      const whole = (["ase", "pyzmq", "msgspec"] as const).every((name) => python.packages[name] !== null);
      const fromPython = whole ? (structure: Structure, step: number) => stepsFromPython(python, engine, structure, step) : null;
      const trial = await runDynamicsTrial(row, sets, await exact(), options, fromPython);
      const reason = `${python.executable} lacks ase, pyzmq or msgspec`;
      return whole ? trial : { ...trial, absent: [{ name: "from Python", reason }] };
    }
    const byTorch = process === null ? null : await judgeByTorch(process, sets, model, openExact).catch(passOver);
    const judgement = byTorch ?? (await judgeByEngine(await exact(), sets, model, request.seed, openExact));
    return explained(await runNetworkTrial(row, sets, judgement, options));
  } finally {
    await engine.close();
  }
}

export function cudaEngine(potential: Potential): CudaEngine {
  if ("seconds" in potential && "profile" in potential) return potential as CudaEngine;
  throw new PainnlessError("INTERNAL", `side ${potential.name} cannot time a card`);
}

const asked = ["driver_version", "clocks.sm", "clocks.mem", "clocks.max.sm", "temperature.gpu", "power.draw", "utilization.gpu"];

/** Of the first card, as it is found; nothing is set. */
export async function stateOfCard(): Promise<Record<string, string>> {
  const answer = await ask("nvidia-smi", [`--query-gpu=${asked.join(",")}`, "--format=csv,noheader", "--id=0"]);
  if (answer === null) return {};
  const values = answer.split(",").map((value) => value.trim());
  return Object.fromEntries(asked.map((name, k) => [name, values[k] ?? ""]));
}
