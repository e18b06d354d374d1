import "uplot/dist/uPlot.min.css";
import uPlot from "uplot";
import type { Plot } from "../dynamics/curves.ts";
import { formatNumber } from "../numbers.ts";
import type { TraceCurve } from "../trace-chart.ts";
import { currentPalette, onPaletteChange, type Palette } from "./palette.ts";

const font = '11px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif';
const height = 168;

export interface Traces {
  /** Moves the line that says where the shown frame is. */
  mark(time: number): void;
}

/** Draws each plot into its element; they share their cursor and their zoom. @param pick called with a time when a plot is clicked */
export function drawTraces(plots: readonly Plot[], timeUnit: string, reset: HTMLButtonElement, pick: (time: number) => void): Traces {
  const drawn: uPlot[] = [];
  const lines: HTMLElement[] = [];
  let marked: number | null = null;
  const place = () =>
    drawn.forEach((plot, i) => {
      const line = lines[i] as HTMLElement;
      const left = marked === null ? -1 : plot.valToPos(marked, "x");
      line.hidden = !(left >= 0 && left <= plot.over.clientWidth);
      line.style.transform = `translateX(${left}px)`;
    });
  let zooming = false;
  const zoom = (from: uPlot) => {
    if (zooming) return;
    zooming = true;
    const { min, max } = from.scales.x as { min: number; max: number };
    for (const plot of drawn) if (plot !== from) plot.setScale("x", { min, max });
    zooming = false;
    const [low, high] = extent(plots);
    reset.hidden = min <= low && max >= high;
    place();
  };
  const build = () => {
    for (const plot of drawn.splice(0)) plot.destroy();
    lines.splice(0);
    const palette = currentPalette();
    for (const plot of plots) {
      const home = document.getElementById(`plot-${plot.id}`) as HTMLElement;
      const chart = new uPlot(optionsOf(plot, plots, home, palette, timeUnit, zoom), dataOf(plot), home);
      const line = document.createElement("div");
      line.className = "marker";
      chart.over.append(line);
      let pressed = 0;
      chart.over.addEventListener("pointerdown", (event) => {
        pressed = event.clientX;
      });
      chart.over.addEventListener("click", (event) => {
        // A drag has chosen a stretch to zoom into, not a point.
        if (Math.abs(event.clientX - pressed) < 4) pick(chart.posToVal(event.clientX - chart.over.getBoundingClientRect().left, "x"));
      });
      drawn.push(chart);
      lines.push(line);
    }
    place();
  };
  build();
  onPaletteChange(build);
  reset.addEventListener("click", () => {
    const [min, max] = extent(plots);
    drawn[0]?.setScale("x", { min, max });
  });
  new ResizeObserver(() => {
    for (const plot of drawn) plot.setSize({ width: plot.root.parentElement?.clientWidth ?? 0, height });
    place();
  }).observe((drawn[0] as uPlot).root.parentElement as HTMLElement);
  return {
    mark(time) {
      marked = time;
      place();
    },
  };
}

/** All plots show the same times, also where one begins later. */
function extent(plots: readonly Plot[]): [number, number] {
  const ends = plots.flatMap(({ x }) => [x[0] ?? 0, x.at(-1) ?? 0]);
  return [Math.min(...ends), Math.max(...ends)];
}

const parts = (curve: TraceCurve) => (curve.low === null || curve.high === null ? [curve.y] : [curve.y, curve.low, curve.high]);

function dataOf(plot: Plot): uPlot.AlignedData {
  const guide = plot.guide === null ? [] : [plot.x.map(() => plot.guide)];
  return [[...plot.x], ...guide, ...plot.curves.flatMap(parts)] as uPlot.AlignedData;
}

function optionsOf(
  plot: Plot,
  plots: readonly Plot[],
  home: HTMLElement,
  palette: Palette,
  timeUnit: string,
  zoom: (plot: uPlot) => void,
): uPlot.Options {
  const series: uPlot.Series[] = [{}];
  const bands: uPlot.Band[] = [];
  /** of the replica whose atoms are shown, among the data after the times */
  let valueSeries = 0;
  if (plot.guide !== null) series.push({ stroke: palette.soft, width: 1, dash: [3, 3], points: { show: false } });
  for (const curve of plot.curves) {
    const colour = palette[curve.role];
    if (curve.role === "first") valueSeries = series.length - 1;
    series.push({
      label: curve.name,
      stroke: colour,
      width: curve.role === "other" ? 1 : 1.5,
      points: { show: plot.x.length <= 40, size: 5 },
    });
    if (curve.low === null) continue;
    series.push({ points: { show: false } }, { points: { show: false } });
    bands.push({ series: [series.length - 1, series.length - 2], fill: `${colour}${curve.role === "first" ? "55" : "33"}` });
  }
  const axis = { stroke: palette.soft, font, grid: { stroke: palette.line, width: 1 }, ticks: { show: false } };
  const [from, until] = extent(plots);
  const hover = document.getElementById(`hover-${plot.id}`) as HTMLElement;
  return {
    ...{ width: home.clientWidth, height, series, bands, legend: { show: false }, padding: [8, 26, 0, 0] },
    scales: {
      x: { time: false, range: (_, min, max) => (min === null || max === null ? [from, until] : [min, max]), min: from, max: until },
      y: plot.range === null ? {} : { range: [plot.range[0], plot.range[1]] },
    },
    axes: [
      { ...axis, size: 26, values: (_, ticks) => ticks.map((tick, i) => (i === ticks.length - 1 ? `${tick} ${timeUnit}` : `${tick}`)) },
      { ...axis, size: 58, values: (_, ticks) => ticks.map((tick) => String(tick).replace("-", "−")) },
    ],
    cursor: { sync: { key: "run", setSeries: false }, points: { show: false }, drag: { x: true, y: false }, focus: { prox: -1 } },
    hooks: {
      setCursor: [
        ({ cursor, data }) => {
          const at = cursor.idx ?? -1;
          const [time, value] = [data[0][at], data[1 + valueSeries]?.[at]];
          hover.textContent =
            time === undefined || value === undefined ? "" : `${formatNumber(time, 4)} ${timeUnit}: ${formatNumber(value)}`;
        },
      ],
      setScale: [(self, key) => (key === "x" && self.status === 1 ? zoom(self) : undefined)],
    },
  };
}
