import { join } from "node:path";
import type { CrosscheckResult } from "../crosscheck/result.ts";
import type { MdResult } from "../dynamics/result.ts";
import type { RunEnd } from "../dynamics/run.ts";
import { renderDynamicsReport } from "../report/dynamics.ts";
import { measure, readBack } from "./md-evidence.ts";
import type { MdPlan } from "./md-request.ts";
import { mdResult } from "./md-result.ts";
import { convertFrames, runPlan } from "./md-run.ts";
import { claimOutput } from "./output.ts";
import { sidesOf } from "./sides.ts";

export interface MdSettings {
  readonly command: string;
  readonly threads: number | null;
  /** steps between checkpoints; null: once a minute */
  readonly checkpointEvery: number | null;
  /** of the measures beside the run, see `measure` */
  readonly budget: number | null;
  readonly logJson: boolean;
  /** folder for index.html and md.json */
  readonly report: string | null;
  readonly json: string | null;
  /** of the same model, for the page */
  readonly crosscheck: CrosscheckResult | null;
  /** ends the run with a checkpoint */
  readonly signal: AbortSignal;
}

export type MdOutcome = { readonly interrupted: RunEnd } | { readonly result: MdResult };

/** Runs a plan to its end, measures, and writes what was asked for; closes all that it opened. A run that is interrupted leaves its checkpoint
 *  and no result.
 *  @throws {PainnlessError} what the sides, the session and the disk throw */
export async function runMd(plan: MdPlan, settings: MdSettings): Promise<MdOutcome> {
  const { command, report, signal, threads, crosscheck } = settings;
  const started = performance.now();
  const json = settings.json === null ? null : await claimOutput(settings.json);
  const inReport = (file: string) => (report === null ? null : claimOutput(join(report, file)));
  const [page, pageJson] = await Promise.all([inReport("index.html"), inReport("md.json")]);
  const sides = sidesOf({ model: plan.model, checkpoint: null, threads });
  try {
    const run = await runPlan(plan, sides, settings);
    if (run.end.interrupted && run.end.step < plan.options.steps) return { interrupted: run.end };
    await convertFrames(run);
    const found = await readBack(run);
    const measures = await measure(run, sides, settings.budget, signal);
    const result = await mdResult(run, found, measures, command, (performance.now() - started) / 1e3);
    const text = `${JSON.stringify(result, null, 1)}\n`;
    await json?.write(text);
    await pageJson?.write(text);
    await page?.write(renderDynamicsReport({ result, frames: found.frames, crosscheck }));
    return { result };
  } finally {
    await sides.close();
  }
}
