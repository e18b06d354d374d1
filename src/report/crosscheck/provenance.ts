import type { CrosscheckResult } from "../../crosscheck/result.ts";
import { type Markup, markup } from "../markup.ts";
import { formatNumber, formatSeconds } from "../numbers.ts";
import { comparisonName, principal, sideName } from "./words.ts";

const openRows = 12;

/** Every structure with its largest force error (where there are no forces: energy per atom) on each side. */
export function structureTable(result: CrosscheckResult): Markup {
  const comparisons = principal(result);
  const heads = comparisons.map(
    (c) => markup`<th scope="col">${comparisonName(c, result)}<br><span class="soft">${c.forces === null ? "eV/atom" : "eV/Å"}</span></th>`,
  );
  const rows = result.structures.map((structure, i) => {
    const errors = comparisons.map((c) => {
      const row =
        c.perStructure[i]?.structure === structure.name ? c.perStructure[i] : c.perStructure.find((r) => r.structure === structure.name);
      if (row === undefined) return markup`<td>–</td>`;
      const within = row.ratio !== null && row.ratio <= 1;
      return markup`<td class="${within ? "" : "fail"}">${formatNumber(c.forces === null ? row.energyPerAtom : row.forces)}</td>`;
    });
    const periodic = structure.pbc.map((p) => (p ? "p" : "–")).join("");
    return markup`<tr><th scope="row" class="text wrap">${structure.name}</th><td>${structure.atoms}</td><td>${structure.edges === null ? "–" : structure.edges}</td><td>${periodic}</td><td class="text">${structure.origin}</td>${errors}</tr>`;
  });
  const table = markup`<div class="scroll" tabindex="0" role="region" aria-label="Structures"><table><caption>Largest error of each structure; edges are directed pairs within ${formatNumber(result.model.cutoff)} Å, p a periodic axis</caption><thead><tr><th class="text" scope="col">structure</th><th scope="col">atoms</th><th scope="col">edges</th><th scope="col">pbc</th><th class="text" scope="col">origin</th>${heads}</tr></thead><tbody>${rows}</tbody></table></div>`;
  return rows.length <= openRows ? table : markup`<details><summary>all ${rows.length} structures</summary>${table}</details>`;
}

export function provenance(result: CrosscheckResult): Markup {
  const { model, machine } = result;
  const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`);
  const times = result.sides.map(
    (s) =>
      markup`<li>${sideName(s.name)}: ${s.error === null ? formatSeconds(s.seconds) : "no answer"}${s.note === null ? null : `; ${s.note}`}</li>`,
  );
  const entries: readonly (readonly [string, Markup | string])[] = [
    ["model", `${model.name}, ${model.architecture}, cutoff ${formatNumber(model.cutoff)} Å`],
    ["model SHA-256", markup`<code>${model.sha256}</code>`],
    ["energy unit", `${model.energyUnit}, stated by: ${model.unitsOrigin}`],
    ["seed", String(result.seed)],
    ["machine", `${machine.cpu}, ${machine.cores} cores, ${machine.platform} ${machine.arch}`],
    ["versions", versions.join(" · ")],
    ["started", `${result.started}, took ${formatSeconds(result.seconds)}`],
  ];
  const replays =
    result.replays.length === 0
      ? null
      : markup`<h3>Replay the failures</h3>${result.replays.map((file) => markup`<pre><code>painnless crosscheck --replay ${file}</code></pre>`)}`;
  return markup`<dl>${entries.map(([name, value]) => markup`<dt>${name}</dt><dd>${value}</dd>`)}</dl><h3>Run it again</h3><pre><code>${result.command}</code></pre>${replays}<h3>Time to evaluate every structure once</h3><ul>${times}</ul>`;
}
