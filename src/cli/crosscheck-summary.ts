import type { Comparison, CrosscheckResult, LawResult } from "../crosscheck/result.ts";
import { bold, dim, green, red, scientific, table, verdictWord, yellow } from "./terminal.ts";

/** What a person should see at the end of a crosscheck: tables, findings, then the verdict. */
export function crosscheckSummary(result: CrosscheckResult): string {
  const { comparisons, laws, structures, sides } = result;
  const origins = ["given", "displaced", "boxed"] as const;
  const counts = origins.map((origin) => `${structures.filter((s) => s.origin === origin).length} ${origin}`).join(", ");
  const errors = sides.flatMap(({ name, error }) => (error === null ? [] : [`  ${red("error")}  ${name}: ${error.message}\n`]));
  const notes = sides.flatMap(({ note }) => (note === null ? [] : [`  ${dim(note)}\n`]));
  const parts = [
    `${bold(result.model.name)}  ${dim(`${result.model.architecture}, ${result.model.sha256.slice(0, 12)}`)}\n`,
    `  ${structures.length} structures (${counts}), seed ${result.seed}\n`,
    ...notes,
    ...errors,
    `\n${bold("Do they agree?")}  ${dim("largest difference, and what rounding explains")}\n`,
    table(
      ["side", "against", "energy, eV/atom", "forces, eV/Å", "allowed", "stress, eV/Å^3", "verdict"],
      comparisons.map(comparisonRow),
      [2, 3, 4, 5],
    ),
    ...comparisons.flatMap(yardstickLine),
    ...budgetLines(result),
    `\n${bold("Are the laws kept?")}  ${dim(laws.length === 0 ? "none was tried" : "worst of all structures")}\n`,
    ...(laws.length === 0 ? [] : [lawTable(laws)]),
    ...comparisons.flatMap(({ reasons }) => reasons.slice(0, 3).map((reason) => `  ${red("fail")}  ${reason}\n`)),
    ...(result.findings.length === 0 ? [] : [`\n${bold("Findings about the model")}\n`]),
    ...result.findings.map((finding) => `  ${yellow("note")}  ${finding}\n`),
    `\n${bold("Verdict:")} ${verdictWord(result.verdict)}${verdictReason(result)}  ${dim(`${result.seconds.toFixed(1)} s`)}\n`,
  ];
  return parts.join("");
}

const comparisonRow = (c: Comparison): string[] => [
  c.side,
  c.reference,
  scientific(c.energy.maxAbsPerAtom),
  scientific(c.forces?.maxAbs),
  scientific(c.forces?.tolerance),
  scientific(c.stress?.maxAbs),
  verdictWord(c.verdict),
];

const yardstickLine = ({ side, yardstick }: Comparison): string[] =>
  yardstick === null
    ? []
    : [
        `  ${dim(`${side} is ${yardstick.ratio?.toPrecision(2) ?? "?"} times as far as PyTorch's own float32; ${yardstick.limit} is allowed`)}\n`,
      ];

/** What a teacher makes worth showing: the model's own error beside the engine's. */
function budgetLines({ budget }: CrosscheckResult): string[] {
  if (budget.every(({ expects }) => expects === "equality")) return [];
  const rows = budget.map(({ source, expects, side, reference, energy, forces }) => [
    source,
    side,
    reference,
    expects,
    `${scientific(energy.rms)}${energy.basis === "net" ? "" : ` (${energy.basis})`}`,
    scientific(forces?.rms),
    scientific(forces?.maxAbs),
  ]);
  return [
    `\n${bold("Error budget")}  ${dim("where the error of a result comes from; equality is judged above, an error is measured")}\n`,
    table(["cause", "side", "against", "expected", "energy rms, eV/atom", "forces rms, eV/Å", "largest"], rows, [4, 5, 6]),
  ];
}

/** One row a law, one column a side. */
function lawTable(laws: readonly LawResult[]): string {
  const sides = [...new Set(laws.map(({ side }) => side))];
  const names = [...new Set(laws.map(({ name }) => name))];
  const rows = names.map((name) => [
    name,
    ...sides.flatMap((side) => {
      const worst = worstLaw(laws.filter((law) => law.name === name && law.side === side));
      return worst === undefined ? ["-", ""] : [`${scientific(worst.value)} ${worst.unit}`, lawWord(worst)];
    }),
  ]);
  return table(["law", ...sides.flatMap((side) => [side, ""])], rows);
}

const severity = (law: LawResult): number => {
  if (law.verdict === "fail") return Number.POSITIVE_INFINITY;
  return (law.value ?? Number.POSITIVE_INFINITY) / Math.max(law.tolerance, Number.MIN_VALUE);
};

const worstLaw = (laws: readonly LawResult[]): LawResult | undefined =>
  laws.reduce<LawResult | undefined>((worst, law) => (worst === undefined || severity(law) > severity(worst) ? law : worst), undefined);

const lawWord = (law: LawResult): string => {
  if (law.attribution === "model") return yellow("the model's");
  return law.verdict === "pass" ? green("kept") : red("BROKEN");
};

function verdictReason({ comparisons, laws, sides }: CrosscheckResult): string {
  const failed = [
    ...comparisons.filter(({ verdict }) => verdict === "fail").map(({ side, reference }) => `${side} differs from ${reference}`),
    ...new Set(laws.filter(({ verdict }) => verdict === "fail").map(({ name, side }) => `${side} breaks "${name}"`)),
    ...sides.filter(({ error }) => error !== null).map(({ name }) => `${name} gave an error`),
  ];
  if (failed.length === 0) return "";
  return `: ${failed.slice(0, 3).join("; ")}${failed.length > 3 ? ` and ${failed.length - 3} more` : ""}`;
}
