import type { Comparison, CrosscheckResult, LawResult } from "../../crosscheck/result.ts";
import { type Markup, markup } from "../markup.ts";
import { formatCount, formatNumber, prose } from "../numbers.ts";
import { comparisonName, lawWords, principal, sideName, sideWords } from "./words.ts";

const shownReasons = 3;

/** The verdict in one sentence. */
export function headline(result: CrosscheckResult): string {
  const reference = sideWords(result.reference);
  if (result.verdict === "pass") {
    const compared = result.comparisons.some((c) => c.forces !== null) ? "forces" : "energies";
    return result.comparisons.length === 0 ? "Every law that was measured holds." : `The ${compared} agree with ${reference}.`;
  }
  const silent = result.sides.find((side) => side.error !== null);
  if (silent !== undefined) return `${silent.name} gave no answer, so nothing is proven.`;
  const wrong = worstOf(result.comparisons.filter((c) => c.verdict === "fail"));
  if (wrong !== undefined) return comparisonHeadline(wrong, sideWords(wrong.reference));
  const broken = result.laws.find((law) => law.verdict === "fail");
  if (broken === undefined) return "Nothing was compared, so nothing is proven.";
  const law = lawWords[broken.name].replace(/^./, (c) => c.toLowerCase());
  return broken.error === null ? `${broken.side} breaks a law: ${law}.` : `${broken.side} failed while a law was measured: ${law}.`;
}

function comparisonHeadline({ side, forces, energy }: Comparison, reference: string): string {
  if (forces !== null && forces.maxAbs === null) return `${side} gives forces that are missing or not numbers.`;
  if (energy.maxAbsPerAtom === null) return `${side} gives energies that are missing or not numbers.`;
  if (forces !== null && !(Number(forces.ratio) <= 1))
    return `The forces disagree: ${side} is ${formatNumber(forces.maxAbs)} eV/Å away from ${reference}.`;
  if (!(Number(energy.ratio) <= 1))
    return `The energies disagree: ${side} is ${formatNumber(energy.maxAbsPerAtom)} eV per atom away from ${reference}.`;
  return `${side} does not agree with ${reference}.`;
}

/** The comparison that is furthest off; one that is not finite first. */
function worstOf(comparisons: readonly Comparison[]): Comparison | undefined {
  const size = (c: Comparison) =>
    Math.max(...[c.energy, c.forces, c.stress].map((q) => (q === null ? 0 : (q.ratio ?? Number.POSITIVE_INFINITY))));
  return comparisons.reduce<Comparison | undefined>((worst, c) => (worst === undefined || size(c) > size(worst) ? c : worst), undefined);
}

function lead(result: CrosscheckResult): Markup {
  const parts = principal(result).map((c) => {
    const [error, tolerance, unit] =
      c.forces === null ? [c.energy.maxAbsPerAtom, c.energy.tolerance, "eV per atom"] : [c.forces.maxAbs, c.forces.tolerance, "eV/Å"];
    if (error === null)
      return markup`<li>${sideName(comparisonName(c, result))} gave values that are <b class="fail">missing or NaN</b></li>`;
    const tone = c.verdict === "pass" ? "" : "fail";
    return markup`<li>${sideName(comparisonName(c, result))} differs by at most <b class="${tone}">${formatNumber(error)} ${unit}</b> <span class="soft">(allowed ${formatNumber(tolerance)})</span></li>`;
  });
  const measured = new Set(result.laws.map((law) => law.name)).size;
  const counts = `${formatCount(result.structures.length, "structure")}, ${formatCount(result.comparisons.length, "comparison")}, ${formatCount(measured, "law")} measured.`;
  return markup`<div class="lead"><p>${counts}</p><ul>${parts}</ul></div>`;
}

function lawReason(law: LawResult): string {
  const what = `${law.side} on ${law.structure}: ${law.name}`;
  if (law.error !== null) return `${what} could not be measured: ${law.error.message}`;
  const theirs = law.reference === null ? "" : `; ${law.reference.side} has ${formatNumber(law.reference.value)}`;
  return `${what} is off by ${formatNumber(law.value)} ${law.unit}, tolerance ${formatNumber(law.tolerance)}${theirs}`;
}

function reasonsOf(result: CrosscheckResult): string[] {
  return [
    ...result.sides.flatMap((s) =>
      s.error === null
        ? []
        : [`${s.name}${s.error.structure === null ? "" : ` on ${s.error.structure}`}: ${s.error.message} (${s.error.code})`],
    ),
    ...result.comparisons.flatMap((c) => c.reasons.map((reason) => `${comparisonName(c, result)}: ${reason}`)),
    ...result.laws.filter((law) => law.verdict === "fail").map(lawReason),
  ];
}

function reasonList(reasons: readonly string[]): Markup | null {
  if (reasons.length === 0) return null;
  const items = (some: readonly string[]) => markup`<ul>${some.map((reason) => markup`<li>${prose(reason)}</li>`)}</ul>`;
  const rest = reasons.slice(shownReasons);
  const more = rest.length === 0 ? null : markup`<details><summary>${rest.length} more</summary>${items(rest)}</details>`;
  return markup`<section class="reasons" aria-label="Why it failed">${items(reasons.slice(0, shownReasons))}${more}</section>`;
}

/** The head of the page: verdict, figures, why it failed, what was found about the model. */
export function verdictHeader(result: CrosscheckResult): Markup {
  const sign = result.verdict === "pass" ? "✓ PASS" : "✗ FAIL";
  const findings =
    result.findings.length === 0
      ? null
      : markup`<section class="findings" aria-label="Findings"><p><b>About the model itself</b></p><ul>${result.findings.map((f) => markup`<li>${prose(f)}</li>`)}</ul></section>`;
  return markup`<p class="eyebrow">painnless crosscheck · ${result.model.name} · ${result.started.slice(0, 10)}</p>
<p class="verdict ${result.verdict}">${sign}</p>
<h1>${headline(result)}</h1>
${lead(result)}${reasonList(reasonsOf(result))}${findings}`;
}
