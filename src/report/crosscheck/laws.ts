import { type CrosscheckResult, type Curve, type LawName, type LawResult, lawNames } from "../../crosscheck/result.ts";
import { lineChart, type Margin, marginChart, type Series } from "../charts.ts";
import { type Markup, markup } from "../markup.ts";
import { formatNumber, ratioOf, unitText } from "../numbers.ts";
import { attributionWords, coloursOf, lawWords, sideKey, sideName } from "./words.ts";

const shownCharts = 4;

const failed = (law: LawResult) => law.verdict === "fail";
const toneOf = (law: LawResult) => (failed(law) ? "fail" : law.holds ? "held" : "note");

/** The measurement of a law that says most: an engine's fault before a model's, then the largest against its tolerance. */
function worstOf(laws: readonly LawResult[]): LawResult {
  const rank = (law: LawResult) => (failed(law) ? 2 : law.holds ? 0 : 1);
  const size = (law: LawResult) => ratioOf(law.value, law.tolerance) ?? Number.POSITIVE_INFINITY;
  return laws.reduce((worst, law) => (rank(law) > rank(worst) || (rank(law) === rank(worst) && size(law) > size(worst)) ? law : worst));
}

const textOf = (law: LawResult) => (law.error === null ? `${formatNumber(law.value)} ${unitText(law.unit)}` : "not measured");

/** The measurements of each law that has any, in the order of the schema. */
function byLaw(result: CrosscheckResult): { name: LawName; laws: LawResult[] }[] {
  return lawNames.map((name) => ({ name, laws: result.laws.filter((law) => law.name === name) })).filter(({ laws }) => laws.length > 0);
}

const sidesOf = (laws: readonly LawResult[]) => [...new Set(laws.map((law) => law.side))];

export function lawMargins(result: CrosscheckResult): Markup {
  const colour = coloursOf(result);
  const rows = byLaw(result).map(({ name, laws }): Margin => {
    const perSide = sidesOf(laws).map((side) => worstOf(laws.filter((law) => law.side === side)));
    const worst = worstOf(laws);
    // Drawn last, so that its dot and its figure are the ones seen.
    const ordered = [...perSide.filter((law) => law.side !== worst.side), worst];
    const marks = ordered.map((law) => ({
      ...{ of: law.side, ratio: law.error === null ? ratioOf(law.value, law.tolerance) : null },
      ...({ text: textOf(law), colour: colour(law.side), tone: toneOf(law) } as const),
    }));
    return { name, marks };
  });
  return marginChart(rows, "Largest violation of each law against its tolerance");
}

export function lawTable(result: CrosscheckResult): Markup {
  const rows = byLaw(result).flatMap(({ name, laws }) =>
    sidesOf(laws).map((side, i, sides) => {
      const law = worstOf(laws.filter((l) => l.side === side));
      const head =
        i === 0
          ? markup`<th scope="rowgroup" class="text wrap" rowspan="${sides.length}">${lawWords[name]}<br><span class="soft">${name}</span></th>`
          : null;
      const tone = { held: "pass", note: "note", fail: "fail" }[toneOf(law)];
      const reference = law.reference === null ? "–" : formatNumber(law.reference.value);
      return markup`<tr>${head}<th scope="row" class="text sub">${sideName(side)}</th><td>${law.error === null ? formatNumber(law.value) : "–"} <span class="soft">${unitText(law.unit)}</span></td><td>${formatNumber(law.tolerance)}</td><td>${reference}</td><td class="text wrap ${tone}">${attributionWords(law)}</td><td class="text wrap">${law.structure}</td></tr>`;
    }),
  );
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Laws"><table><caption>The worst structure of each law and side; the reference's column is the same measurement on ${sideName(result.reference)}</caption><thead><tr><th class="text" scope="col">law</th><th class="text" scope="col">side</th><th scope="col">off by</th><th scope="col">allowed</th><th scope="col">reference</th><th class="text" scope="col">finding</th><th class="text" scope="col">worst structure</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

/** In words, why a broken law is the model's or the engine's fault. */
export function attributionNotes(result: CrosscheckResult): Markup {
  const of = (attribution: LawResult["attribution"]) =>
    [...new Set(result.laws.filter((law) => !law.holds && law.attribution === attribution).map((law) => law.name))].join(", ");
  const model = of("model");
  const engine = of("engine");
  return markup`${
    model === ""
      ? null
      : markup`<p><b class="note">The model's own:</b> ${model}. The reference, which evaluates the same weights by other means, breaks this as much as the engine does. The engine computes the model faithfully; the model itself does not obey, and no engine can mend that.</p>`
  }${
    engine === ""
      ? null
      : markup`<p><b class="fail">The engine's fault:</b> ${engine}. The reference does not break this on the same structure and random numbers, or not nearly as much.</p>`
  }`;
}

export function skippedList(result: CrosscheckResult): Markup | null {
  if (result.skipped.length === 0) return null;
  const items = result.skipped.map(({ law, side, reason }) => markup`<li>${law}${side === null ? "" : ` on ${side}`}: ${reason}</li>`);
  return markup`<details><summary>${result.skipped.length} not measured, and why</summary><ul>${items}</ul></details>`;
}

function curveTable(series: readonly Series[], label: string): Markup {
  const steps = series[0]?.x ?? [];
  const rows = steps.map(
    (x, i) =>
      markup`<tr><th scope="row" class="text">${formatNumber(x)}</th>${series.map((s) => markup`<td>${formatNumber(s.y[i] ?? null)}</td>`)}</tr>`,
  );
  return markup`<details><summary>as a table</summary><div class="scroll"><table><thead><tr><th class="text" scope="col">${label}</th>${series.map((s) => markup`<th scope="col">${s.name}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div></details>`;
}

/** The curves of one law by what they show, a line a side; the first few charts, the rest is in the JSON. */
export function lawCurves(result: CrosscheckResult, name: LawName): Markup | null {
  const colour = coloursOf(result);
  const laws = result.laws.filter((law) => law.name === name && law.curves.length > 0);
  // Sides may have measured different things, and only curves of the same thing belong into one chart: a title ends in its side.
  const charts = new Map<string, { side: string; curve: Curve }[]>();
  for (const { side, curves } of laws)
    for (const curve of curves) {
      const title = curve.title.replace(`, ${side}`, "");
      const drawn = charts.get(title) ?? [];
      if (!drawn.some((other) => other.side === side)) charts.set(title, [...drawn, { side, curve }]);
    }
  if (charts.size === 0) return null;
  const figures = [...charts].slice(0, shownCharts).map(([title, drawn]) => {
    const { x, y } = (drawn[0] as (typeof drawn)[number]).curve;
    const series = drawn.map(({ side, curve }) => ({ name: side, colour: colour(side), x: curve.x.values, y: curve.y.values }));
    const axis = ({ label, log }: Curve["x"] | Curve["y"]) => ({ label: unitText(label), log });
    const chart = lineChart(series, axis(x), axis(y), title);
    return markup`<figure>${chart}<figcaption><b>${title.replace(/^./, (c) => c.toUpperCase())}.</b></figcaption>${curveTable(series, x.label)}</figure>`;
  });
  const rest = charts.size - shownCharts;
  return markup`${sideKey(result, sidesOf(laws))}<div class="figures large">${figures}</div>${rest > 0 ? markup`<p class="soft">${rest} more are in the JSON.</p>` : null}`;
}
