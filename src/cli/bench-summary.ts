import type { Comparison } from "../bench/compare.ts";
import type { CpuResult, Trial } from "../bench/result.ts";
import { bold, dim, green, red, table, yellow } from "./terminal.ts";

const ms = (value: number) => (value < 10 ? value.toPrecision(3) : value.toFixed(value < 100 ? 1 : 0));
const times = (value: number | undefined) => (value === undefined ? "-" : `${value.toFixed(1)}x`);

function row(trial: Trial): string[] {
  const theirs = (name: string) => {
    const found = trial.opponents.find((opponent) => opponent.name === name);
    return found === undefined ? "-" : `${ms(found.medianMs)} (${found.threads})`;
  };
  return [
    trial.name,
    trial.precision,
    String(Math.round(trial.edges)),
    ms(trial.medianMs),
    `${ms(trial.p10Ms)}–${ms(trial.p90Ms)}`,
    ms(trial.through.medianMs),
    theirs("torch-eager"),
    theirs("torch-compile"),
    times(trial.against["torch-eager"]),
    times(trial.against["torch-compile"]),
    times(trial.scaling.value),
    `${Math.round(100 * trial.peakFraction)} %`,
  ];
}

const heading = [
  ...["system", "", "edges", "ours, ms", "p10–p90", "evaluate", "eager (threads)", "compile (threads)"],
  ...["x eager", "x compile", "cores", "of peak"],
];

export function benchSummary(result: CpuResult): string {
  const notes = result.trials.flatMap((trial) => [
    ...trial.opponents
      .filter(({ malloc }) => malloc === "default")
      .map(
        (o) => `  ${trial.name}, ${trial.precision}: ${o.name} ${ms(o.medianMs)} ms (${o.threads}), ${times(trial.against[o.name])} ours\n`,
      ),
    ...trial.absent.map(({ name, reason }) => yellow(`  ${trial.name}, ${trial.precision}: no ${name}: ${reason.split("\n")[0]}\n`)),
  ]);
  const { machine, model, load } = result;
  const about = [
    `${machine.cpu}, ${result.instructionSet}, torch ${machine.versions.torch ?? ""}, malloc tuned for it; F=${model.features} L=${model.layers} R=${model.radial}`,
    `energy and forces of the whole batch; ours with its neighbour search, theirs with edges given; every side verified on the inputs`,
    `load of the machine ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after`,
  ];
  const lines = about.map((line) => `${dim(`  ${line}`)}\n`).join("");
  return `\n${bold("painnless bench cpu")}\n${lines}\n${table(heading, result.trials.map(row), [2, 3, 4, 5, 6, 7, 8, 9, 10, 11])}${notes.join("")}`;
}

/** @param path of the earlier result */
export function changeSummary({ changes, onlyBefore, onlyNow, tunedOtherwise }: Comparison, path: string): string {
  const number = (against: string, value: number) => (against === "own rate" ? `${value.toPrecision(3)}/s` : times(value));
  const rows = changes.map(({ trial, against, before, now, fell }) => [
    ...[trial, against, number(against, before), now === null ? "gone" : number(against, now), fell ? red("fell") : green("kept")],
  ]);
  const alone = [
    ...onlyBefore.map((name) => `  ${name}: in ${path} alone, not compared\n`),
    ...onlyNow.map((name) => `  ${name}: not in ${path}, not compared\n`),
    ...tunedOtherwise.map((name) => `  ${name}: with other settings of the CUDA engine than in ${path}\n`),
  ];
  return `\n${table(["system", "against", "before", "now", ""], rows, [2, 3])}${alone.map(yellow).join("")}`;
}
