import type { Attribution, MdResult } from "../../dynamics/result.ts";
import { lineChart } from "../charts.ts";
import { intervalChart } from "../interval-chart.ts";
import { type Markup, markup } from "../markup.ts";
import { formatCount, formatEstimate, formatNumber, sentence } from "../numbers.ts";
import { allowedDrift } from "./allowed.ts";
import { orderChart } from "./order-chart.ts";
import { causeWords } from "./words.ts";

export const section = (id: string, title: string, ...content: readonly (Markup | null)[]): Markup =>
  markup`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>${content}</section>`;

const scroll = (label: string, table: Markup) =>
  markup`<div class="scroll" tabindex="0" role="region" aria-label="${label}">${table}</div>`;

export function attributionSection(result: MdResult): Markup | null {
  const { attribution } = result;
  if (attribution === null) return null;
  const { whole, parts, sum, rest, closes, runs, crossings, unit } = attribution;
  const limit = allowedDrift(result);
  const tone = (resolved: boolean) => (resolved ? "note" : "plain");
  const rows = [
    { ...whole, name: "whole", tone: "plain" } as const,
    ...parts.map((part) => ({ ...part, name: causeWords[part.cause], tone: tone(part.resolved) }) as const),
    { ...sum, name: "sum of the parts", tone: "plain" } as const,
    { ...rest, name: "whole less sum", tone: closes ? "plain" : "fail" } as const,
  ];
  const row = (name: string, estimate: typeof whole, meaning: string, strong: boolean) =>
    markup`<tr><th scope="row" class="text">${strong ? markup`<b>${name}</b>` : name}</th><td>${formatEstimate(estimate)}</td><td class="text wrap">${meaning}</td></tr>`;
  const causes = markup`<table><caption>Each cause by runs of its own, ${unit}, with its ${100 * attribution.confidence} % interval</caption><thead><tr><th scope="col" class="text">cause</th><th scope="col">drift</th><th scope="col" class="text">what it means</th></tr></thead><tbody>${[
    ...parts.map((part) => row(causeWords[part.cause], part, sentence(part.sentence), part.resolved)),
    row("sum", sum, "of the parts", false),
    row("whole", whole, "measured by a run that none of the parts uses", true),
    row(
      "whole less sum",
      rest,
      closes ? "zero lies within: nothing is left to explain" : "zero lies outside: something else moves the energy",
      false,
    ),
  ]}</tbody></table>`;
  const made = runs.map(
    (run) =>
      markup`<tr><th scope="row" class="text">${run.label}</th><td class="text"><code>${run.side}</code></td><td>${formatNumber(run.dt)}</td><td>${formatNumber(run.skin)}</td><td>${run.steps.toLocaleString("en-US")}</td><td>${run.replicas}</td><td>${run.seed}</td><td>${formatEstimate(run.drift)}</td></tr>`,
  );
  const methods = parts.map((part) => markup`<li><b>${causeWords[part.cause]}</b>: ${sentence(part.method)}</li>`);
  return section(
    "causes",
    "Where the drift comes from",
    markup`<p>${sentence(attribution.sentence)}</p>`,
    markup`<figure class="wide">${intervalChart(rows, unit, limit, "The drift and its causes")}</figure>`,
    scroll("Causes of the drift", causes),
    crossings === null ? null : markup`<p>${crossingWords(crossings)}</p>`,
    markup`<details><summary>the ${runs.length} runs, and what was taken from what</summary><ul>${methods}</ul>${scroll("Runs of the attribution", markup`<table><caption>dt in fs, skin in Å, drift in ${unit}</caption><thead><tr><th scope="col" class="text">run</th><th scope="col" class="text">side</th><th scope="col">dt</th><th scope="col">skin</th><th scope="col">steps</th><th scope="col">replicas</th><th scope="col">seed</th><th scope="col">drift</th></tr></thead><tbody>${made}</tbody></table>`)}</details>`,
  );
}

function crossingWords({ count, rmsAtCrossings, largest, rmsElsewhere, jump }: NonNullable<Attribution["crossings"]>): string {
  const elsewhere = `${formatNumber(rmsElsewhere)} meV`;
  if (count === 0)
    return `No pair of atoms crossed the cutoff; in a step the energy changes by ${elsewhere} (rms) that the forces do not account for.`;
  return `In ${formatCount(count, "step")} a pair of atoms crossed the cutoff: there the energy changed by ${formatNumber(rmsAtCrossings)} meV (rms, at most ${formatNumber(largest)}) that the forces do not account for, elsewhere by ${elsewhere}: the energy ${jump ? "jumps at the cutoff" : "passes the cutoff without a jump"}.`;
}

/** Order in the time step, reversal, momentum: what velocity Verlet promises for forces that are the slope of an energy. */
export function lawSection(result: MdResult): Markup | null {
  const { orderInDt: order, reversal, momentum } = result;
  if (order === null && reversal === null && momentum === null) return null;
  const orderFigure =
    order === null
      ? null
      : markup`<figure>${orderChart(order)}<figcaption><b>Time step.</b> ${sentence(order.sentence)} Dashed: exactly second order. ${sentence(order.method)}</figcaption><details><summary>as a table</summary><table><thead><tr><th scope="col" class="text">dt, fs</th><th scope="col">rms, meV/atom</th></tr></thead><tbody>${order.points.map((p) => markup`<tr><th scope="row" class="text">${formatNumber(p.dt)}</th><td>${formatEstimate({ value: p.rms, low: p.low, high: p.high })}</td></tr>`)}</tbody></table></details></figure>`;
  const points = reversal?.points.filter(({ distance }) => distance !== null && distance > 0) ?? [];
  const reversalFigure =
    reversal === null || points.length < 2
      ? null
      : markup`<figure>${lineChart(
          [{ name: "distance", colour: 0, x: points.map(({ steps }) => steps), y: points.map(({ distance }) => distance) }],
          { label: "steps there, and as many back", log: true },
          { label: "distance from the start, Å", log: true },
          "Distance from the start after going there and back",
        )}<figcaption><b>There and back.</b> ${reversalWords(reversal)} Rounding grows with the way, by chaos; a force that is no slope, or steps that cannot be undone, would show at once.</figcaption></figure>`;
  return section(
    "laws",
    "What the integrator promises",
    markup`<p class="soft">For forces that are the slope of an energy, velocity Verlet keeps that energy to second order in the time step, and can be run backwards.</p>`,
    markup`<div class="figures large">${[orderFigure, reversalFigure]}</div>`,
    reversal !== null && reversalFigure === null ? markup`<p>${reversalWords(reversal)}</p>` : null,
    momentum === null
      ? null
      : markup`<p>Momentum changed by ${formatNumber(momentum.linear)} of the sum of its atoms' momenta${momentum.angular === null ? "" : `, angular momentum by ${formatNumber(momentum.angular)}`}; the centre of mass moved ${formatNumber(momentum.centreOfMass)} Å (${formatCount(momentum.frames, "frame")}).</p>`,
  );
}

const reversalWords = ({ steps, dt, side, value }: NonNullable<MdResult["reversal"]>) =>
  `After ${formatCount(steps, "step")} of ${formatNumber(dt)} fs and as many back, every atom of ${side} is within ${formatNumber(value)} Å of where it started.`;

export function canonicalSection({ canonical }: MdResult): Markup | null {
  if (canonical === null) return null;
  const { temperature, target, freedoms, distance, independent, pValue } = canonical;
  return section(
    "canonical",
    "Is the ensemble canonical?",
    markup`<p>Temperature ${formatEstimate(temperature)} K, asked for ${formatNumber(target)} K. The kinetic energy of ${formatCount(freedoms, "degree")} of freedom is ${formatNumber(distance)} away (Kolmogorov–Smirnov) from its chi-square distribution, with ${formatNumber(independent)} independent samples: p = ${formatNumber(pValue)}.</p>`,
  );
}

export function shadowSection({ shadow }: MdResult): Markup | null {
  if (shadow === null) return null;
  const { forces, points } = shadow;
  const x = points.map(({ time }) => time);
  const chart = lineChart(
    [
      { name: "largest", colour: 0, x, y: points.map((p) => p.maxAbs) },
      { name: "rms", colour: 1, x, y: points.map((p) => p.rms) },
    ],
    { label: "time, ps", log: false },
    { label: `|difference of forces|, ${forces.unit}`, log: true },
    "Difference of the forces of two sides along the trajectory",
  );
  return section(
    "shadow",
    "A second side along the way",
    markup`<p><code>${shadow.side}</code> evaluated ${formatCount(shadow.frames, "frame")} of the running trajectory: forces differ by at most ${formatNumber(forces.maxAbs)} ${forces.unit}, ${formatNumber(forces.rms)} rms; the largest force is ${formatNumber(forces.largest)} ${forces.unit}.</p>`,
    points.length < 2
      ? null
      : markup`<figure class="wide">${chart}<figcaption><b>Blue</b>: largest component; <b>orange</b>: rms.</figcaption></figure>`,
  );
}
