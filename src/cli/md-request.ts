import { dirname, join, relative, resolve } from "node:path";
import type { ArgsDef } from "citty";
import { type Checkpoint, readCheckpoint } from "../dynamics/checkpoint.ts";
import { type SimulationOptions, simulationOptions } from "../dynamics/options.ts";
import { pathsOf, type RecordingPaths } from "../dynamics/recording.ts";
import { PainnlessError } from "../errors.ts";
import { type ModelFile, readModelFile } from "../model/model-file.ts";
import type { Structure } from "../system/structure.ts";
import { option, usual, wholeNumber } from "./arguments.ts";
import { freshRequest, givenOptions, type RunArguments, resumedOptions, runOptions } from "./md-options.ts";
import { assertSide } from "./sides.ts";
import { readStructures } from "./structures.ts";

/** The arguments that say what is run and where it is kept; `runOptions` says how. */
export const runArguments = {
  model: { ...usual.model, required: false },
  structure: { type: "positional", required: false, description: "A file that ASE reads, with one structure, FILE@INDEX, or name:NAME" },
  side: option("SIDE", "Which side computes the forces; auto by default"),
  ...runOptions,
  shadow: option("SIDE", "A second side, asked for forces along the way"),
  "shadow-every": option("K", "On every so manieth frame; 10 by default"),
  out: option("FILE", "Frames, as .xyz (extended), .h5 or .h5md (H5MD), or .traj (ASE)"),
  checkpoint: option("FILE", "What the run can go on from; OUT.checkpoint or md.checkpoint by default"),
  resume: option("FILE", "Go on from a checkpoint; MODEL, STRUCTURE and options are known from it"),
} as const satisfies ArgsDef;

type Given = RunArguments & {
  readonly [name in "model" | "structure" | "side" | "shadow" | "shadow-every" | "out" | "checkpoint" | "resume"]?: string | undefined;
};

/** What is to be run. */
export interface MdPlan {
  readonly model: ModelFile;
  readonly structure: Structure;
  readonly side: string;
  readonly options: SimulationOptions;
  readonly shadow: { readonly side: string; readonly every: number } | null;
  readonly paths: RecordingPaths;
  /** a file to make of the frames when the run is over; null: the stream of frames is what was asked for, or nothing */
  readonly converted: string | null;
  /** where the run stands; null for a new one */
  readonly resumed: Checkpoint | null;
}

/** @param report folder of the report, which needs frames
 *  @throws {PainnlessError} USAGE, NOT_FOUND, BAD_MODEL, BAD_STRUCTURE, BAD_CHECKPOINT, UNSUPPORTED */
export async function planRun(args: Given, surplus: readonly string[], report: string | null): Promise<MdPlan> {
  if (surplus.length > 0) throw new PainnlessError("USAGE", `md: unexpected argument "${surplus[0]}"; a run has one structure`);
  for (const side of [args.side, args.shadow]) if (side !== undefined) assertSide(side);
  return args.resume === undefined ? planFresh(args, report) : planResumed(args, args.resume);
}

async function planFresh(args: Given, report: string | null): Promise<MdPlan> {
  if (args.model === undefined || args.structure === undefined)
    throw new PainnlessError("USAGE", "md: MODEL and STRUCTURE are missing (or --resume FILE); see painnless md --help");
  const shadow = shadowOf(args);
  const { paths, converted } = freshPaths(args.out ?? null, args.checkpoint ?? null, report);
  const keepsFrames = paths.trajectory !== null || shadow !== null;
  const options = simulationOptions(freshRequest(givenOptions(args, 0.5), keepsFrames));
  if (shadow !== null && options.frameEvery === 0)
    throw new PainnlessError("USAGE", "--shadow looks at frames; give --every a number of steps", { field: "every" });
  const model = await readModelFile(args.model);
  const structure = await readOne(args.structure);
  return { model, structure, side: args.side ?? "auto", options, shadow, paths, converted, resumed: null };
}

async function readOne(source: string): Promise<Structure> {
  const structures = await readStructures([source], { moved: true });
  const [structure] = structures;
  if (structure !== undefined && structures.length === 1) return structure;
  throw new PainnlessError(
    "USAGE",
    `${source} holds ${structures.length} structures, a run has one; take one of them with ${source}@INDEX`,
  );
}

function shadowOf(args: Given): MdPlan["shadow"] {
  const every = args["shadow-every"];
  if (args.shadow === undefined) {
    if (every !== undefined) throw new PainnlessError("USAGE", "--shadow-every says how often a side is asked that --shadow must name");
    return null;
  }
  return { side: args.shadow, every: every === undefined ? 10 : wholeNumber("shadow-every", every, 1) };
}

/** Frames go to a file of extended XYZ in any case: what a killed run leaves of it can be read. */
function freshPaths(out: string | null, checkpoint: string | null, report: string | null): Pick<MdPlan, "paths" | "converted"> {
  const kind = out === null ? null : /\.(ext)?xyz$/.test(out) ? "stream" : /\.(h5|h5md|traj)$/.test(out) ? "converted" : "unknown";
  if (kind === "unknown")
    throw new PainnlessError("USAGE", `--out is "${out}", expected a name that ends in .xyz, .extxyz, .h5, .h5md or .traj`, {
      field: "out",
    });
  const trajectory =
    kind === "stream" ? out : kind === "converted" ? `${out}.xyz` : report === null ? null : join(report, "trajectory.xyz");
  const file = resolve(checkpoint ?? `${trajectory ?? "md"}.checkpoint`);
  const log = `${file.replace(/\.checkpoint$/, "")}.log`;
  const paths = { checkpoint: file, log, trajectory: trajectory && resolve(trajectory) };
  return { paths, converted: kind === "converted" ? out && resolve(out) : null };
}

async function planResumed(args: Given, file: string): Promise<MdPlan> {
  const checkpoint = await readCheckpoint(file);
  const { model: known, structure, side, shadow, options, state } = checkpoint;
  const refuse = (what: string, field: string): never => {
    throw new PainnlessError("USAGE", `${what}; leave it out, or begin a new run`, { field });
  };
  const paths = pathsOf(resolve(file), checkpoint);
  const model = await readModelFile(args.model ?? known.path);
  if (model.sha256 !== known.sha256)
    refuse(
      `MODEL ${model.path} has the hash ${model.sha256}, but the run in ${file} was made with ${known.path}, ${known.sha256}`,
      "model",
    );
  if (args.structure !== undefined && !sameAtoms(await readOne(args.structure), structure))
    refuse(`STRUCTURE ${args.structure} is not where the run in ${file} began ("${structure.name}")`, "structure");
  if (args.side !== undefined && args.side !== side.asked && args.side !== side.name)
    refuse(`--side is ${args.side}, but the run in ${file} was made by ${side.name}`, "side");
  const asked = shadowOf({ ...args, shadow: args.shadow ?? (args["shadow-every"] && shadow?.side) });
  if (asked !== null && (asked.side !== shadow?.side || (args["shadow-every"] !== undefined && asked.every !== shadow.every)))
    refuse(`--shadow gives ${asked.side}, but the run in ${file} has ${shadow?.side ?? "none"}`, "shadow");
  const converted = checkpoint.out === null ? null : resolve(dirname(file), checkpoint.out);
  const out = converted ?? paths.trajectory;
  if (args.out !== undefined && resolve(args.out) !== out)
    refuse(`--out is ${args.out}, but the frames of the run in ${file} go to ${out === null ? "no file" : relative("", out)}`, "out");
  if (args.checkpoint !== undefined && resolve(args.checkpoint) !== paths.checkpoint)
    refuse(`--checkpoint is ${args.checkpoint}, but the run goes on in ${file}`, "checkpoint");
  if (checkpoint.stop !== null) throw new PainnlessError("UNSTABLE", `the run in ${file} cannot go on: ${checkpoint.stop.message}`);
  return {
    ...{ model, structure, side: side.asked, shadow, paths, converted, resumed: checkpoint },
    options: resumedOptions(file, options, state.step, givenOptions(args, options.timestep)),
  };
}

function sameAtoms(a: Structure, b: Structure): boolean {
  const of = ({ numbers, positions, cell, pbc }: Structure) => JSON.stringify([numbers, [...positions], cell && [...cell], pbc]);
  return of(a) === of(b);
}
