import { defineCommand } from "citty";
import { type Tuned, tune } from "../bench/card/tune.ts";
import { choices } from "../bench/card/tune-settings.ts";
import { tuneSubjects } from "../bench/card/tune-subjects.ts";
import { cudaCards } from "../engine/device.ts";
import type { CudaCard, CudaPrecision } from "../engine/native.ts";
import { tuningFolder } from "../engine/nvrtc.ts";
import { shippedTuning, type Tuning } from "../engine/tuning.ts";
import { claimTuning, type TuningFile, tunedFor } from "../engine/tuning-file.ts";
import { PainnlessError } from "../errors.ts";
import { readModelFile } from "../model/model-file.ts";
import { onAbort } from "../system/on-abort.ts";
import { option, usual, wholeNumber } from "./arguments.ts";
import { cudaEngine } from "./bench-card.ts";
import type { CommandData } from "./command.ts";
import { assertOwnFiles, claimOutput } from "./output.ts";
import { nvrtcHere, openExact, sidesOf } from "./sides.ts";
import { bold, dim, progressBar, table } from "./terminal.ts";

/** seconds after which what is left stays as it is */
const limit = 150;
const now = () => performance.now() / 1e3;
const tunable = "native:cuda:f32, native:cuda:f64 or native:cuda:mixed";

/** `painnless tune`: what the CUDA engine goes by where several ways lead to the same result, chosen by what is faster on this card. */
export const tuneCommand = defineCommand({
  meta: { name: "tune", description: "Choose schedules and cuts for a model on this GPU by timing them; used from then on" },
  args: {
    model: usual.model,
    side: option("SIDE", tunable, "native:cuda:f32"),
    seed: usual.seed,
    json: option("FILE", "Write what is kept there too"),
  },
  async run({ args, data }) {
    const { signal } = data as CommandData;
    const { side } = args;
    if (!/^native:cuda:(f32|f64|mixed)$/.test(side))
      throw new PainnlessError("UNSUPPORTED", `--side is "${side}": a GPU's engine is tuned, ${tunable}`, { field: "side" });
    const precision = side.slice("native:cuda:".length) as CudaPrecision;
    const seed = wholeNumber("seed", args.seed, 0);
    await assertOwnFiles({ "--json": args.json }, [args.model]);
    const model = await readModelFile(args.model);
    const [card] = cudaCards() as [CudaCard];
    const json = args.json === undefined ? null : await claimOutput(args.json);
    const began = now();
    const wanted = await tunedFor(model, precision, card, await nvrtcHere());
    const keep = await claimTuning(tuningFolder(process.env), wanted);
    const sides = sidesOf({ model, checkpoint: null, threads: null });
    const opened = [sides];
    const letGo = onAbort(signal, () => void Promise.all(opened.map((each) => each.close())));
    const bar = progressBar();
    try {
      const { potential: exact } = await sides.open("native:cpu:f64");
      const shipped = shippedTuning(card.architecture);
      const tuned = await tune({
        async open(tuning: Tuning) {
          const own = sidesOf({ model, checkpoint: null, threads: null, tuning: { ...shipped, ...tuning } });
          opened.push(own);
          return cudaEngine((await own.open(side)).potential);
        },
        ...tuneSubjects(exact, model, seed, openExact),
        schedule: { seconds: 0.5, minimumRounds: 7, turn: 0.02, sets: 1, now },
        ...{ limit, multiprocessors: card.multiprocessors },
        progress: (stage, done, total) => bar.update({ stage, done, total }),
      });
      bar.stop();
      const file: TuningFile = {
        ...{ format: "painnless.tuning/3", made: new Date().toISOString(), seconds: now() - began, tunedFor: wanted },
        ...{ ...tuned, tuning: { ...shipped, ...tuned.tuning } },
      };
      const path = await keep(file);
      await json?.write(`${JSON.stringify(file, null, 1)}\n`);
      process.stdout.write(tuneSummary(file, path));
    } finally {
      bar.stop();
      letGo();
      await Promise.all(opened.map((each) => each.close()));
    }
  },
});

/** @param path where it is kept */
export function tuneSummary(file: TuningFile, path: string): string {
  const { tunedFor, tuning, usual: before, trials, leftOut, seconds } = file;
  const ms = (value: number) => value.toPrecision(3);
  const isChoice = (setting: string) => choices.some(({ name }) => name === setting);
  const rows = trials.map((trial) => {
    const { setting, value, against, atoms, structures, ratio, verdict } = trial;
    return [
      ...[isChoice(setting) ? `${setting} ${value}, not ${against}` : setting, `${structures === 1 ? "" : `${structures}x`}${atoms}`],
      ...[
        ms(trial.with.medianMs),
        ms(trial.without.medianMs),
        ratio.value.toFixed(2),
        `${ratio.low.toFixed(2)}–${ratio.high.toFixed(2)}`,
        verdict,
      ],
    ];
  });
  const changed = Object.entries(tuning).flatMap(([name, value]) => {
    const usually = before[name as keyof Tuned["usual"]];
    return value === usually ? [] : [`  ${name}: ${value}, usually ${usually}\n`];
  });
  const about = [
    `${tunedFor.card}, driver of CUDA ${tunedFor.driver}, ${tunedFor.compiler}, ${tunedFor.precision}; ${seconds.toFixed(0)} s`,
    "the way below a bound against the way beyond it, at so many atoms; every way verified, and bit for bit the same twice",
  ];
  return [
    `\n${bold("painnless tune")}\n${about.map((line) => `${dim(`  ${line}`)}\n`).join("")}\n`,
    table(["setting", "atoms", "with, ms", "without", "ratio", "p10–p90", ""], rows, [1, 2, 3, 4, 5]),
    "\n",
    ...(changed.length === 0 ? ["  nothing is faster than what is usual by more than it spreads\n"] : changed),
    ...(leftOut.length === 0 ? [] : [`  no time was left for ${leftOut.join(", ")}\n`]),
    `  kept in ${path}; engines of this shape use it here from now on\n`,
  ].join("");
}
