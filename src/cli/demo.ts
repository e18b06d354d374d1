import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineCommand } from "citty";
import { readModelFile } from "../model/model-file.ts";
import { wholeNumber } from "./arguments.ts";
import type { CommandData } from "./command.ts";
import { defaultReference, defaultSides } from "./crosscheck.ts";
import { runCrosscheck } from "./crosscheck-run.ts";
import { crosscheckSummary } from "./crosscheck-summary.ts";
import { readStructures } from "./structures.ts";
import { bold, dim } from "./terminal.ts";

const model = fileURLToPath(new URL("../../models/ethanol.safetensors", import.meta.url));
/** Ethanol and relatives that the model was trained on. */
const molecules = ["CH3CH2OH", "CH3OH", "CH3OCH3", "CH3CHO", "H2O"].map((name) => `name:${name}`);

/** `painnless demo`, what `npm start` runs: our forces beside PyTorch's, on this machine. */
export const demoCommand = defineCommand({
  meta: { name: "demo", description: "See our forces beside PyTorch's on this machine: default model, crosscheck, one report" },
  args: {
    report: { type: "string", default: "painnless-report", valueHint: "DIR", description: "Folder for index.html and crosscheck.json" },
    seed: { type: "string", default: "0", valueHint: "S", description: "Seed of every random number" },
  },
  async run({ args, data }) {
    const { signal } = data as CommandData;
    const seed = wholeNumber("seed", args.seed, 0);
    process.stdout.write(
      `${bold("painnless")}: hand-derived forces of a PaiNN force field, checked against PyTorch's autograd\n${dim("  the same check for your own model: painnless import FILE -o MODEL, then painnless crosscheck MODEL STRUCTURES")}\n\n`,
    );
    const result = await runCrosscheck({
      model: await readModelFile(model),
      checkpoint: null,
      structures: readStructures(molecules),
      sides: defaultSides,
      reference: defaultReference,
      seed,
      samples: 2,
      boxes: true,
      threads: null,
      command: `painnless demo --seed ${seed}`,
      report: args.report,
      json: null,
      signal,
    });
    process.stdout.write(crosscheckSummary(result));
    process.stdout.write(
      `\n  open ${join(args.report, "index.html")} in a browser; the figures are in ${join(args.report, "crosscheck.json")}\n`,
    );
    return result.verdict === "pass" ? 0 : 1;
  },
});
