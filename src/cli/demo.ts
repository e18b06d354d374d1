import { rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineCommand } from "citty";
import type { CrosscheckResult } from "../crosscheck/result.ts";
import { simulationOptions } from "../dynamics/options.ts";
import { type ModelFile, readModelFile } from "../model/model-file.ts";
import type { Structure } from "../system/structure.ts";
import { option, usual, wholeNumber } from "./arguments.ts";
import type { CommandData } from "./command.ts";
import { defaultReference, defaultSides } from "./crosscheck.ts";
import { runCrosscheck } from "./crosscheck-run.ts";
import { crosscheckSummary } from "./crosscheck-summary.ts";
import { type MdOutcome, runMd } from "./md-job.ts";
import { mdSummary } from "./md-summary.ts";
import { readStructures } from "./structures.ts";
import { bold, dim } from "./terminal.ts";

const model = fileURLToPath(new URL("../../models/ethanol.safetensors", import.meta.url));
/** Ethanol, which is moved, and relatives that the model was trained on. */
const molecules = ["CH3CH2OH", "CH3OH", "CH3OCH3", "CH3CHO", "H2O"].map((name) => `name:${name}`);

/** fs: so short that a few picoseconds tell whether the energy drifts, as what fluctuates falls with its fourth power. */
const timestep = 0.25;

/** `painnless demo`, what `npm start` runs: our forces beside PyTorch's, and what energy they conserve, on this machine. */
export const demoCommand = defineCommand({
  meta: {
    name: "demo",
    description: "See our forces beside PyTorch's on this machine, then dynamics with them: default model, one report",
  },
  args: {
    report: option("DIR", "Folder for index.html and the figures", "painnless-report"),
    seed: usual.seed,
    steps: option("N", `Steps of dynamics, ${timestep} fs each, of four replicas; 0: none`, "20000"),
    budget: option("N", "Replica steps for what explains the drift; 0: none", "60000"),
  },
  async run({ args, data }) {
    const { signal } = data as CommandData;
    const seed = wholeNumber("seed", args.seed, 0);
    const steps = wholeNumber("steps", args.steps, 0);
    const budget = wholeNumber("budget", args.budget, 0);
    process.stdout.write(
      `${bold("painnless")}: hand-derived forces of a PaiNN force field, checked against PyTorch's autograd\n${dim("  the same check for your own model: painnless import FILE -o MODEL, then painnless crosscheck MODEL STRUCTURES")}\n\n`,
    );
    const file = await readModelFile(model);
    const structures = readStructures(molecules);
    const crosscheck = await runCrosscheck({
      ...{ model: file, checkpoint: null, structures: () => structures, sides: defaultSides, reference: defaultReference, seed },
      ...{ samples: 2, boxes: true, threads: null, command: `painnless demo --seed ${seed}`, report: args.report, json: null, signal },
    });
    process.stdout.write(crosscheckSummary(crosscheck));
    const [ethanol] = await structures;
    const runs = steps > 0 && ethanol !== undefined && !signal.aborted;
    const outcome = runs ? await move(file, ethanol, { report: args.report, seed, steps, budget, crosscheck, signal }) : null;
    if (outcome !== null && "interrupted" in outcome) return 130;
    if (outcome !== null) process.stdout.write(`\n${mdSummary(outcome.result)}`);
    process.stdout.write(`\n  open ${join(args.report, "index.html")} in a browser; the figures are in the files beside it\n`);
    return crosscheck.verdict === "pass" && outcome?.result.verdict !== "fail" ? 0 : 1;
  },
});

interface Moving {
  readonly report: string;
  readonly seed: number;
  readonly steps: number;
  readonly budget: number;
  readonly crosscheck: CrosscheckResult;
  readonly signal: AbortSignal;
}

/** Constant energy at room temperature after a picosecond of equilibration; the page shows the crosscheck too. */
async function move(file: ModelFile, structure: Structure, { report, seed, steps, ...settings }: Moving): Promise<MdOutcome> {
  const paths = { checkpoint: join(report, "md.checkpoint"), log: join(report, "md.log"), trajectory: join(report, "trajectory.xyz") };
  // A demo is begun anew, also where an earlier one was interrupted.
  await rm(paths.checkpoint, { force: true });
  const options = simulationOptions({
    steps,
    timestep,
    equilibration: 1000 / timestep,
    replicas: 4,
    seed,
    frameEvery: Math.max(1, Math.round(steps / 500)),
  });
  const command = `painnless demo --seed ${seed} --steps ${steps} --budget ${settings.budget}`;
  const plan = { model: file, structure, side: "native:cpu:f64", options, shadow: null, paths, converted: null, resumed: null };
  return runMd(plan, { ...settings, command, report, json: null, threads: null, checkpointEvery: null, logJson: false });
}
