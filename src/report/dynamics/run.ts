import type { MdResult } from "../../dynamics/result.ts";
import { type Markup, markup } from "../markup.ts";
import { formatCount } from "../numbers.ts";
import { traceChart, traceWords } from "../trace-chart.ts";
import { type Plot, plotsOf, timeUnit } from "./curves.ts";
import type { ShownFrames } from "./frames.ts";
import { drawMolecule, elementKey } from "./molecule.ts";
import { thinSeries } from "./thin.ts";

const drawnBins = 280;

/** Traces beside the atoms. Each trace stands there as a drawing; the page's script puts a plot that zooms in its place, and 3D in place of the atoms. */
export function runSection(result: MdResult, frames: ShownFrames | null): Markup | null {
  const shown = frames?.seed ?? null;
  const coarse = plotsOf({ ...result, series: thinSeries(result.series, drawnBins) }, shown);
  const fine = plotsOf(result, shown);
  if (coarse.length === 0 && frames === null) return null;
  const figures = coarse.map((plot, i) => traceFigure(plot, fine[i] as Plot, result));
  const traces =
    coarse.length === 0
      ? null
      : markup`<div class="traces">${figures}<p class="live-only"><button type="button" class="quiet" id="reset" hidden>Show the whole run</button></p></div>`;
  return markup`<section id="run" aria-labelledby="run-title" class="run${frames === null || traces === null ? "" : " both"}"><h2 id="run-title">The run</h2>
${introduction(result, frames, coarse.length > 0)}
<div class="columns">${traces}${frames === null ? null : stage(result, frames)}</div></section>`;
}

function introduction(result: MdResult, frames: ShownFrames | null, traced: boolean): Markup | null {
  if (!traced) return null;
  const several = result.series.replicas.length > 1;
  const who = several
    ? `${result.series.replicas.length} replicas${frames === null ? "" : `; the strong line is the one whose atoms are shown, seed ${frames.seed}`}.`
    : "";
  const how = `Drag over a plot to zoom${frames === null ? "" : ", click it to see the atoms at that time"}.`;
  return markup`<p class="soft">${who} <span class="live-only">${how}</span></p>`;
}

const notes: Readonly<Record<Plot["id"], (result: MdResult, plot: Plot) => string>> = {
  energy: ({ dt }, plot) => {
    const drawn = plot.curves.some(({ low }) => low !== null)
      ? `Line: mean, band: lowest to highest of ${binWords(plot)}; steps of ${dt} fs let it tremble.`
      : "Every record.";
    const modified = plot.curves.some(({ role }) => role === "modified");
    return `above its start. ${drawn}${modified ? " Orange: the modified energy, which the steps conserve far better; drift would tilt it." : " Drift would tilt it."}`;
  },
  temperature: (_, plot) => `mean of ${binWords(plot)}; dashed: mean of the run.`,
  drift: ({ drift }) => `the slope and its ${100 * (drift?.confidence ?? 0.95)} % interval, had the run ended there.`,
};

const binWords = ({ x }: Plot) => `each of ${x.length.toLocaleString("en-US")} stretches`;

function traceFigure(plot: Plot, fine: Plot, result: MdResult): Markup {
  const { name } = timeUnit(result);
  const chart = {
    ...{ title: `${plot.title} against time`, xLabel: `time, ${name}`, yLabel: plot.unit, x: plot.x, guide: plot.guide, range: plot.range },
    curves: plot.curves,
  };
  return markup`<figure><figcaption><b>${plot.title}</b>, ${plot.unit}, ${notes[plot.id](result, fine)} <output class="hover live-only" id="hover-${plot.id}"></output></figcaption><div class="still">${traceChart(chart, `clip-${plot.id}`)}</div><div class="plot" id="plot-${plot.id}" role="img" aria-label="${chart.title}" aria-description="${traceWords(chart)}"></div></figure>`;
}

function stage(result: MdResult, frames: ShownFrames): Markup {
  const count = frames.frames.length;
  return markup`<figure class="stage" role="group" aria-label="Trajectory: space plays, arrow keys step"><div class="view" id="view" role="img" aria-label="The atoms in 3D">${drawMolecule(frames, result)}</div>
<div class="controls live-only"><button type="button" id="play" aria-keyshortcuts="Space">Play</button><input type="range" id="scrub" min="0" max="${count - 1}" step="1" value="0" aria-label="Frame"></div>
<p class="live-only"><output id="readout" for="scrub" aria-live="off"></output></p>
<p class="soft" id="no-webgl" hidden>This browser has no WebGL: the first frame is drawn instead.</p>
<figcaption>${elementKey(result.structure)}${formatCount(count, "frame")} of seed ${frames.seed}. <span class="live-only">Drag to turn. Space plays, arrow keys step, with shift by ten.</span></figcaption></figure>`;
}
