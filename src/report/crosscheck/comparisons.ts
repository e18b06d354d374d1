import type { Comparison, CrosscheckResult } from "../../crosscheck/result.ts";
import { type Bin, barChart, type Margin, marginChart, parityChart } from "../charts.ts";
import { type Markup, markup } from "../markup.ts";
import { formatCount, formatExact, formatNumber, powerOfTen, ratioOf } from "../numbers.ts";
import { coloursOf, comparisonName, principal, sideName } from "./words.ts";

type Components = NonNullable<Comparison["forces"]> | NonNullable<Comparison["stress"]>;

interface Quantity {
  readonly name: "energy" | "forces" | "stress";
  readonly unit: string;
  readonly error: number | null;
  readonly tolerance: number;
  readonly ratio: number | null;
  readonly components: Components | null;
}

function quantitiesOf(comparison: Comparison): Quantity[] {
  const { energy, forces, stress } = comparison;
  const of = (name: Quantity["name"], unit: string, components: Components): Quantity => ({
    ...{ name, unit, components },
    ...{ error: components.maxAbs, tolerance: components.tolerance, ratio: components.ratio },
  });
  return [
    {
      ...{ name: "energy", unit: "eV/atom", components: null },
      ...{ error: energy.maxAbsPerAtom, tolerance: energy.tolerance, ratio: energy.ratio },
    },
    ...(forces === null ? [] : [of("forces", "eV/Å", forces)]),
    ...(stress === null ? [] : [of("stress", "eV/Å³", stress)]),
  ];
}

const held = (quantity: Quantity) => quantity.ratio !== null && quantity.ratio <= 1;

/** Every comparison's distance from its limit, in one chart. */
export function comparisonMargins(result: CrosscheckResult): Markup {
  const colour = coloursOf(result);
  const rows = principal(result).flatMap((c) =>
    quantitiesOf(c).map((q): Margin => {
      const text = `${formatNumber(q.error)} ${q.unit}`;
      const tone = held(q) ? "held" : "fail";
      return {
        name: `${comparisonName(c, result)}  ${q.name}`,
        marks: [{ of: c.side, ratio: q.ratio, text, colour: colour(c.side), tone }],
      };
    }),
  );
  return marginChart(rows, "Largest error of each side against its tolerance");
}

/** Those with the reference, and any that failed; the others follow from them and are a click away. */
export function comparisonTables(result: CrosscheckResult): Markup {
  const first = principal(result);
  const others = result.comparisons.filter((c) => !first.includes(c));
  const yardsticks = first.flatMap(({ side, yardstick }) =>
    yardstick === null
      ? []
      : [
          markup`<p>PyTorch's own float32 (${sideName(yardstick.side)}) is up to ${formatNumber(yardstick.maxAbs)} eV/Å from the same reference; ${sideName(side)} is ${formatNumber(yardstick.ratio)} times as far in the median over the structures, and ${formatNumber(yardstick.limit)} times is allowed.</p>`,
        ],
  );
  const more =
    others.length === 0
      ? null
      : markup`<details><summary>${formatCount(others.length, "comparison")} of the sides with each other</summary>${comparisonTable(others, "Comparisons of the sides with each other")}</details>`;
  return markup`${comparisonTable(first, "Comparisons")}${yardsticks}${more}`;
}

function comparisonTable(comparisons: readonly Comparison[], label: string): Markup {
  const rows = comparisons.flatMap((c) => {
    const quantities = quantitiesOf(c);
    return quantities.map((q, i) => {
      const head =
        i === 0
          ? markup`<th scope="rowgroup" class="text" rowspan="${quantities.length}">${sideName(c.side)}<br><span class="soft">against ${c.reference}</span><br><span class="${c.verdict}">${c.verdict}</span></th>`
          : null;
      const basis = q.name === "energy" && c.energy.basis !== "net" ? ` (${c.energy.basis})` : "";
      return markup`<tr>${head}<th scope="row" class="text sub">${q.name}${basis}<span class="soft">, ${q.unit}</span></th><td>${formatNumber(q.error)}</td><td>${q.components === null ? "–" : formatNumber(q.components.rms)}</td><td>${q.components === null ? "–" : formatNumber(q.components.relative)}</td><td>${formatNumber(q.tolerance)}</td><td class="${held(q) ? "pass" : "fail"}">${formatNumber(ratioOf(q.error, q.tolerance) === 0 ? 0 : q.ratio)}</td></tr>`;
    });
  });
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="${label}"><table><caption>Component by component; a ratio of error to allowed of at most 1 passes</caption><thead><tr><th class="text" scope="col">side</th><th class="text" scope="col">quantity</th><th scope="col">largest error</th><th scope="col">rms</th><th scope="col">relative</th><th scope="col">allowed</th><th scope="col">error ÷ allowed</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

/** The component with the largest error of each side, with both values to the last digit. */
export function worstTable(result: CrosscheckResult): Markup {
  const rows = principal(result).flatMap((c) => {
    const { forces, stress, energy } = c;
    const row = (where: string, what: string, side: number | null, reference: number | null) =>
      markup`<tr><th scope="row" class="text">${sideName(comparisonName(c, result))}</th><td class="text wrap">${where}</td><td class="text">${what}</td><td class="${side === null ? "fail" : ""}">${formatExact(side)}</td><td class="${reference === null ? "fail" : ""}">${formatExact(reference)}</td></tr>`;
    const f = forces?.worst ?? null;
    const s = stress?.worst ?? null;
    const e = energy.worst;
    return [
      e === null ? null : row(e.structure, "energy, eV", e.side, e.reference),
      f === null ? null : row(`${f.structure}, atom ${f.atom} (${f.symbol})`, `F${f.component}, eV/Å`, f.side, f.reference),
      s === null ? null : row(s.structure, `σ${s.component}, eV/Å³`, s.side, s.reference),
    ];
  });
  return markup`<div class="scroll" tabindex="0" role="region" aria-label="Worst components"><table><caption>Where each side is furthest from ${sideName(result.reference)}; atoms count from 0</caption><thead><tr><th class="text" scope="col">side</th><th class="text" scope="col">where</th><th class="text" scope="col">what</th><th scope="col">side's value</th><th scope="col">reference</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function decadeBins(components: Components): Bin[] {
  const { errors, tolerance } = components;
  const decades = errors.counts.map((count, k) => ({
    label: powerOfTen(errors.first + k),
    count,
    over: 10 ** (errors.first + k) >= tolerance,
  }));
  return errors.zero > 0 ? [{ label: "0", count: errors.zero, over: false }, ...decades] : decades;
}

function ulpBins(ulps: NonNullable<Components["ulps"]>): Bin[] {
  const last = ulps.histogram.reduce((at, bin, i) => (bin.count > 0 ? i : at), 0);
  const name = (upTo: number | null) =>
    upTo === null ? "more" : upTo >= 2 ** 20 ? `${upTo / 2 ** 20}M` : upTo >= 1024 ? `${upTo / 1024}k` : String(upTo);
  return ulps.histogram.slice(0, last + 1).map((bin) => ({ label: name(bin.upTo), count: bin.count, over: false }));
}

/** A component near zero has an ulp near zero, and any rounding is then many ulps: beyond a size the number says nothing. */
function largestUlps({ max, precision }: NonNullable<Components["ulps"]>): string {
  const unit = `${precision} ulps of the reference value.`;
  return max !== null && max <= 2 ** 20
    ? `largest ${formatNumber(max)} ${unit}`
    : `largest over a million ${unit} Near zero an ulp means little.`;
}

function binTable(bins: readonly Bin[], what: string): Markup {
  const rows = bins.map((bin) => markup`<tr><th scope="row" class="text">${bin.label}</th><td>${bin.count}</td></tr>`);
  return markup`<details><summary>as a table</summary><table><thead><tr><th scope="col" class="text">${what}</th><th scope="col">components</th></tr></thead><tbody>${rows}</tbody></table></details>`;
}

function componentFigures(side: string, name: string, unit: string, components: Components, colour: number): Markup {
  const decades = decadeBins(components);
  const { ulps } = components;
  const parity = parityChart(components.parity, unit, `${name} of ${side} against the reference`, colour);
  const errors = barChart(decades, `error, ${unit}, by decade`, `Errors of the ${name} of ${side}`, colour);
  const units =
    ulps === null
      ? null
      : markup`<figure>${barChart(ulpBins(ulps), `error, ${ulps.precision} ulps, at most`, `Errors of the ${name} of ${side} in units in the last place`, colour)}<figcaption><b>In units in the last place.</b> Median ${formatNumber(ulps.median)}, ${largestUlps(ulps)}</figcaption>${binTable(ulpBins(ulps), "ulps, at most")}</figure>`;
  return markup`<h3>${sideName(side)}, ${name}</h3><div class="figures"><figure>${parity}<figcaption><b>Parity.</b> Each component against the reference's, and what is between them.</figcaption></figure><figure>${errors}<figcaption><b>Errors.</b> Components by the size of their error; allowed is ${formatNumber(components.tolerance)} ${unit}.</figcaption>${binTable(decades, `error from, ${unit}`)}</figure>${units}</div>`;
}

export function comparisonFigures(result: CrosscheckResult): Markup {
  const colour = coloursOf(result);
  const figures = principal(result).flatMap((c) =>
    quantitiesOf(c).map((q) =>
      q.components === null ? null : componentFigures(comparisonName(c, result), q.name, q.unit, q.components, colour(c.side)),
    ),
  );
  return markup`${figures}`;
}
