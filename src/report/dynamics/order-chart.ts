import type { Order } from "../../dynamics/result.ts";
import { drawAxes, drawing, type Frame, toX, toY } from "../frame.ts";
import { type Markup, markup } from "../markup.ts";
import { formatEstimate, formatNumber, powerOfTen } from "../numbers.ts";
import type { Axis } from "../scale.ts";

/** Fluctuation against time step, both logarithmic, with the line of exactly second order through the smallest step. */
export function orderChart(order: Order): Markup {
  const points = order.points.filter((p): p is typeof p & { rms: number } => p.rms !== null && p.rms > 0);
  const steps = points.map(({ dt }) => dt);
  const ends = points.flatMap(({ rms, low, high }) => [rms, low ?? rms, high ?? rms].filter((x) => x > 0));
  const [least, most] = [Math.min(...steps), Math.max(...steps)];
  const x: Axis = {
    ...{ label: "time step, fs", low: least / 1.2, high: most * 1.2, log: true },
    ticks: steps.map((value) => ({ value, label: formatNumber(value) })),
  };
  const frame: Frame = { x, y: rungs("rms fluctuation of the energy, meV/atom", ends), top: 22, height: 210, width: 400 };
  const first = points.reduce((a, b) => (b.dt < a.dt ? b : a), points[0] as (typeof points)[number]);
  const second = (dt: number) => first.rms * (dt / first.dt) ** 2;
  const bars = points.map(({ dt, low, high }) =>
    low === null || high === null || low <= 0
      ? null
      : markup`<path class="interval plain" d="M${toX(frame, dt)} ${toY(frame, low)}V${toY(frame, high)}"/>`,
  );
  const dots = points.map(({ dt, rms }) => markup`<circle class="f0" cx="${toX(frame, dt)}" cy="${toY(frame, rms)}" r="4.5"/>`);
  const spoken = order.points.map((p) => `${formatNumber(p.dt)} fs: ${formatNumber(p.rms)}`);
  return drawing(
    400,
    272,
    "Fluctuation of the energy against the time step",
    `Order ${formatEstimate(order)}. In meV/atom: ${spoken.join("; ")}.`,
    [
      drawAxes(frame),
      markup`<path class="guide" d="M${toX(frame, x.low)} ${toY(frame, second(x.low))}L${toX(frame, x.high)} ${toY(frame, second(x.high))}"/>`,
      markup`<path class="curve s0" d="${points.map(({ dt, rms }, i) => `${i === 0 ? "M" : "L"}${toX(frame, dt)} ${toY(frame, rms)}`).join("")}"/>${bars}${dots}`,
    ],
  );
}

/** A logarithmic axis that ends near its values, with a tick at 1, 2 and 5 of each decade where there is room. */
function rungs(label: string, values: readonly number[]): Axis {
  const [low, high] = [Math.min(...values) / 1.7, Math.max(...values) * 1.7];
  const decades = Array.from(
    { length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 },
    (_, i) => Math.floor(Math.log10(low)) + i,
  );
  const steps = Math.log10(high / low) > 3 ? [1] : [1, 2, 5];
  const name = (m: number, decade: number) =>
    decade >= -2 && decade <= 3 ? formatNumber(m * 10 ** decade) : m === 1 ? powerOfTen(decade) : `${m} × ${powerOfTen(decade)}`;
  const ticks = decades.flatMap((d) => steps.map((m) => ({ value: m * 10 ** d, label: name(m, d) })));
  return { label, low, high, log: true, ticks: ticks.filter(({ value }) => value >= low && value <= high) };
}
