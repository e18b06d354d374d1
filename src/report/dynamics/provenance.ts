import type { MdResult } from "../../dynamics/result.ts";
import { type Markup, markup } from "../markup.ts";
import { formatCount, formatNumber, formatSeconds } from "../numbers.ts";
import { section } from "./evidence.ts";
import { ensembleWords } from "./words.ts";

/** Everything needed to make the figures again. */
export function provenanceSection(result: MdResult): Markup {
  const { model, machine, options, structure } = result;
  const seeds = result.replicas === 1 ? `${options.seed}` : `${options.seed} to ${options.seed + result.replicas - 1}, one a replica`;
  const equilibration =
    options.equilibration === 0 ? "none" : `${formatCount(options.equilibration, "step")}, ${ensembleWords[options.equilibrationEnsemble]}`;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const entries: readonly (readonly [string, Markup | string] | null)[] = [
    model === null ? null : ["model", `${model.name}, ${model.architecture}, cutoff ${formatNumber(model.cutoff)} Å`],
    model === null ? null : ["model SHA-256", markup`<code>${model.sha256}</code>`],
    model === null ? null : ["energy unit", `${model.energyUnit}, stated by: ${model.unitsOrigin}`],
    ["side", markup`<code>${result.side}</code>${result.note === null ? "" : `; ${result.note}`}`],
    ["structure", `${structure.name}, periodic: ${["a", "b", "c"].filter((_, k) => structure.pbc[k]).join(", ") || "no"}`],
    ["seeds", seeds],
    ["start", `${formatNumber(options.temperature)} K, equilibration: ${equilibration}`],
    [
      "neighbours",
      `skin ${formatNumber(options.skin)} Å${result.rebuilds === null ? "" : `, looked for ${result.rebuilds.toLocaleString("en-US")} times`}`,
    ],
    [
      "recorded",
      `energies every ${options.recordEvery === 1 ? "step" : formatCount(options.recordEvery, "step")}${result.trajectory === null ? "" : `; ${formatCount(result.frames ?? 0, "frame")} in ${result.trajectory}`}`,
    ],
    ["machine", `${machine.cpu}, ${machine.cores} cores, ${machine.platform} ${machine.arch}`],
    ["versions", versions.join(" · ")],
    ["started", `${result.started}, took ${formatSeconds(result.seconds)}`],
  ];
  return section(
    "made",
    "How this was made",
    markup`<dl>${entries.map((entry) => (entry === null ? null : markup`<dt>${entry[0]}</dt><dd>${entry[1]}</dd>`))}</dl><h3>Run it again</h3><pre><code>${result.command}</code></pre>`,
  );
}
