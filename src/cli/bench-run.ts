import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BaselineProcess, mallocs, type Precision } from "../bench/baseline.ts";
import type { CpuResult, Trial } from "../bench/result.ts";
import { type OwnEngines, runTrial } from "../bench/suite.ts";
import type { SystemRow } from "../bench/systems.ts";
import { loadAddon } from "../engine/addon.ts";
import type { NativeEngine } from "../engine/engine.ts";
import { PainnlessError } from "../errors.ts";
import { type ModelFile, readModelFile } from "../model/model-file.ts";
import { childVariables, type PythonEnvironment } from "../python/environment.ts";
import type { Potential } from "../system/potential.ts";
import { withBenchScope } from "./bench-scope.ts";
import { openExact, sidesOf } from "./sides.ts";
import { thisMachine } from "./version.ts";

const call = promisify(execFile);
const here = fileURLToPath(new URL("../..", import.meta.url));
/** The shape all published figures are of (docs: performance). */
const shape = { n_features: 128, n_layers: 3, n_rbf: 20, max_z: 100 };

export interface BenchRequest {
  readonly rows: readonly SystemRow[];
  readonly precisions: readonly Precision[];
  readonly model: string | null;
  readonly threads: number;
  readonly seconds: number;
  readonly compile: boolean;
  readonly seed: number;
  readonly command: string;
  readonly signal: AbortSignal;
  readonly progress: (text: string) => void;
}

/** Runs the suite; closes whatever it opened. */
export async function runBench(request: BenchRequest): Promise<CpuResult> {
  const { signal, progress } = request;
  const started = new Date();
  const [before = 0] = loadavg();
  return withBenchScope("painnless bench", signal, async ({ python, folder, opened }) => {
    const model = await readModelFile(request.model ?? (await randomModel(python, join(folder, "random.safetensors"), request.seed)));
    const processes: BaselineProcess[] = [];
    const counts = [...new Set([request.threads, 1])];
    const wanted = request.rows.some((row) => (row.packed ?? 0) >= 1000) ? mallocs : mallocs.slice(0, 1);
    for (const malloc of wanted)
      for (const threads of counts) {
        progress(`starting PyTorch on ${threads} thread${threads === 1 ? "" : "s"}, malloc ${malloc}`);
        const process = await BaselineProcess.start(python, model.path, { threads, malloc });
        opened.push(process);
        processes.push(process);
      }
    const engines = await openEngines(model, request, opened);
    const trials: Trial[] = [];
    for (const row of request.rows)
      for (const precision of request.precisions) {
        progress(`timing ${row.name} (${row.what}), ${precision}`);
        const own = engines.get(precision) as OwnEngines;
        trials.push(await runTrial(row, { ...request, model, processes, precision, engines: own, openExact }));
      }
    const machine = await thisMachine({ python: python.version, torch: processes[0]?.torch ?? "" });
    const { config } = model;
    const sizes = { features: config.n_features, layers: config.n_layers, radial: config.n_rbf, cutoff: config.cutoff };
    const addon = loadAddon();
    const instructionSet = addon.instructionSets().at(-1) ?? "plain"; // the engines' default
    return {
      ...{ format: "painnless.bench/1", suite: "cpu", card: machine.cpu, commit: await commit(), started: started.toISOString() },
      ...{ seconds: (Date.now() - started.getTime()) / 1e3, command: request.command, seed: request.seed, machine, instructionSet },
      load: { before, after: loadavg()[0] ?? 0 },
      model: { name: basename(model.path), sha256: model.sha256, architecture: config.arch, ...sizes },
      peak: { f32: addon.peak(instructionSet, "f32") / 1e9, f64: addon.peak(instructionSet, "f64") / 1e9 },
      malloc: {
        tuned: "glibc: MALLOC_MMAP_MAX_=0, MALLOC_TRIM_THRESHOLD_=2^40, MALLOC_TOP_PAD_=2^28, MALLOC_ARENA_MAX=1",
        default: "glibc as it comes",
      },
      trials,
    };
  });
}

async function openEngines(model: ModelFile, request: BenchRequest, opened: { close(): Promise<void> }[]) {
  const engines = new Map<Precision, OwnEngines>();
  const own = { model, checkpoint: null };
  const [all, single] = [sidesOf({ ...own, threads: request.threads }), sidesOf({ ...own, threads: 1 })];
  opened.push(all, single);
  const addon = loadAddon();
  for (const precision of request.precisions) {
    const side = `native:cpu:${precision}`;
    const engine = nativeEngine((await all.open(side)).potential);
    const peak = addon.peak(addon.instructionSets().at(-1) ?? "plain", precision);
    engines.set(precision, { all: engine, single: nativeEngine((await single.open(side)).potential), peak });
  }
  return engines;
}

export function nativeEngine(potential: Potential): NativeEngine {
  if ("time" in potential && "plan" in potential) return potential as NativeEngine;
  throw new PainnlessError("INTERNAL", `side ${potential.name} cannot time itself`);
}

/** Writes a model with random weights. @param changes to the configuration of all published figures */
export async function randomModel(python: PythonEnvironment, path: string, seed: number, changes: object = {}): Promise<string> {
  const settings = ["--seed", String(seed), "--json", JSON.stringify({ ...shape, ...changes })];
  await call(python.executable, ["-m", "painnless.reference.random_model", path, ...settings], { env: childVariables() });
  return path;
}

/** The commit that is checked out, or that a bundle was made from; null where neither is known. */
export async function commit(): Promise<string | null> {
  const git = async (...args: string[]) => (await call("git", args, { cwd: here })).stdout.trim();
  const head = await git("rev-parse", "HEAD").catch(() => null);
  if (head === null)
    return readFile(join(here, "COMMIT"), "utf8").then(
      (text) => text.trim(),
      () => null,
    );
  return (await git("status", "--porcelain", "--untracked-files=no")) === "" ? head : `${head}-dirty`;
}
