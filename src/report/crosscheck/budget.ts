import type { BudgetEntry, CrosscheckResult } from "../../crosscheck/result.ts";
import { type Markup, markup } from "../markup.ts";
import { formatNumber } from "../numbers.ts";
import { sideName } from "./words.ts";

const sourceWords: Readonly<Record<BudgetEntry["source"], string>> = {
  engine: "our engine, in float64",
  float32: "float32",
  mixed: "mixed precision",
  package: "the checkpoint's own package",
  model: "the model itself",
};

const basisWords: Readonly<Record<BudgetEntry["energy"]["basis"], string>> = {
  net: "",
  total: " of totals",
  shifted: " less each composition's mean",
};

/** Where the error of a result comes from, one row a cause; null where nothing was measured. */
export function budgetTable({ budget }: CrosscheckResult): Markup | null {
  if (budget.length === 0) return null;
  const rows = budget.map(({ source, expects, side, reference, structures, energy, forces }) => {
    const expected = expects === "equality" ? "equal, but for rounding" : "an error";
    return markup`<tr><th scope="row" class="text">${sourceWords[source]}</th><td class="text">${sideName(side)}<br><span class="soft">and</span> ${sideName(reference)}</td><td class="text">${expected}</td><td>${structures}</td><td>${formatNumber(energy.rms)}<span class="soft">${basisWords[energy.basis]}</span></td><td>${formatNumber(forces?.rms ?? null)}</td><td>${formatNumber(forces?.maxAbs ?? null)}</td></tr>`;
  });
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Error budget"><table><caption>Root mean square and largest differences over all structures; what should be equal is judged above, what is an error is only measured</caption><thead><tr><th class="text" scope="col">cause</th><th class="text" scope="col">measured between</th><th class="text" scope="col">expected</th><th scope="col">structures</th><th scope="col">energy, rms, eV/atom</th><th scope="col">forces, rms, eV/Å</th><th scope="col">forces, largest</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}
