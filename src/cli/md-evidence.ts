import { CanonicalTrace } from "../dynamics/canonical.ts";
import { defaultBudget, type Measures, measureAll } from "../dynamics/measures.ts";
import { MomentumTrace } from "../dynamics/momentum.ts";
import type { MdResult } from "../dynamics/result.ts";
import type { ShadowPoint } from "../dynamics/run-log.ts";
import { shadowSummary } from "../dynamics/shadow.ts";
import { FrameSelection, type ShownFrames } from "../report/dynamics/frames.ts";
import type { MdRun } from "./md-run.ts";
import type { Sides } from "./sides.ts";
import { progressBar } from "./terminal.ts";

/** What the files of a run tell beside the drift. */
export interface ReadBack extends Pick<MdResult, "momentum" | "canonical" | "shadow"> {
  /** for the page; null where no frames were kept */
  readonly frames: ShownFrames | null;
}

/** Reads frames and log from the first to the last, so that a run that was resumed is judged as a whole. */
export async function readBack({ plan, session, recording }: MdRun): Promise<ReadBack> {
  const { structure, options, shadow, paths } = plan;
  const atoms = structure.numbers.length;
  const momenta = new MomentumTrace(structure, session.masses);
  const shown = new FrameSelection(atoms);
  for await (const frame of recording.readFrames()) {
    momenta.add(frame);
    shown.add({ time: frame.time, positions: frame.positions.slice(0, 3 * atoms) });
  }
  const target = options.temperature;
  const canonical = new CanonicalTrace({ replicas: options.replicas, freedoms: session.freedoms, target });
  const points: ShadowPoint[] = [];
  for await (const part of recording.readLog()) {
    canonical.add(part.records);
    points.push(...part.shadow);
  }
  return {
    momentum: momenta.result(),
    canonical: options.ensemble === "nve" || target === 0 ? null : canonical.result(),
    shadow: shadow === null ? null : { side: shadow.side, ...shadowSummary(points) },
    frames: paths.trajectory === null ? null : { seed: options.seed, frames: shown.frames },
  };
}

const noMeasures: Measures = { order: null, reversal: null, attribution: null, failures: [] };

/** Sides that compute the model itself, whose drift the engine in float64 can explain. */
const ofTheModel = /^(native|torch):/;

/** What the drift means and where it comes from, by runs beside the run. NVE only, and only of a run that came to its end: what a guard stopped has no
 *  drift to explain, and its starting structure would stop the other runs too, or have them explain a drift that was not its own.
 *  @param budget steps of single replicas, 0: none; null: half a minute's for engines of ours, none for others, which take far longer
 *  @throws {PainnlessError} CANCELLED, what the sides throw */
export async function measure(run: MdRun, sides: Sides, budget: number | null, signal: AbortSignal): Promise<Measures> {
  const { structure, options, model } = run.plan;
  const { potential } = run.side;
  const affordable = potential.name.startsWith("native:") ? Math.ceil((defaultBudget * 9) / structure.numbers.length) : 0;
  const steps = budget ?? affordable;
  if (options.ensemble !== "nve" || steps === 0) return noMeasures;
  if (run.end.stop !== null)
    return { ...noMeasures, failures: ["Order in the timestep, reversal and attribution were not measured: a guard stopped the run."] };
  const exact = ofTheModel.test(potential.name) ? (await sides.open("native:cpu:f64")).potential : potential;
  const { temperature, seed, timestep, skin } = options;
  const bar = progressBar();
  try {
    let done = 0;
    const onProgress = (what: string) => bar.update({ stage: `measuring ${what}`, done: done++, total: 4 });
    const common = { structure, temperature, seed, timestep, skin, signal, budget: steps, onProgress };
    return await measureAll({ side: potential, exact, cutoff: ofTheModel.test(potential.name) ? model.config.cutoff : null, ...common });
  } finally {
    bar.stop();
  }
}
