import { judge } from "../dynamics/checks.ts";
import { driftOf } from "../dynamics/drift.ts";
import type { Measures } from "../dynamics/measures.ts";
import type { MdResult } from "../dynamics/result.ts";
import { seriesOf } from "../dynamics/series.ts";
import { sharpBends } from "../model/findings.ts";
import { summaryOf } from "../model/model-file.ts";
import { boltzmannInEv } from "../system/units.ts";
import type { ReadBack } from "./md-evidence.ts";
import { type MdRun, otherBits } from "./md-run.ts";
import { thisMachine } from "./version.ts";

/** What a run found, all measures together. @param command that does it again @param seconds of everything, the measures included */
export async function mdResult(run: MdRun, found: ReadBack, measures: Measures, command: string, seconds: number): Promise<MdResult> {
  const { plan, end, trace, identity, side, session, recording } = run;
  const { model, structure, options, paths, converted } = plan;
  const { replicas, timestep, ensemble, seed } = options;
  const atoms = structure.numbers.length;
  const each = Array.from({ length: replicas }, (_, r) => trace.moments(r));
  // Steps before step 0 take as long as the others.
  const made = end.step + options.equilibration;
  const stepsPerSecond = end.seconds > 0 ? made / end.seconds : null;
  const drift = driftOf(trace);
  const { order: orderInDt, reversal, attribution, failures } = measures;
  const { momentum, canonical, shadow } = found;
  const summary = summaryOf(model);
  const { stop } = end;
  const { equivariant } = model.config;
  const evidence = { drift, orderInDt, reversal, momentum, attribution, canonical, stop };
  const rms = meanOf(each.map(({ energyRms }) => energyRms)) * (1e3 / atoms);
  const about = { model: summary, equivariant, bends: sharpBends(model.config) };
  const judgement = judge({ side: side.potential.name, ensemble, ...about, failures, ...evidence });
  const { kernels } = identity.side;
  return {
    ...{ format: "painnless.md/1", ...judgement },
    findings: [...judgement.findings, ...(kernels.length > 1 ? [otherBits(kernels)] : [])],
    ...{ started: identity.started, seconds, seed, command, model: summary, machine: await thisMachine(side.versions) },
    ...{ side: side.potential.name, note: side.note },
    structure: { name: structure.name, numbers: structure.numbers, cell: structure.cell && [...structure.cell], pbc: structure.pbc },
    ...{ options, ensemble, atoms, replicas, steps: Math.max(0, end.step), dt: timestep },
    stepsPerSecond,
    nsPerDay: stepsPerSecond === null ? null : stepsPerSecond * timestep * 86_400e-6,
    temperature: meanAndDeviation(each.map(({ meanKinetic }) => (2 * meanKinetic) / (session.freedoms * boltzmannInEv))),
    ...evidence,
    energyRms: Number.isFinite(rms) ? { value: rms, unit: "meV/atom" } : null,
    series: seriesOf(
      trace,
      each.map((_, r) => seed + r),
    ),
    ...{ rebuilds: end.rebuilds, shadow, trajectory: converted ?? paths.trajectory },
    frames: paths.trajectory === null ? null : recording.frames,
  };
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

function meanAndDeviation(values: readonly number[]): MdResult["temperature"] {
  const mean = meanOf(values);
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return Number.isFinite(mean) ? { mean, deviation: Math.sqrt(variance) } : { mean: null, deviation: null };
}
