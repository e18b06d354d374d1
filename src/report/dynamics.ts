import type { CrosscheckResult } from "../crosscheck/result.ts";
import type { MdResult } from "../dynamics/result.ts";
import { clientFiles } from "./client-files.ts";
import { crosscheckPart } from "./crosscheck.ts";
import { attributionSection, canonicalSection, lawSection, shadowSection } from "./dynamics/evidence.ts";
import type { ShownFrames } from "./dynamics/frames.ts";
import { embedFrames } from "./dynamics/molecule.ts";
import { provenanceSection } from "./dynamics/provenance.ts";
import { runSection } from "./dynamics/run.ts";
import { thinSeries } from "./dynamics/thin.ts";
import { headline, verdictHeader } from "./dynamics/verdict.ts";
import { markup } from "./markup.ts";
import { renderPage } from "./page.ts";

export interface DynamicsReport {
  readonly result: MdResult;
  /** null where no frames were taken; at most as many as `FrameSelection` keeps */
  readonly frames: ShownFrames | null;
  /** of the same model; null where none was made */
  readonly crosscheck: CrosscheckResult | null;
}

/** Bins of the traces that a page carries, all replicas together, six numbers each: a megabyte. Beside a crosscheck half of that, so that the
 *  page stays under three. */
const mostBins = { alone: 16_384, withCrosscheck: 8192 };

/** The report as one HTML file, which needs nothing but itself.
 *  @throws {PainnlessError} MISSING if the page's script was not built */
export function renderDynamicsReport({ result: whole, frames, crosscheck }: DynamicsReport): string {
  const { series } = whole;
  const bins = crosscheck === null ? mostBins.alone : mostBins.withCrosscheck;
  const result = { ...whole, series: thinSeries(series, Math.floor(bins / Math.max(series.replicas.length, 1))) };
  const shown = frames === null || frames.frames.length === 0 ? null : frames;
  const { script, style } = clientFiles();
  const failed = whole.verdict === "fail" || crosscheck?.verdict === "fail";
  const verdict = [
    failed ? "Fail" : "Pass",
    ...whole.checks.flatMap((check) => (check.verdict === "undecided" ? [`${check.name} undecided`] : [])),
  ];
  return renderPage({
    title: `${verdict.join(", ")}: ${headline(result)}`,
    header: verdictHeader(result, crosscheck?.verdict ?? null),
    main: markup`${[
      runSection(result, shown),
      attributionSection(result),
      lawSection(result),
      canonicalSection(result),
      shadowSection(result),
      crosscheck === null ? null : crosscheckPart(crosscheck),
      provenanceSection(result),
    ]}`,
    footer: markup`<p>Written by painnless ${result.machine.versions.painnless ?? ""}. One file, no network; the figures are embedded. Drawn with uPlot and 3Dmol.js, whose licences are in the source of this page.</p>`,
    data: [
      { id: "data", data: result, save: { label: "Download the figures as JSON", name: "md.json" } },
      { id: "frames", data: shown === null ? null : { ...embedFrames(shown, result), seed: shown.seed }, save: null },
      ...(crosscheck === null
        ? []
        : [{ id: "crosscheck-data", data: crosscheck, save: { label: "Download the crosscheck as JSON", name: "crosscheck.json" } }]),
    ],
    scripts: [script],
    styles: [style],
  });
}
