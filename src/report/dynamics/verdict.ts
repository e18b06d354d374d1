import type { Check, Drift, MdResult } from "../../dynamics/result.ts";
import { intervalChart } from "../interval-chart.ts";
import { type Markup, markup } from "../markup.ts";
import { formatCount, formatEstimate, formatEstimateValue, formatNumber, sentence } from "../numbers.ts";
import { allowedDrift } from "./allowed.ts";
import { timeUnit } from "./curves.ts";
import { formula } from "./molecule.ts";
import { checkWords, ensembleWords } from "./words.ts";

/** The largest drift that the interval does not exclude. */
const bound = ({ low, high }: Drift) => Math.max(Math.abs(low ?? Number.NaN), Math.abs(high ?? Number.NaN));

/** The verdict in one sentence. */
export function headline(result: MdResult): string {
  const { stop, drift, checks } = result;
  if (stop !== null) return `The run stopped at step ${(stop.step - 1).toLocaleString("en-US")}: ${sentence(stop.message)}`;
  const failed = checks.find(({ verdict }) => verdict === "fail");
  const limit = allowedDrift(result);
  if (failed?.name === "drift" && drift !== null)
    return `Energy drifts by ${formatEstimateValue(drift)} meV per atom and nanosecond; ${formatNumber(limit, 2)} is allowed.`;
  if (failed !== undefined) return sentence(failed.sentence);
  if (drift === null) return `The run came to its end and ${result.undecided.length === 0 ? "every check holds" : "no check fails"}.`;
  if (drift.resolved) return `Energy drifts by ${formatEstimateValue(drift)} meV per atom and nanosecond.`;
  if (limit !== null && bound(drift) <= limit)
    return `Energy is conserved: any drift is below ${formatNumber(bound(drift), 2, 1e-4)} meV per atom and nanosecond.`;
  return limit === null
    ? "No drift of the energy can be told from zero in this run."
    : "Whether the energy drifts is undecided: the run is too short.";
}

function driftFigure(result: MdResult, drift: Drift): Markup {
  const limit = allowedDrift(result);
  const percentLimit = result.checks.find(({ name }) => name === "drift")?.limit ?? null;
  const { total, modified } = drift.of;
  const tone = result.checks.find(({ name }) => name === "drift")?.verdict ?? "plain";
  const rows = [
    { ...drift, name: "drift", tone } as const,
    ...(modified === null ? [] : [{ ...total, name: "of the total energy", tone: "plain" } as const]),
  ];
  const confidence = `${formatNumber(100 * drift.confidence)} %`;
  const others = [
    `${formatEstimate(drift.perPs)} meV/atom/ps`,
    `${formatEstimate(drift.percentOfKineticPerNs)} % of the kinetic energy per ns`,
    ...(drift.ratio === null ? [] : [`|slope| · t / σ(KE) = ${formatNumber(drift.ratio)}`]),
  ];
  return markup`<div class="drift"><div><p class="big ${tone === "fail" ? "fail" : ""}">${formatEstimateValue(drift)} <span class="unit">meV/atom/ns</span></p>
<p>${confidence} interval ${formatEstimate(drift).replace(/^.*\((.*)\)$/, "$1")}${limit === null ? null : markup` <span class="soft">(allowed ±${formatNumber(limit, 2)}, ${formatNumber(percentLimit)} % of the kinetic energy)</span>`}</p>
<p class="soft">${sentence(drift.sentence)}</p></div>
<figure>${intervalChart(rows, "meV/atom/ns", limit, "The drift and its interval", 400)}<figcaption>${sentence(drift.method)} Also: ${others.join("; ")}.</figcaption></figure></div>`;
}

function tiles(result: MdResult): Markup | null {
  const { orderInDt, reversal, energyRms, temperature, nsPerDay, stepsPerSecond } = result;
  const tile = (name: string, value: string, detail: string) =>
    markup`<div><dt>${name}</dt><dd>${value}</dd><dd class="soft">${detail}</dd></div>`;
  const interval = (estimate: { value: number | null; low: number | null; high: number | null }) =>
    formatEstimate(estimate).replace(/^.*\((.*)\)$/, "$1");
  const shown = [
    orderInDt === null ? null : tile("order in the time step", formatEstimateValue(orderInDt), `${interval(orderInDt)}; 2 is exact`),
    reversal === null
      ? null
      : tile("reversal", `${formatNumber(reversal.value, 2)} Å`, `after ${formatCount(reversal.steps, "step")} and back`),
    energyRms === null ? null : tile("energy fluctuation", `${formatNumber(energyRms.value)} meV/atom`, "rms about its line"),
    temperature.mean === null
      ? null
      : tile(
          "temperature",
          `${formatNumber(temperature.mean)} K`,
          temperature.deviation === null || result.replicas === 1 ? "mean" : `± ${formatNumber(temperature.deviation, 2)} over replicas`,
        ),
    nsPerDay === null
      ? null
      : tile("speed", `${formatNumber(nsPerDay)} ns/day`, `${Math.round(stepsPerSecond ?? Number.NaN).toLocaleString("en-US")} steps/s`),
  ].filter((shown) => shown !== null);
  return shown.length === 0 ? null : markup`<dl class="tiles">${shown}</dl>`;
}

/** What holds and what does not, each in a sentence. */
function checkList(result: MdResult): Markup {
  const allowed = allowedDrift(result);
  const items = result.checks.map(({ name, verdict, sentence: said }) => {
    // What the drift is stands above.
    const stands = name === "drift" && said === result.drift?.sentence && result.drift.low !== null && allowed !== null;
    const words = stands ? `Its interval ${places[verdict]} the ±${formatNumber(allowed, 2)} meV/atom/ns allowed.` : sentence(said);
    return markup`<li><span class="${verdict}">${signs[verdict]} <b>${checkWords[name]}</b></span> ${verdict === "undecided" ? "Undecided. " : ""}${words}</li>`;
  });
  return markup`<ul class="checks" aria-label="Checks">${items}</ul>`;
}

const places = { pass: "lies within", fail: "lies beyond", undecided: "reaches beyond" };
/** By their shapes alone they differ; what is undecided has no colour either. */
const signs = { pass: "✓", fail: "✗", undecided: "?" };
const badge = (verdict: Check["verdict"], of: string) => `${signs[verdict]} ${verdict.toUpperCase()}${of === "" ? "" : ` · ${of}`}`;

/** The head of the page: verdict and what it leaves open, drift and its interval, the other figures, what was found. @param crosscheck verdict of
 *  the one below */
export function verdictHeader(result: MdResult, crosscheck: MdResult["verdict"] | null): Markup {
  const forces =
    crosscheck === null ? null : markup` <a class="verdict ${crosscheck}" href="#crosscheck">${badge(crosscheck, "forces")}</a>`;
  const open = result.checks.filter(({ verdict }) => verdict === "undecided");
  const { name: unit, size } = timeUnit(result);
  const length = `${formatNumber((result.steps * result.dt) / 1000 / size, 4)} ${unit}`;
  const facts = [
    `${result.structure.name} (${formula(result.structure.numbers)}), ${formatCount(result.atoms, "atom")}`,
    `${formatCount(result.replicas, "replica")} of ${length}`,
    `${formatCount(result.steps, "step")} of ${formatNumber(result.dt)} fs`,
    ensembleWords[result.ensemble],
    result.side,
  ];
  const findings =
    result.findings.length === 0
      ? null
      : markup`<section class="findings" aria-label="Findings"><p><b>To know</b></p><ul>${result.findings.map((f) => markup`<li>${sentence(f)}</li>`)}</ul></section>`;
  return markup`<p class="eyebrow">painnless md · ${result.model?.name ?? result.side} · ${result.started.slice(0, 10)}</p>
<p class="verdicts"><span class="verdict ${result.verdict}">${badge(result.verdict, crosscheck === null ? "" : "dynamics")}</span>${open.map(({ name, verdict }) => markup` <span class="verdict undecided">${badge(verdict, name)}</span>`)}${forces}</p>
<h1>${headline(result)}</h1>
<p class="lead">${facts.join(" · ")}</p>
${result.undecided.length === 0 ? null : markup`<p><b>Not decided:</b> ${sentence(result.undecided.join("; "))}</p>`}
${result.drift === null ? null : driftFigure(result, result.drift)}
${tiles(result)}${checkList(result)}${findings}`;
}
