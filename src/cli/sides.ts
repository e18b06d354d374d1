import { finiteDifferencePotential } from "../crosscheck/fd.ts";
import { createCudaEngine } from "../engine/cuda.ts";
import { automaticSide, cudaCards } from "../engine/device.ts";
import { createNativeEngine } from "../engine/engine.ts";
import type { CudaCard, CudaPrecision } from "../engine/native.ts";
import { kernelCache, nvrtcCandidates, tuningFolder } from "../engine/nvrtc.ts";
import { shippedTuning, type Tuning } from "../engine/tuning.ts";
import { type Found, findTuning, tunedFor } from "../engine/tuning-file.ts";
import { PainnlessError } from "../errors.ts";
import type { ModelFile } from "../model/model-file.ts";
import { type PythonEnvironment, resolvePython } from "../python/environment.ts";
import { startWorker } from "../python/worker.ts";
import type { Potential } from "../system/potential.ts";
import { RemotePotential } from "../wire/client.ts";
import type { ForeignPythons } from "./arguments.ts";
import { describeProof, gatedSide, requireProof, type Subject } from "./proof.ts";
import { engineBuild } from "./version.ts";

/** Which side string builds which potential: written here and nowhere else. */

export interface SideOptions {
  readonly model: ModelFile;
  /** the foreign file the model was imported from, for side "package"; null if the user named none */
  readonly checkpoint: string | null;
  /** the interpreters of sides "package" and "ase:", whose calculators may live in environments of their own; null: the one of all else */
  readonly pythons?: ForeignPythons;
  /** of each engine and worker; null: an engine takes what there is, a worker takes one. PyTorch shares out even the products of a
   *  molecule, and its threads wait for each other in a loop: on a busy machine of two cores that was 20 times slower than one thread */
  readonly threads: number | null;
  /** does the side that needs a proof open without one: to be given one */
  readonly proving?: boolean;
  /** what a CUDA engine goes by, for who chooses it; left out: what painnless tune has found here, else what is shipped */
  readonly tuning?: Tuning;
}

export interface OpenSide {
  readonly potential: Potential;
  /** what "auto" chose and why */
  readonly note: string | null;
  /** of what computes, down to what its last bits depend on: instruction set or card, compiler, torch, python, ... */
  readonly versions: Readonly<Record<string, string>>;
}

export interface Sides {
  /** The potential of a side; the same one each time it is asked for.
   *  @throws {PainnlessError} USAGE for a string that names no side, MISSING or UNSUPPORTED if it cannot work here */
  open(side: string): Promise<OpenSide>;
  /** Closes all that were opened; may be called twice. */
  close(): Promise<void>;
}

const sideForms = [
  "auto",
  "auto:f32",
  "auto:f64",
  "native:cpu:f64",
  "native:cpu:f32",
  "native:cuda:f32",
  "native:cuda:f64",
  "native:cuda:mixed",
  "torch:cpu:f64",
  "torch:cpu:f32",
  "torch:cuda:f32",
  "torch:cuda:f64",
  "package",
  "ase:MODULE:FACTORY[?JSON]",
  "fd:SIDE",
  "ipc://PATH",
  "tcp://HOST:PORT?key=FILE&server=FILE",
];

const unknownSide = (side: string): PainnlessError =>
  new PainnlessError("USAGE", `there is no side "${side}"; the sides are ${sideForms.join(", ")}`, { field: "side" });

/** Throws at once what a side's string alone can tell. @throws {PainnlessError} USAGE, MISSING, UNSUPPORTED */
export function assertSide(side: string): void {
  if (side.startsWith("fd:")) {
    if (side === `fd:${gatedSide}`)
      throw new PainnlessError(
        "UNSUPPORTED",
        `side "${side}": energies of mixed precision are too coarse for difference quotients; the law finite-difference judges ${gatedSide} itself, or use fd:native:cuda:f32`,
        { field: "side" },
      );
    assertSide(side.slice(3));
    return;
  }
  const known =
    /^(auto(:f32|:f64)?|package|native:cuda:mixed|(native:(cpu|cuda)|torch:(cpu|cuda(:\d+)?)):(f32|f64)|ase:[\w.]+:\w+(\?.*)?|(ipc|tcp):\/\/.+)$/s;
  if (!known.test(side)) throw unknownSide(side);
}

/** What other sides are judged by, of a model of its own; whoever opens it closes it. */
export const openExact = async (model: ModelFile, threads: number | null = null): Promise<Potential> =>
  createNativeEngine(model, { device: "cpu", precision: "f64", ...(threads === null ? {} : { threads }) });

/** The server at an endpoint, for what it can do beyond a potential. @throws {PainnlessError} UNSUPPORTED, TIMEOUT */
export function serverAt(endpoint: string): Promise<RemotePotential> {
  return RemotePotential.connect(endpoint);
}

export function sidesOf(options: SideOptions): Sides {
  const opened = new Map<string, Promise<OpenSide>>();
  const interpreters = new Map<string | null, Promise<PythonEnvironment>>();
  const interpreter = (named: string | null = null): Promise<PythonEnvironment> => {
    const found = interpreters.get(named) ?? resolvePython(process.env, named);
    interpreters.set(named, found);
    return found;
  };
  const open = (side: string): Promise<OpenSide> => {
    const existing = opened.get(side);
    if (existing !== undefined) return existing;
    const promise = build(side, options, open, interpreter);
    opened.set(side, promise);
    return promise;
  };
  return {
    async open(side) {
      assertSide(side);
      return open(side);
    },
    async close() {
      // A side that could not be opened has told its caller; there is nothing of it to close.
      const settled = await Promise.allSettled(opened.values());
      await Promise.all(settled.map((side) => (side.status === "fulfilled" ? side.value.potential.close() : undefined)));
    },
  };
}

/** @throws {PainnlessError} MISSING where there is no card */
function cardOf(side: string): CudaCard {
  try {
    const [card] = cudaCards() as [CudaCard];
    return card;
  } catch (error) {
    if (error instanceof PainnlessError)
      throw new PainnlessError(error.code, `side "${side}": ${error.message}`, { field: error.field, cause: error });
    throw error;
  }
}

async function build(
  side: string,
  options: SideOptions,
  open: (side: string) => Promise<OpenSide>,
  interpreter: (named?: string | null) => Promise<PythonEnvironment>,
): Promise<OpenSide> {
  const { model, checkpoint, threads, proving = false } = options;
  const limit = threads === null ? {} : { threads };
  const precision = side.endsWith("f32") ? "f32" : "f64";
  if (side.startsWith("auto")) {
    const { opened, reason } = await automaticSide(precision, open);
    const why = side === "auto" ? "; float64 needs no reading of tolerances" : "";
    const further = opened.note === null ? "" : `; ${opened.note}`;
    return { ...opened, note: `${side} chose ${opened.potential.name}: ${reason}${why}${further}` };
  }
  if (side.startsWith("native:cuda")) {
    const card = cardOf(side);
    const gated = side === gatedSide && !proving;
    const proof = gated ? await requireProof(process.env, await subjectOf(model), model.path) : null;
    const nvrtc = await nvrtcCandidates(process.env, await sitePackages(interpreter));
    const exactly = side === gatedSide ? "mixed" : precision;
    const { tuning, note, compiler } = options.tuning
      ? { tuning: options.tuning, note: null, compiler: null }
      : await tuningFor(model, exactly, card, nvrtc);
    const engine = await createCudaEngine(model, { precision: exactly, nvrtc, cache: kernelCache(process.env), tuning });
    const runsOn = `${side} runs on ${card.name}`;
    const notes = [proof === null ? runsOn : `${runsOn}, ${describeProof(proof)}`, ...(note === null ? [] : [note])];
    return { potential: engine, note: notes.join("; "), versions: { card: cardName(card), ...(compiler === null ? {} : { compiler }) } };
  }
  if (side.startsWith("native:")) {
    const engine = createNativeEngine(model, { device: "cpu", precision, ...limit });
    return { potential: engine, note: null, versions: { "instruction set": engine.plan(1, 0).instructionSet } };
  }
  if (side.startsWith("fd:")) {
    const inner = await open(side.slice(3));
    return { ...inner, potential: finiteDifferencePotential(inner.potential) };
  }
  if (/^(ipc|tcp):/.test(side)) {
    const remote = await RemotePotential.connect(side);
    return { potential: remote, note: `${side} serves ${remote.name}`, versions: remote.welcome.versions };
  }
  const kind = side === "package" ? "package" : side.startsWith("ase:") ? "ase" : null;
  const python = await interpreter(kind && options.pythons?.[kind]);
  const connect = RemotePotential.connect.bind(RemotePotential);
  const worker = await startWorker({ python, threads: threads ?? 1, ...workerOf(side, model, checkpoint) }, connect);
  return { potential: worker, note: null, versions: worker.remote.welcome.versions };
}

/** What a proof is asked for on this machine. @throws {PainnlessError} MISSING without a card */
export async function subjectOf(model: ModelFile): Promise<Subject> {
  const [card] = cudaCards() as [CudaCard];
  return {
    model: model.sha256,
    engine: await engineBuild(),
    ...{ card: cardName(card), driver: card.driver },
  };
}

const cardName = ({ name, architecture }: CudaCard): string => `${name} (sm_${architecture})`;

/** Paths of NVRTC, for who opens engines himself. */
export const nvrtcHere = async (): Promise<string[]> => nvrtcCandidates(process.env, await sitePackages(() => resolvePython()));

/** What an engine goes by here: what `painnless tune` has found for it, or what is shipped; and what compiles its kernels. */
export async function tuningFor(
  model: ModelFile,
  precision: CudaPrecision,
  card: CudaCard,
  nvrtc: readonly string[],
): Promise<Found & { readonly compiler: string | null }> {
  try {
    const wanted = await tunedFor(model, precision, card, nvrtc);
    return { ...(await findTuning(tuningFolder(process.env), wanted, card.architecture)), compiler: wanted.compiler };
  } catch (error) {
    // Without NVRTC, or for a model that is too large, there is no engine to tune, which says so itself.
    if (!(error instanceof PainnlessError && ["MISSING", "UNSUPPORTED"].includes(error.code))) throw error;
    return { tuning: shippedTuning(card.architecture), note: null, compiler: null };
  }
}

/** Where the Python environment in use keeps its packages, NVRTC's wheel among them; a machine without Python may have NVRTC elsewhere. */
async function sitePackages(interpreter: () => Promise<PythonEnvironment>): Promise<string | null> {
  try {
    return (await interpreter()).sitePackages;
  } catch (error) {
    if (error instanceof PainnlessError && error.code === "MISSING") return null;
    throw error;
  }
}

function workerOf(side: string, model: ModelFile, checkpoint: string | null) {
  if (side.startsWith("ase:")) return { serve: side as `ase:${string}` };
  if (side === "package") {
    if (checkpoint === null)
      throw new PainnlessError("USAGE", `side "package" runs the original checkpoint: name it with --checkpoint FILE`, {
        field: "checkpoint",
      });
    return { serve: "package" as const, model: checkpoint, energyUnit: model.config.energy_unit };
  }
  const precision = side.endsWith("f64") ? ("f64" as const) : ("f32" as const);
  const device = side.split(":").slice(1, -1).join(":");
  return { serve: "torch" as const, model: model.path, device, precision };
}
