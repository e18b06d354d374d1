import { drawAxes, drawing, type Frame, left, right, toX, toY } from "./frame.ts";
import { type Markup, markup } from "./markup.ts";
import { formatNumber } from "./numbers.ts";
import { axisOf, linearAxis } from "./scale.ts";

const width = 560;
const height = 150;

/** A value that is null breaks the line. */
export interface TraceCurve {
  readonly name: string;
  /** first: of the replica whose atoms are shown; modified: its modified energy; each has a look of its own in the style sheet */
  readonly role: "first" | "other" | "modified";
  readonly y: readonly (number | null)[];
  /** what the curve stands for lies between; null: only the curve is known */
  readonly low: readonly (number | null)[] | null;
  readonly high: readonly (number | null)[] | null;
}

export interface TraceChart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly x: readonly number[];
  readonly curves: readonly TraceCurve[];
  readonly guide: number | null;
  /** of the y axis; what lies beyond is cut off; null: all that is there */
  readonly range: readonly [number, number] | null;
}

/** What the curves do, in words. */
export function traceWords({ xLabel, yLabel, curves }: TraceChart): string {
  const spoken = curves.map(({ name, y }) => {
    const values = y.filter((v) => v !== null);
    return values.length === 0
      ? `${name}: no finite value`
      : `${name}: from ${formatNumber(least(values))} to ${formatNumber(-least(values.map((v) => -v)))}, at the end ${formatNumber(values.at(-1) as number)}`;
  });
  return `${yLabel} against ${xLabel}. ${spoken.join("; ")}.`;
}

const least = (values: readonly number[]) => values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);

/** Curves against time, each with the band its values lie in. */
export function traceChart(chart: TraceChart, clip: string): Markup {
  const finite = chart.curves.flatMap(({ y, low, high }) => [y, low ?? [], high ?? []].flat().filter((v) => v !== null));
  const guide = chart.guide === null ? [] : [chart.guide];
  const frame: Frame = {
    x: axisOf(chart.xLabel, chart.x, false),
    y: chart.range === null ? axisOf(chart.yLabel, [...finite, ...guide], false, 5) : linearAxis(chart.yLabel, ...chart.range, 5),
    ...{ top: 22, height, width },
  };
  const at = (i: number, value: number) => `${toX(frame, chart.x[i] as number)} ${toY(frame, value)}`;
  const line = (values: readonly (number | null)[]) => {
    let pen = "M";
    return values
      .map((value, i) => {
        const piece = value === null ? "" : `${pen}${at(i, value)}`;
        pen = value === null ? "M" : "L";
        return piece;
      })
      .join("");
  };
  const band = ({ low, high, role }: TraceCurve) => {
    if (low === null || high === null) return null;
    const known = chart.x.map((_, i) => i).filter((i) => low[i] !== null && high[i] !== null);
    const back = known.toReversed().map((i) => `L${at(i, low[i] as number)}`);
    const path = known.map((i, k) => `${k === 0 ? "M" : "L"}${at(i, high[i] as number)}`).join("") + back.join("");
    return markup`<path class="band ${role}" d="${path}"/>`;
  };
  return drawing(width, 212, chart.title, traceWords(chart), [
    drawAxes(frame),
    markup`<clipPath id="${clip}"><rect x="${left}" y="${frame.top}" width="${width - left - right}" height="${height}"/></clipPath>`,
    markup`<g clip-path="url(#${clip})">${chart.curves.map(band)}${chart.guide === null ? null : markup`<path class="guide" d="M${left} ${toY(frame, chart.guide)}H${width - right}"/>`}${chart.curves.map(({ role, y }) => markup`<path class="trace ${role}" d="${line(y)}"/>`)}</g>`,
  ]);
}
