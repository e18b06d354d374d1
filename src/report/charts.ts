import { drawAxes, drawing, type Frame, left, right, round, toX, toY } from "./frame.ts";
import { type Markup, markup } from "./markup.ts";
import { formatNumber, powerOfTen } from "./numbers.ts";
import { type Axis, axisOf, decadeAxis, linearAxis, place } from "./scale.ts";

const width = 400;
const inner = width - left - right;

/** Each value of the side against the reference's, on the line where both are equal, and below it what lies between them. */
export function parityChart(points: readonly (readonly [number, number])[], unit: string, title: string, colour: number): Markup {
  const reference = points.map(([x]) => x);
  const values = points.flat();
  const differences = points.map(([x, y]) => y - x);
  const x = axisOf(`reference (${unit})`, values, false);
  const upper: Frame = { x, y: { ...x, label: `side (${unit})` }, top: 22, height: 180, width };
  const span = differences.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  const power = span > 0 ? Math.floor(Math.log10(span)) : 0;
  const scaled = differences.map((difference) => difference / 10 ** power);
  const lower: Frame = {
    x,
    y: linearAxis(
      power === 0 ? `difference (${unit})` : `difference (${powerOfTen(power)} ${unit})`,
      -span / 10 ** power,
      span / 10 ** power,
      4,
    ),
    top: 232,
    height: 70,
    width,
  };
  const dots = (frame: Frame, ys: readonly number[]) =>
    markup`<path class="dots s${colour}" d="${reference.map((r, i) => `M${toX(frame, r)} ${toY(frame, ys[i] as number)}h0`).join("")}"/>`;
  return drawing(
    width,
    342,
    title,
    `Scatter plot of ${points.length} components; all on the diagonal would be full agreement. The largest difference shown is ${formatNumber(span)} ${unit}.`,
    [
      drawAxes(upper, false),
      markup`<path class="guide" d="M${toX(upper, x.low)} ${toY(upper, x.low)}L${toX(upper, x.high)} ${toY(upper, x.high)}"/>`,
      dots(
        upper,
        points.map(([, y]) => y),
      ),
      drawAxes(lower),
      markup`<path class="guide" d="M${left} ${toY(lower, 0)}H${width - right}"/>`,
      dots(lower, scaled),
    ],
  );
}

export interface Bin {
  readonly label: string;
  readonly count: number;
  /** beyond what is allowed */
  readonly over: boolean;
}

/** Counts per bin as bars; every bar carries its count. */
export function barChart(bins: readonly Bin[], label: string, title: string, colour: number): Markup {
  const top = 18;
  const height = 180;
  const most = bins.reduce((a, b) => Math.max(a, b.count), 1);
  const step = inner / Math.max(bins.length, 1);
  const every = Math.ceil(bins.length / 9);
  const bars = bins.map((bin, i) => {
    const size = round((height * bin.count) / most);
    const x = round(left + i * step);
    const middle = round(left + (i + 0.5) * step);
    const bar = markup`<rect class="bar ${bin.over ? "over" : `f${colour}`}" x="${round(x + step * 0.08)}" y="${round(top + height - size)}" width="${round(step * 0.84)}" height="${size}"/>`;
    const count = markup`<text x="${middle}" y="${round(top + height - size - 4)}" text-anchor="middle">${bin.count}</text>`;
    const name = markup`<text x="${middle}" y="${top + height + 15}" text-anchor="middle">${bin.label}</text>`;
    return markup`${bin.count > 0 ? markup`${bar}${count}` : null}${i % every === 0 ? name : null}`;
  });
  const spoken = bins.filter((bin) => bin.count > 0).map((bin) => `${bin.label}: ${bin.count}`);
  return drawing(width, 240, title, `Bar chart. ${spoken.join("; ")}.`, [
    markup`<path class="axis" d="M${left} ${top + height}H${width - right}"/>${bars}<text x="${left + inner / 2}" y="${top + height + 33}" text-anchor="middle">${label}</text>`,
  ]);
}

export interface Series {
  readonly name: string;
  readonly colour: number;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
}

/** Lines through the points of each series; a value that is not finite breaks the line, on a logarithmic axis zero does too. */
export function lineChart(series: readonly Series[], x: Omit<Axis, "low" | "high" | "ticks">, y: typeof x, title: string): Markup {
  const shows = (value: number | null | undefined, log: boolean): value is number =>
    value !== null && value !== undefined && Number.isFinite(value) && (!log || value > 0);
  const xAxis = axisOf(
    x.label,
    series.flatMap((s) => s.x),
    x.log,
  );
  const all = series.flatMap((s) => s.y.filter((v) => shows(v, y.log)));
  const frame: Frame = { x: xAxis, y: axisOf(y.label, all as number[], y.log), top: 22, height: 210, width };
  const lines = series.map((s) => {
    let pen = "M";
    let path = "";
    let marks = "";
    s.x.forEach((value, i) => {
      const height = s.y[i];
      if (!shows(value, x.log) || !shows(height, y.log)) {
        pen = "M";
        return;
      }
      const at = `${toX(frame, value)} ${toY(frame, height)}`;
      path += `${pen}${at}`;
      marks += `M${at}h0`;
      pen = "L";
    });
    const dotted = s.x.length <= 40 ? markup`<path class="dots s${s.colour}" d="${marks}"/>` : null;
    return markup`<path class="curve s${s.colour}" d="${path}"/>${dotted}`;
  });
  const spoken = series.map((s) => {
    const values = s.y.filter((v) => shows(v, false)) as number[];
    const extent =
      values.length === 0 ? "no finite value" : `from ${formatNumber(Math.min(...values))} to ${formatNumber(Math.max(...values))}`;
    return `${s.name}: ${s.x.length} points, ${extent}`;
  });
  return drawing(width, 272, title, `Line chart of ${y.label} against ${x.label}. ${spoken.join("; ")}.`, [
    drawAxes(frame),
    markup`${lines}`,
  ]);
}

export interface Margin {
  readonly name: string;
  readonly marks: readonly {
    readonly of: string;
    /** measured over tolerance; null where it is not finite */
    readonly ratio: number | null;
    /** what is written at the right */
    readonly text: string;
    readonly colour: number;
    /** "note": beyond the limit, but not the engine's fault */
    readonly tone: "held" | "note" | "fail";
  }[];
}

const shorten = (name: string) => (name.length <= 36 ? name : `${name.slice(0, 22)}…${name.slice(-13)}`);

/** A dot; a cross where the engine is at fault, so that colour is not all that tells. */
function markOf({ tone, colour }: Margin["marks"][number], x: number, y: number): Markup {
  return tone === "fail"
    ? markup`<path class="cross" d="M${round(x - 4)} ${y - 4}l8 8m0-8l-8 8"/>`
    : markup`<circle class="${tone === "held" ? `f${colour}` : tone}" cx="${x}" cy="${y}" r="4"/>`;
}

/** How far each measurement stays below its limit: a row each, on one logarithmic axis of measured over allowed, the limit at 1. */
export function marginChart(rows: readonly Margin[], title: string): Markup {
  const marks = rows.flatMap((row) => row.marks);
  const ratios = marks.map((m) => m.ratio).filter((r): r is number => r !== null && r > 0);
  const lowest = Math.max(Math.floor(Math.log10(Math.min(...ratios, 0.1))), -12);
  const highest = Math.min(Math.max(Math.ceil(Math.log10(Math.max(...ratios, 1))), 1), 15);
  const axis = decadeAxis("", lowest, highest, 7);
  const [from, until] = [10, width - 14];
  // Zero and values below the axis stand at its left end; what is not finite stands beyond its right end.
  const at = (ratio: number | null) =>
    round(ratio === null ? width - 5 : from + (until - from) * Math.min(Math.max(ratio === 0 ? 0 : place(axis, ratio), 0), 1));
  const rowHeight = 34;
  const bottom = rows.length * rowHeight + 8;
  const lines = rows.map((row, i) => {
    const y = 14 + i * rowHeight;
    const dots = row.marks.map((m) => markup`<g>${markOf(m, at(m.ratio), y + 11)}<title>${m.of}: ${m.text}</title></g>`);
    const worst = row.marks.map((m) => m.text).at(-1) ?? "";
    return markup`<text class="strong" x="${from}" y="${y}">${shorten(row.name)}</text><text x="${until}" y="${y}" text-anchor="end">${worst}</text><path class="grid" d="M${from} ${y + 11}H${until}"/><path class="limit" d="M${at(1)} ${y + 6}v10"/>${dots}`;
  });
  const ticks = axis.ticks.map(
    ({ value }, i) =>
      markup`<text x="${at(value)}" y="${bottom + 16}" text-anchor="${i === 0 ? "start" : value === axis.high ? "end" : "middle"}">${value === 1 ? "1" : powerOfTen(Math.round(Math.log10(value)))}</text>`,
  );
  const spoken = rows.map((row) => `${row.name}: ${row.marks.map((m) => `${m.of} ${m.text}`).join(", ")}`);
  return drawing(width, bottom + 36, title, `Measured over allowed, on a logarithmic axis; the limit is at 1. ${spoken.join("; ")}.`, [
    markup`${lines}${ticks}<text x="${(from + until) / 2}" y="${bottom + 32}" text-anchor="middle">measured ÷ allowed; the bar at 1 is the limit</text>`,
  ]);
}
