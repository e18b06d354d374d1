import { drawing, round } from "./frame.ts";
import { type Markup, markup } from "./markup.ts";
import { formatEstimate, formatNumber } from "./numbers.ts";
import { axisOf, place } from "./scale.ts";

const names = 118;
const rowHeight = 30;

export interface IntervalRow {
  readonly name: string;
  readonly value: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly tone: "pass" | "fail" | "undecided" | "note" | "plain";
}

/** Figures with their intervals, a row each, on one axis with zero; what is allowed is a band about zero. @param limit null: nothing is allowed or forbidden */
export function intervalChart(rows: readonly IntervalRow[], label: string, limit: number | null, title: string, width = 620): Markup {
  const ends = rows.flatMap(({ low, high, value }) => [low, high, value].filter((x) => x !== null));
  // A limit far beyond all intervals would squeeze them to points.
  const widest = ends.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const shownLimit = limit !== null && limit <= 20 * widest ? limit : null;
  const axis = axisOf(label, [0, ...ends, ...(shownLimit === null ? [] : [-shownLimit, shownLimit])], false, 5);
  const at = (value: number) => round(names + (width - names - 12) * Math.min(Math.max(place(axis, value), 0), 1));
  const bottom = 8 + rows.length * rowHeight;
  const allowed =
    shownLimit === null
      ? null
      : markup`<rect class="allowed" x="${at(-shownLimit)}" y="4" width="${round(at(shownLimit) - at(-shownLimit))}" height="${bottom - 4}"/>`;
  const ticks = axis.ticks.map(
    ({ value, label: text }) =>
      markup`<path class="grid" d="M${at(value)} 4V${bottom}"/><text x="${at(value)}" y="${bottom + 15}" text-anchor="middle">${text}</text>`,
  );
  const lines = rows.map(({ name, value, low, high, tone }, i) => {
    const y = 4 + (i + 0.5) * rowHeight;
    const bar =
      low === null || high === null
        ? null
        : markup`<path class="interval ${tone}" d="M${at(low)} ${y}H${at(high)}M${at(low)} ${y - 5}v10M${at(high)} ${y - 5}v10"/>`;
    const dot =
      value === null
        ? markup`<text class="fail" x="${names + 6}" y="${y + 4}">not a finite number</text>`
        : markup`<circle class="mark ${tone}" cx="${at(value)}" cy="${y}" r="4.5"/>`;
    return markup`<text class="strong" x="0" y="${y + 4}">${name}</text>${bar}${dot}`;
  });
  const spoken = rows.map((row) => `${row.name}: ${formatEstimate(row)}`);
  const bound =
    limit === null
      ? ""
      : ` Allowed is ${formatNumber(limit, 2)} to either side of zero${shownLimit === null ? ", beyond what is drawn" : ", the shaded band"}.`;
  return drawing(width, bottom + 36, title, `Intervals in ${label}.${bound} ${spoken.join("; ")}.`, [
    markup`${allowed}${ticks}<path class="axis" d="M${at(0)} 4V${bottom}"/>${lines}<text x="${(names + width) / 2}" y="${bottom + 31}" text-anchor="middle">${label}</text>`,
  ]);
}
