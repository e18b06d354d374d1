import { allowedCliff } from "../bench/card/cliffs.ts";
import type { CardResult, CardTrial } from "../bench/result.ts";
import { bold, dim, red, table, yellow } from "./terminal.ts";

const ms = (value: number | undefined) => (value === undefined ? "-" : value < 100 ? value.toPrecision(3) : value.toFixed(0));
const times = (value: number | undefined) => (value === undefined ? "-" : `${value.toFixed(1)}x`);

const theirs = ["torch-eager", "torch-graph", "torch-compile", "torch-compile/tf32"] as const;
const heading = [
  ...["system", "schedule", "edges", "ours, ms", "p10–p90", "cold", "search", "to result"],
  ...["eager", "graph", "compile", "/tf32", "x best", "/tf32", "x floor"],
];

function row(trial: CardTrial): string[] {
  const { figures, against, opponents } = trial;
  const opponent = (name: string) => ms(opponents.find((one) => one.name === name)?.medianMs);
  return [
    `${trial.name}${trial.precision === "f64" ? ", f64" : ""}`,
    trial.schedule,
    String(Math.round(trial.edges)),
    ms(trial.medianMs),
    `${ms(trial.p10Ms)}–${ms(trial.p90Ms)}`,
    ms(figures.cold?.medianMs),
    trial.schedule === "resident" ? "within" : ms(figures.search?.medianMs),
    ms(figures["launch to result"]?.medianMs),
    ...theirs.map(opponent),
    times(against["torch-best"]),
    times(against["torch-best/tf32"]),
    times(trial.floor?.times),
  ];
}

/** Of what rows other than energies and forces are. */
function others(trials: readonly CardTrial[]): string {
  const lines = trials.flatMap((trial): string[][] => {
    const rate = Object.entries(trial.perSecond).map(([what, value]) => `${Number(value.toPrecision(3)).toLocaleString("en")} ${what}/s`);
    if (trial.measures === "network") return [];
    const rivals = trial.opponents.map(({ name, medianMs }) => `${name} ${ms(medianMs)} ms, ${times(trial.against[name])} ours`);
    const rest = Object.entries(trial.figures).map(([name, { medianMs }]) => `${name} ${ms(medianMs)} ms`);
    return [
      [
        trial.name,
        trial.schedule,
        ms(trial.medianMs),
        `${ms(trial.p10Ms)}–${ms(trial.p90Ms)}`,
        rate.join(", "),
        [...rest, ...rivals].join("; "),
      ],
    ];
  });
  return lines.length === 0 ? "" : `\n${table(["system", "schedule", "ours, ms", "p10–p90", "", "beside it"], lines, [2])}`;
}

/** How far rows of other models and arrangements are above their floor, beside 1,000 atoms of the main model. */
const cliffs = (trials: readonly CardTrial[]): string[] =>
  trials.flatMap(({ name, floor }) => {
    if (floor?.scaled === undefined) return [];
    const found = `  ${name}: ${floor.scaled.toFixed(2)} of what 1000 atoms take, scaled by their floors`;
    return [floor.scaled <= allowedCliff ? `${found}\n` : red(`${found}, more than ${allowedCliff}\n`)];
  });

/** SchNetPack's own model, where it was timed. */
const packages = (trials: readonly CardTrial[]): string[] =>
  trials.flatMap(({ name: row, opponents, against }) =>
    opponents
      .filter(({ name }) => name === "schnetpack")
      .map(({ name, medianMs }) => `  ${row}: SchNetPack's own model ${ms(medianMs)} ms, ${times(against[name])} ours\n`),
  );

/** Each opponent that was not timed, once for all rows where it has the same reason. */
function absent(trials: readonly CardTrial[]): string[] {
  const rows = new Map<string, string[]>();
  for (const trial of trials)
    for (const { name, reason } of trial.absent) {
      const line = `no ${name}: ${reason.split("\n")[0]}`;
      rows.set(line, [...(rows.get(line) ?? []), trial.name]);
    }
  return [...rows].map(([line, names]) => yellow(`  ${names.join(", ")}: ${line}\n`));
}

export function cardSummary(result: CardResult): string {
  const { attributes: card, found, model, machine, trials } = result;
  const state = Object.entries(found.after).map(([name, value]) => `${name} ${value}`);
  const versions = ["torch", "schnetpack", "nvalchemi-toolkit-ops"].flatMap((name) =>
    machine.versions[name] ? [`${name} ${machine.versions[name]}`] : [],
  );
  const about = [
    `${result.card}, sm_${card.architecture}, CUDA ${card.cuda}; up to ${card.clockMHz.toFixed(0)} MHz: ${(card.peak / 1e12).toFixed(1)} Tflop/s in float32, ${(card.bandwidth / 1e12).toFixed(2)} TB/s`,
    ...(state.length === 0 ? [] : [`as found: ${state.join(", ")}`]),
    `${versions.join(", ")}; ${model.name}: F=${model.features} L=${model.layers} R=${model.radial} ${model.cutoff} Å; commit ${result.commit ?? "unknown"}`,
    "energy and forces of the whole batch, ms, caches warm, neighbours given (within ours where the schedule is resident); verified on the inputs",
  ];
  const networks = trials.filter(({ measures }) => measures === "network");
  const leftOut = result.leftOut.map(({ name, reason }) => yellow(`  no ${name}: ${reason}\n`));
  const main = networks.length === 0 ? "" : table(heading, networks.map(row), heading.map((_, k) => k).slice(2));
  const lines = about.map((line) => `${dim(`  ${line}`)}\n`).join("");
  return `\n${bold(`painnless bench ${result.suite}`)}\n${lines}\n${main}${others(trials)}${packages(trials).join("")}${cliffs(trials).join("")}${[...absent(trials), ...leftOut].join("")}`;
}
