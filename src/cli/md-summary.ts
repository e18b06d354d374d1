import type { MdResult } from "../dynamics/result.ts";
import { bold, dim, red, table, verdictWord, yellow } from "./terminal.ts";

/** So many digits, in powers of ten where zeros would hide them; a dash for what is not known. */
function digits(x: number | null, count = 3): string {
  if (x === null) return "-";
  const size = Math.abs(x);
  if (x !== 0 && !(size >= 1e-3 && size < 1e7)) return x.toExponential(count - 1);
  return Number(x.toPrecision(count)).toLocaleString("en", { maximumSignificantDigits: count });
}

/** "0.012 (0.010 to 0.014)", or a dash for what is not known. */
function interval({ value, low, high }: { value: number | null; low: number | null; high: number | null }): string {
  if (value === null) return "-";
  return low === null || high === null ? `${digits(value)} (no interval)` : `${digits(value)} (${digits(low)} to ${digits(high)})`;
}

/** What a person should see at the end of a run: figures with their intervals, findings, then the verdict. */
export function mdSummary(result: MdResult): string {
  const { drift, orderInDt, reversal, attribution, shadow, trajectory } = result;
  const time = (result.steps * result.dt) / 1e3;
  const rows: [string, string][] = [
    [
      "length",
      `${result.steps.toLocaleString("en")} steps of ${result.dt} fs = ${digits(time, 4)} ps, ${result.replicas} replica${result.replicas === 1 ? "" : "s"}`,
    ],
    ["speed", `${digits(result.stepsPerSecond)} steps/s, ${digits(result.nsPerDay)} ns/day`],
    ["temperature", `${digits(result.temperature.mean, 4)} ± ${digits(result.temperature.deviation, 2)} K`],
    ...(drift === null
      ? []
      : ([["drift", `${interval(drift)} ${drift.unit}, ${interval(drift.percentOfKineticPerNs)} %/ns of the kinetic energy`]] as [
          string,
          string,
        ][])),
    ...(result.energyRms === null
      ? []
      : ([["energy rms", `${digits(result.energyRms.value)} ${result.energyRms.unit}`]] as [string, string][])),
    ...(orderInDt === null ? [] : ([["order in dt", interval(orderInDt)]] as [string, string][])),
    ...(reversal === null
      ? []
      : ([
          ["reversal", `${digits(reversal.value)} Å after ${reversal.steps.toLocaleString("en")} steps there and back, ${reversal.side}`],
        ] as [string, string][])),
    ...(shadow === null
      ? []
      : ([
          [
            "shadow",
            `${shadow.side}: forces differ by ${digits(shadow.forces.maxAbs)} at most, rms ${digits(shadow.forces.rms)} ${shadow.forces.unit}, on ${shadow.frames} frames`,
          ],
        ] as [string, string][])),
    ...(trajectory === null ? [] : ([["trajectory", `${trajectory}, ${result.frames ?? 0} frames`]] as [string, string][])),
  ];
  return [
    `${bold(result.structure.name)}  ${dim(`${result.side}, ${result.ensemble}, seed ${result.seed}`)}\n`,
    ...(result.note === null ? [] : [`  ${dim(result.note)}\n`]),
    ...rows.map(([name, text]) => `  ${name.padEnd(12)}  ${text}\n`),
    ...(attribution === null ? [] : [`\n${bold("Where the drift comes from")}  ${dim(attribution.unit)}\n`, attributionTable(attribution)]),
    `\n${table(
      ["check", "found", "limit", "", "verdict"],
      result.checks.map(({ name, value, limit, unit, verdict }) => [name, digits(value), digits(limit), unit, verdictWord(verdict)]),
      [1, 2],
    )}`,
    ...result.findings.map((finding) => `  ${yellow("note")}  ${finding}\n`),
    ...(result.stop === null ? [] : [`  ${red("stopped")}  ${result.stop.message}\n`]),
    `\n${bold("Verdict:")} ${verdictWord(result.verdict)}${reason(result)}  ${dim(`${result.seconds.toFixed(1)} s`)}\n`,
  ].join("");
}

function attributionTable({ whole, parts, sum, rest }: NonNullable<MdResult["attribution"]>): string {
  const rows = [...parts.map((part): [string, string] => [part.cause, interval(part)]), ["sum", interval(sum)], ["rest", interval(rest)]];
  return table(["cause", "drift"], [["whole", interval(whole)], ...rows]);
}

function reason({ checks, undecided }: MdResult): string {
  const failed = checks.filter(({ verdict }) => verdict === "fail").map(({ sentence }) => sentence);
  return `${failed.length === 0 ? "" : `: ${failed.slice(0, 3).join(" ")}`}${undecided.map((words) => `; ${words}`).join("")}`;
}
