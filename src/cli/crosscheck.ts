import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { defineCommand } from "citty";
import { readReplay, unpackStructure } from "../crosscheck/replay.ts";
import { type LawName, lawNames } from "../crosscheck/result.ts";
import { PainnlessError } from "../errors.ts";
import { type ModelFile, readModelFile } from "../model/model-file.ts";
import { readRegular } from "../system/regular-file.ts";
import { foreignPythons, nameList, oneOf, option, usual, wholeNumber } from "./arguments.ts";
import type { CommandData } from "./command.ts";
import { type RunRequest, runCrosscheck } from "./crosscheck-run.ts";
import { crosscheckSummary } from "./crosscheck-summary.ts";
import { assertOwnFiles } from "./output.ts";
import { gatedSide, keepProof } from "./proof.ts";
import { subjectOf } from "./sides.ts";
import { readStructures } from "./structures.ts";
import { quoted } from "./terminal.ts";

export const defaultSides = ["native:cpu:f64", "native:cpu:f32", "fd:native:cpu:f64"];
export const defaultReference = "torch:cpu:f64";

/** `painnless crosscheck`: exit status 0 if all agree and every law is kept or broken by the model itself, 1 otherwise. */
export const crosscheckCommand = defineCommand({
  meta: { name: "crosscheck", description: "Compare sides with a reference, component by component, and try the laws on ours" },
  args: {
    model: { ...usual.model, required: false },
    structures: { type: "positional", required: false, description: "Files that ASE reads, or name:NAME; any number of them" },
    sides: option("A,B,...", "Sides to check", defaultSides.join(",")),
    reference: option("SIDE", "Side to check them against", defaultReference),
    samples: option("K", "Displaced copies (0.05 Å, seeded) of each composition", "2"),
    boxes: { type: "boolean", default: true, description: "Also put molecules into periodic cells, where every side can do that" },
    laws: option("A,B,...", "Laws to try on native sides, or none; all by default, which takes hundreds of evaluations"),
    seed: usual.seed,
    threads: option("N", "Threads of each engine and worker; a worker takes one by default"),
    checkpoint: option("FILE", 'The foreign file behind MODEL; side "package" runs what is in it'),
    python: option("PYTHON", "Of the foreign sides: PYTHON, or package=PYTHON,ase=PYTHON"),
    report: option("DIR", "Write index.html, crosscheck.json and a replay file for each failure"),
    json: usual.json,
    replay: option("FILE", "Run one recorded failure again"),
  },
  async run({ args, rawArgs, data }) {
    const { signal } = data as CommandData;
    const page = args.report && join(args.report, "index.html");
    await assertOwnFiles({ "--json": args.json, "the page of --report": page }, [...args._, args.checkpoint, args.replay]);
    const real = (path: string) => realpath(path).catch(() => resolve(path));
    if (
      args.report !== undefined &&
      args.replay !== undefined &&
      (await real(dirname(args.replay))) === (await real(join(args.report, "failures")))
    )
      throw new PainnlessError("USAGE", `--report is "${args.report}", whose page ${args.replay} is a failure of; name another folder`, {
        field: "report",
      });
    const outputs = {
      threads: args.threads === undefined ? null : wholeNumber("threads", args.threads, 1),
      pythons: foreignPythons("python", args.python),
      command: ["painnless", "crosscheck", ...rawArgs.map(quoted)].join(" "),
      report: args.report ?? null,
      json: args.json ?? null,
      signal,
    };
    const request =
      args.replay === undefined
        ? await freshRequest(args.model, args._.slice(1), args)
        : await replayRequest(args.replay, args._, args.checkpoint ?? null);
    const result = await runCrosscheck({ ...request, ...outputs });
    process.stdout.write(crosscheckSummary(result));
    if (args.report !== undefined) process.stdout.write(`  report: ${args.report}/index.html\n`);
    // Last: the figures are told whether or not it can be noted what they mean.
    const proving = request.sides.includes(gatedSide);
    const notice = proving ? await keepProof(process.env, result, await subjectOf(request.model)) : null;
    if (notice !== null) process.stdout.write(`  ${notice}\n`);
    return result.verdict === "pass" ? 0 : 1;
  },
});

type Question = Omit<RunRequest, "threads" | "pythons" | "command" | "report" | "json" | "signal">;

async function freshRequest(
  modelFile: string | undefined,
  sources: readonly string[],
  args: {
    sides: string;
    reference: string;
    seed: string;
    samples: string;
    boxes: boolean;
    laws?: string | undefined;
    checkpoint?: string | undefined;
  },
): Promise<Question> {
  if (modelFile === undefined) throw new PainnlessError("USAGE", "crosscheck: MODEL is missing; see painnless crosscheck --help");
  const sides = nameList("sides", args.sides).filter((side) => side !== args.reference);
  if (sides.length === 0)
    throw new PainnlessError("USAGE", `--sides is "${args.sides}": a side that is the reference itself proves nothing`, { field: "sides" });
  const numbers = { seed: wholeNumber("seed", args.seed, 0), samples: wholeNumber("samples", args.samples, 0) };
  const laws = lawsOf(args.laws);
  if (sources.length === 0) throw new PainnlessError("USAGE", "crosscheck: STRUCTURES are missing; see painnless crosscheck --help");
  const model = await readModelFile(modelFile);
  const checkpoint = args.checkpoint ?? null;
  if (checkpoint !== null) await assertSource(model, checkpoint);
  const { reference, boxes } = args;
  return { model, checkpoint, structures: () => readStructures(sources), sides, reference, boxes, laws, ...numbers };
}

const lawsOf = (text: string | undefined): readonly LawName[] => {
  if (text === undefined) return lawNames;
  return text === "none" ? [] : nameList("laws", text).map((name) => oneOf("laws", name, lawNames));
};

/** The checkpoint must be the one the model was made from, or side "package" would answer for another model. */
async function assertSource(model: ModelFile, checkpoint: string): Promise<void> {
  const bytes = await readRegular(checkpoint, "checkpoint");
  const found = createHash("sha256").update(bytes).digest("hex");
  if (found !== model.config.source_sha256)
    throw new PainnlessError(
      "USAGE",
      `--checkpoint ${checkpoint} has sha256 ${found}, but ${model.path} was imported from ${model.config.source_sha256}`,
      { field: "checkpoint" },
    );
}

/** The one structure, the two sides and the law of a recorded failure. */
async function replayRequest(file: string, positionals: readonly string[], checkpoint: string | null): Promise<Question> {
  const replay = await readReplay(file);
  const model = await readModelFile(positionals[0] ?? replay.modelFile);
  if (model.sha256 !== replay.modelSha256)
    throw new PainnlessError("USAGE", `${file} failed with model ${replay.modelSha256}, but ${model.path} is ${model.sha256}`);
  return {
    model,
    checkpoint,
    structures: async () => [unpackStructure(replay.structure)],
    sides: [replay.side],
    reference: replay.reference,
    seed: replay.seed,
    samples: 0,
    boxes: false,
    laws: replay.law === null ? [] : [replay.law],
  };
}
