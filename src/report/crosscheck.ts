import type { CrosscheckResult } from "../crosscheck/result.ts";
import { budgetTable } from "./crosscheck/budget.ts";
import { comparisonFigures, comparisonMargins, comparisonTables, worstTable } from "./crosscheck/comparisons.ts";
import { attributionNotes, lawCurves, lawMargins, lawTable, skippedList } from "./crosscheck/laws.ts";
import { provenance, structureTable } from "./crosscheck/provenance.ts";
import { headline, verdictHeader } from "./crosscheck/verdict.ts";
import { principal, sideKey } from "./crosscheck/words.ts";
import { Markup, markup } from "./markup.ts";
import { renderPage } from "./page.ts";

const section = (title: string, introduction: string, ...content: readonly (Markup | null)[]): Markup =>
  markup`<section><h2>${title}</h2>${introduction === "" ? null : markup`<p class="soft">${introduction}</p>`}${content}</section>`;

function sections(result: CrosscheckResult): Markup {
  const compared = result.comparisons.length > 0;
  const measured = result.laws.length > 0;
  const budget = budgetTable(result);
  const slope = lawCurves(result, "finite-difference");
  const strain = lawCurves(result, "finite-difference-stress");
  const smooth = lawCurves(result, "smoothness");
  const margins = [
    compared
      ? markup`<figure>${comparisonMargins(result)}<figcaption><b>Agreement.</b> Largest error of each side against ${result.reference}.</figcaption></figure>`
      : null,
    measured
      ? markup`<figure>${lawMargins(result)}<figcaption><b>Laws.</b> Largest violation, a dot a side; the figure is the worst.</figcaption></figure>`
      : null,
  ];
  return markup`${[
    section(
      "Everything against its limit",
      "How far each measurement stays below what rounding is allowed to cause, on a logarithmic axis.",
      sideKey(result, [...new Set([...principal(result), ...result.laws].map((x) => x.side))]),
      markup`<div class="figures large">${margins}</div>`,
    ),
    compared
      ? section(
          "Do the sides agree?",
          "Two programs that share nothing but the weights evaluate the same structures.",
          comparisonTables(result),
        )
      : null,
    budget === null ? null : section("Error budget", "How much of a result's error comes from where.", budget),
    compared ? section("The worst atom", "A mistake shows first where it is largest.", worstTable(result)) : null,
    compared ? section("Every component", "", comparisonFigures(result)) : null,
    slope === null && strain === null
      ? null
      : section(
          "Are the forces the slope of the energy?",
          "Central differences of the energy approach the analytical derivative as the step shrinks, until rounding takes over: the V. A force with a wrong term has no V; its error stays flat.",
          slope,
          strain,
        ),
    smooth === null
      ? null
      : section(
          "Through the cutoff",
          "A pair of atoms is drawn across the cutoff distance; a jump would not conserve energy in dynamics. Sides that agree lie on each other.",
          smooth,
        ),
    measured
      ? section(
          "Laws",
          "What must hold for any force field, whatever its weights, measured on each side.",
          attributionNotes(result),
          lawTable(result),
          skippedList(result),
        )
      : null,
    section("Structures", "", structureTable(result)),
    section("How this was made", "", provenance(result)),
  ]}`;
}

/** The result as one HTML file, which needs nothing but itself. */
export function renderCrosscheckReport(result: CrosscheckResult): string {
  return renderPage({
    title: `${result.verdict === "pass" ? "Pass" : "Fail"}: ${headline(result)}`,
    header: verdictHeader(result),
    main: sections(result),
    footer: markup`<p>Written by painnless ${result.machine.versions.painnless ?? ""}. One file, no network; the figures are embedded.</p>`,
    data: [{ id: "data", data: result, save: { label: "Download the figures as JSON", name: "crosscheck.json" } }],
  });
}

/** The result as a part of another page: its headings one level lower. */
export function crosscheckPart(result: CrosscheckResult): Markup {
  const lower = ({ text }: Markup) => new Markup(text.replace(/<(\/?)h([1-3])>/g, (_, slash, level) => `<${slash}h${Number(level) + 1}>`));
  return markup`<section id="crosscheck" class="part">${lower(verdictHeader(result))}${lower(sections(result))}</section>`;
}
