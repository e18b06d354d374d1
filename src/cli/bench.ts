import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineCommand } from "citty";
import { z } from "zod";
import { aseSizes } from "../bench/ase.ts";
import { cardRow, cardRows } from "../bench/card/rows.ts";
import { assertComparable, compareResults } from "../bench/compare.ts";
import { type BenchResult, benchFormat, benchResultSchema } from "../bench/result.ts";
import { systems } from "../bench/systems.ts";
import { cudaCards } from "../engine/device.ts";
import { PainnlessError } from "../errors.ts";
import { disagreement } from "../system/disagreement.ts";
import { readRegular } from "../system/regular-file.ts";
import { nameList, oneOf, option, usual, wholeNumber } from "./arguments.ts";
import { aseSummary, runAse } from "./bench-ase.ts";
import { runCardBench } from "./bench-card.ts";
import { cardSummary } from "./bench-card-summary.ts";
import { runBench } from "./bench-run.ts";
import { runShim, shimSummary } from "./bench-shim.ts";
import { benchSummary, changeSummary } from "./bench-summary.ts";
import type { CommandData } from "./command.ts";
import { assertOwnFiles, claimOutput } from "./output.ts";
import { thisMachine } from "./version.ts";

const shippedModel = fileURLToPath(new URL("../../models/ethanol.safetensors", import.meta.url));
const sizes = systems.map(({ name }) => name);

const progress = (text: string): void => void (process.stderr.isTTY && process.stderr.write(`  ${text}\n`));

const cardSuites = ["gpu", "neighbours", "md"] as const;
const suites = ["cpu", ...cardSuites] as const;

const options = {
  model: option("FILE", "Model file; random weights of F=128, L=3, R=20 by default"),
  checkpoint: option("FILE", "A SchNetPack checkpoint instead, imported first (gpu, ase)"),
  "energy-unit": option("UNIT", "Unit of the checkpoint's energies"),
  sizes: option("A,B,...", `Systems: of ${sizes.join(", ")} (cpu); of ${cardRows.map(({ name }) => name).join(", ")}, or atoms (gpu, ase)`),
  side: option("SIDE", "Our side; native:cpu:f32 (shim), the GPU's float32 where there is a GPU (ase)"),
  batch: option("N", "Structures of each size in one batch (gpu)", "1"),
  precisions: option("A,B", "Precisions; f32,f64 by default, f32 on a GPU"),
  threads: option("N", "Threads of ours, and the most PyTorch may use; all by default (cpu, shim)"),
  seconds: option("S", "Seconds of timing for each system and precision; 8 by default, 2 on a GPU"),
  iterations: option("N", "Evaluations of a turn; as many as last 20 ms by default (gpu)"),
  opponents: { type: "boolean", default: true, description: "Time PyTorch beside ours (gpu)" },
  compile: { type: "boolean", default: true, description: "Also time torch.compile, which takes minutes to compile" },
  seed: option("S", "Seed of weights and inputs", "0"),
  json: usual.json,
  compare: option("FILE", "Fail if a ratio of this earlier result has fallen by more than its spread"),
} as const;

type Option = keyof typeof options;
const basic: readonly Option[] = ["model", "json"];
const timed: readonly Option[] = [...basic, "sizes", "seconds", "seed"];
const compared: readonly Option[] = [...timed, "precisions", "compile", "compare"];
const ofCard: readonly Option[] = [...compared, "checkpoint", "energy-unit", "batch", "iterations", "opponents"];
/** What a suite takes. Anything else would be passed over, and is refused. */
const taken: Readonly<Record<string, readonly Option[]>> = {
  ...{ cpu: [...compared, "threads"], gpu: ofCard, neighbours: ofCard, md: ofCard },
  ...{ shim: [...basic, "side", "precisions", "threads"], ase: [...timed, "side", "checkpoint", "energy-unit"] },
};

/** @throws {PainnlessError} USAGE for a suite that there is not, and for an option that it does not take */
function assertTaken(suite: string, rawArgs: readonly string[]): void {
  const own = Object.hasOwn(taken, suite) ? taken[suite] : undefined;
  if (own === undefined)
    throw new PainnlessError("USAGE", `there is no suite "${suite}"; the suites are ${Object.keys(taken).join(", ")}`, { field: "suite" });
  for (const name of Object.keys(options) as Option[]) {
    const isGiven = rawArgs.some((arg) => arg === `--${name}` || arg === `--no-${name}` || arg.startsWith(`--${name}=`));
    if (isGiven && !own.includes(name))
      throw new PainnlessError("USAGE", `--${name} is nothing to bench ${suite}, which takes --${own.join(", --")}`, { field: name });
  }
}

/** `painnless bench`: our median against PyTorch's, interleaved, verified first. Exit status 1 if a ratio fell against --compare. */
export const benchCommand = defineCommand({
  meta: { name: "bench", description: "Time our engine against PyTorch, same weights, same inputs, in turns; verified first" },
  args: {
    suite: {
      type: "positional",
      required: false,
      default: "cpu",
      description:
        "Suite to run: cpu; gpu, or of it neighbours or md; shim (the way from ASE to the engine); ase (a SchNetPack user's script, before and after)",
    },
    ...options,
  },
  async run({ args, rawArgs, data }) {
    const { signal } = data as CommandData;
    assertTaken(args.suite, rawArgs);
    await assertOwnFiles({ "--json": args.json }, [args.model ?? shippedModel, args.checkpoint, args.compare]);
    if (args.suite === "shim") return benchShim(args);
    if (args.suite === "ase") return benchAse(args, { signal, command: ["painnless", "bench", ...rawArgs].join(" ") });
    const suite = oneOf("suite", args.suite, suites);
    const onCard = suite !== "cpu";
    const usualPrecisions = onCard ? "f32" : "f32,f64";
    const shared = {
      ...{ model: args.model ?? null, compile: args.compile, signal },
      precisions: nameList("precisions", args.precisions ?? usualPrecisions).map((name) => oneOf("precisions", name, ["f32", "f64"])),
      seconds: wholeNumber("seconds", args.seconds ?? (onCard ? "2" : "8"), 1),
      seed: wholeNumber("seed", args.seed, 0),
      command: ["painnless", "bench", ...rawArgs].join(" "),
      progress,
    };
    const run = suite === "cpu" ? cpuRun(args, shared) : cardRun(args, suite, shared);
    const before = args.compare === undefined ? null : await readResult(args.compare);
    // Now, and not when minutes have gone.
    if (before !== null) assertComparable(before, { suite, card: onCard ? (cudaCards()[0]?.name ?? "") : (await thisMachine({})).cpu });
    const json = args.json === undefined ? null : await claimOutput(args.json);
    const result = benchResultSchema.parse(await run());
    await json?.write(`${JSON.stringify(result, null, 1)}\n`);
    process.stdout.write(result.suite === "cpu" ? benchSummary(result) : cardSummary(result));
    if (before === null) return 0;
    const comparison = compareResults(before, result);
    process.stdout.write(changeSummary(comparison, args.compare ?? ""));
    return comparison.changes.some(({ fell }) => fell) ? 1 : 0;
  },
});

type Shared = Omit<Parameters<typeof runBench>[0], "rows" | "threads">;
interface Arguments {
  readonly model?: string | undefined;
  readonly sizes?: string | undefined;
  readonly threads?: string | undefined;
  readonly batch: string;
  readonly iterations?: string | undefined;
  readonly checkpoint?: string | undefined;
  readonly "energy-unit"?: string | undefined;
  readonly opponents: boolean;
}

/** What the arguments ask for, to be run once the files it writes are its own. */
function cpuRun(args: Arguments, shared: Shared) {
  const chosen = nameList("sizes", args.sizes ?? sizes.join(",")).map((name) => oneOf("sizes", name, sizes));
  const rows = chosen.flatMap((name) => systems.filter((row) => row.name === name));
  const threads = args.threads === undefined ? availableParallelism() : wholeNumber("threads", args.threads, 1);
  return () => runBench({ ...shared, rows, threads });
}

/** @throws {PainnlessError} USAGE if both say which it is */
function givenModel(args: Pick<Arguments, "checkpoint" | "energy-unit"> & { readonly model?: string | undefined }) {
  const { checkpoint: path, model } = args;
  if (path !== undefined && model !== undefined)
    throw new PainnlessError("USAGE", "--model and --checkpoint both say which model is timed; name one", { field: "checkpoint" });
  if (path === undefined && args["energy-unit"] !== undefined)
    throw new PainnlessError("USAGE", "--energy-unit is of a checkpoint's energies; name it with --checkpoint", { field: "energy-unit" });
  return { model: model ?? null, checkpoint: path === undefined ? null : { path, unit: args["energy-unit"] ?? null } };
}

function cardRun(args: Arguments, suite: (typeof cardSuites)[number], shared: Shared) {
  const { checkpoint } = givenModel(args);
  const structures = wholeNumber("batch", args.batch, 1);
  const part = ({ gpu: null, neighbours: "neighbours", md: "dynamics" } as const)[suite];
  // A model of the user's is what is timed; rows of other models are of our own.
  const given = checkpoint !== null || shared.model !== null;
  const usualRows = cardRows.filter(({ measures, model }) => (part === null || measures === part) && (!given || model === "main"));
  const rows =
    args.sizes === undefined && structures === 1
      ? usualRows
      : nameList("sizes", args.sizes ?? usualRows[0]?.name ?? "").map((name) => cardRow(name, structures, part));
  if (rows.length === 0)
    throw new PainnlessError("USAGE", `bench ${suite} times models of its own; leave out --model and --checkpoint`, { field: "model" });
  const iterations = args.iterations === undefined ? null : wholeNumber("iterations", args.iterations, 1);
  return () => runCardBench({ ...shared, suite, rows, checkpoint, iterations, opponents: args.opponents });
}

/** A side of our own. @throws {PainnlessError} USAGE */
function ownSide(text: string): string {
  if (/^native:(cpu|cuda):f(32|64)$/.test(text)) return text;
  throw new PainnlessError("USAGE", `--side is "${text}", expected native:cpu:f32, native:cpu:f64, native:cuda:f32 or native:cuda:f64`, {
    field: "side",
  });
}

function hasCard(): boolean {
  try {
    return cudaCards().length > 0;
  } catch (error) {
    if (error instanceof PainnlessError && error.code === "MISSING") return false;
    throw error;
  }
}

interface OwnArguments {
  readonly side?: string | undefined;
  readonly model?: string | undefined;
  readonly precisions?: string | undefined;
  readonly threads?: string | undefined;
  readonly json?: string | undefined;
}

/** `painnless bench shim`: what a call through ASE costs beside the engine. Exit status 1 if it is more than is allowed. */
async function benchShim(args: OwnArguments) {
  const [precision = "f64"] = nameList("precisions", args.precisions ?? "f32,f64").map((name) => oneOf("precisions", name, ["f32", "f64"]));
  const side = ownSide(args.side ?? `native:cpu:${precision}`);
  const json = args.json === undefined ? null : await claimOutput(args.json);
  const { results, crowd } = await runShim({
    ...{ model: args.model ?? shippedModel, side, progress },
    threads: args.threads === undefined ? availableParallelism() : wholeNumber("threads", args.threads, 1),
  });
  await json?.write(`${JSON.stringify({ format: "painnless.shim/3", side, results, crowd }, null, 1)}\n`);
  process.stdout.write(shimSummary(results, crowd, side));
  return [...results, crowd].every(({ pass }) => pass) ? 0 : 1;
}

/** `painnless bench ase`: the script of a SchNetPack user, before and after the line that makes its calculator is swapped. */
async function benchAse(
  args: OwnArguments &
    Pick<Arguments, "sizes" | "checkpoint" | "energy-unit"> & { readonly seconds?: string | undefined; readonly seed: string },
  about: { readonly signal: AbortSignal; readonly command: string },
) {
  const sizes = nameList("sizes", args.sizes ?? aseSizes.join(","));
  for (const size of sizes) wholeNumber("sizes", size, 1);
  const side = ownSide(args.side ?? (hasCard() ? "native:cuda:f32" : "native:cpu:f32"));
  const model = givenModel(args);
  const seconds = wholeNumber("seconds", args.seconds ?? "5", 1);
  const seed = wholeNumber("seed", args.seed, 0);
  const json = args.json === undefined ? null : await claimOutput(args.json);
  const result = await runAse({ ...about, ...model, side, sizes, seconds, seed, progress });
  await json?.write(`${JSON.stringify(result, null, 1)}\n`);
  process.stdout.write(aseSummary(result));
  return 0;
}

async function readResult(path: string): Promise<BenchResult> {
  const text = (await readRegular(path, "the result to compare with,")).toString("utf8");
  const refuse = (what: string, cause: unknown): never => {
    const expected = `expected a result of painnless bench ${suites.join(", ")}`;
    throw new PainnlessError("USAGE", `cannot compare with ${path}: ${what}; ${expected}`, { cause });
  };
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch (cause) {
    return refuse("it is not JSON", cause);
  }
  const parsed = benchResultSchema.safeParse(found);
  if (parsed.success) return parsed.data;
  const { data: format } = z.object({ format: z.string() }).safeParse(found);
  const what = format?.format === benchFormat ? disagreement(parsed.error) : `its format is ${format?.format ?? "not said"}`;
  return refuse(what, parsed.error);
}
