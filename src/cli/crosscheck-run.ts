import { join } from "node:path";
import { movementsOf } from "../crosscheck/conditioning.ts";
import { type CrosscheckSide, crosscheck } from "../crosscheck/crosscheck.ts";
import { removeReplays, writeReplays } from "../crosscheck/replay.ts";
import { type CrosscheckResult, type LawName, lawNames } from "../crosscheck/result.ts";
import { type ModelFile, summaryOf } from "../model/model-file.ts";
import { renderCrosscheckReport } from "../report/crosscheck.ts";
import { onAbort } from "../system/on-abort.ts";
import type { Structure } from "../system/structure.ts";
import type { ForeignPythons } from "./arguments.ts";
import { claimOutput } from "./output.ts";
import { assertSide, openExact, sidesOf } from "./sides.ts";
import { progressBar } from "./terminal.ts";
import { thisMachine } from "./version.ts";

export interface RunRequest {
  readonly model: ModelFile;
  readonly checkpoint: string | null;
  /** of the foreign sides, where they have environments of their own */
  readonly pythons?: ForeignPythons;
  /** Reads them: while the sides open, which takes longer, and not before all that can be refused without them has been looked at. */
  readonly structures: () => Promise<readonly Structure[]>;
  readonly sides: readonly string[];
  readonly reference: string;
  readonly seed: number;
  readonly samples: number;
  readonly boxes: boolean;
  /** the laws to try, on native sides; all by default */
  readonly laws?: readonly LawName[];
  readonly threads: number | null;
  readonly command: string;
  /** folder for index.html, crosscheck.json and failures/ */
  readonly report: string | null;
  readonly json: string | null;
  readonly signal: AbortSignal;
}

/** Opens the sides, runs crosscheck on them, writes what was asked for and closes everything, also when interrupted. */
export async function runCrosscheck(request: RunRequest): Promise<CrosscheckResult> {
  const { model, signal } = request;
  for (const side of [request.reference, ...request.sides]) assertSide(side);
  const json = request.json === null ? null : await claimOutput(request.json);
  const page = request.report === null ? null : await claimOutput(join(request.report, "index.html"));
  const pageJson = request.report === null ? null : await claimOutput(join(request.report, "crosscheck.json"));
  if (request.report !== null) await removeReplays(request.report);
  const { checkpoint, threads, pythons } = request;
  const sides = sidesOf({ model, checkpoint, threads, proving: true, ...(pythons === undefined ? {} : { pythons }) });
  const letGo = onAbort(signal, () => void sides.close());
  const bar = progressBar();
  try {
    bar.update({ stage: `starting ${request.reference}`, done: 0, total: 1 });
    const names = [request.reference, ...request.sides.filter((side) => side !== request.reference)];
    const measure = yardstickOf(request.reference, request.sides);
    const opening = names.map((name) => sides.open(name));
    const measuring = measure === null ? null : sides.open(measure);
    const [structures, yardstick, ...opened] = await Promise.all([request.structures(), measuring, ...opening]);
    const [reference, ...others] = opened.map(
      ({ potential, note }): CrosscheckSide => ({ potential, note, laws: potential.name.startsWith("native:") }),
    ) as [CrosscheckSide, ...CrosscheckSide[]];
    const { result, replays } = await crosscheck({
      structures,
      reference,
      sides: others,
      movements: (inexact) => movementsOf(model, (one) => openExact(one, threads), inexact),
      yardstick: yardstick?.potential ?? null,
      model: summaryOf(model),
      modelFile: model.path,
      machine: await thisMachine(Object.assign({}, ...opened.map(({ versions }) => versions))),
      command: request.command,
      seed: request.seed,
      samples: request.samples,
      boxes: request.boxes,
      laws: request.laws ?? lawNames,
      onProgress: bar.update,
      signal,
    });
    const text = `${JSON.stringify(result, null, 1)}\n`;
    await json?.write(text);
    await pageJson?.write(text);
    await page?.write(renderCrosscheckReport(result));
    if (request.report !== null) await writeReplays(request.report, replays);
    return result;
  } finally {
    bar.stop();
    letGo();
    await sides.close();
  }
}

/** Our float32 is measured by PyTorch's own, where PyTorch is the reference. */
function yardstickOf(reference: string, sides: readonly string[]): string | null {
  const wanted = sides.some((side) => /^native:.*:f32$/.test(side)) && /^torch:.*:f64$/.test(reference);
  return wanted ? reference.replace(/f64$/, "f32") : null;
}
