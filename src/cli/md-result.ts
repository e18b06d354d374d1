import { driftOf } from "../dynamics/drift.ts";
import type { MdResult } from "../dynamics/result.ts";
import type { ShadowPoint } from "../dynamics/run-log.ts";
import { seriesOf } from "../dynamics/series.ts";
import { shadowSummary } from "../dynamics/shadow.ts";
import { boltzmannInEv } from "../system/units.ts";
import type { MdRun } from "./md-run.ts";
import { thisMachine } from "./version.ts";

/** What a run found, all measures together. @param command that does it again @param seconds of everything, the measures included */
export async function mdResult(run: MdRun, command: string, seconds: number): Promise<MdResult> {
  const { plan, end, trace, identity, side, session, recording } = run;
  const { model, structure, options, paths, converted, shadow } = plan;
  const { replicas, timestep } = options;
  const steps = Math.max(0, end.step);
  // Steps before step 0 take as long as the others.
  const made = end.step + options.equilibration;
  const stepsPerSecond = end.seconds > 0 ? made / end.seconds : null;
  const drift = driftOf(trace);
  const temperatures = Array.from({ length: replicas }, (_, r) => (2 * trace.moments(r).meanKinetic) / (session.freedoms * boltzmannInEv));
  const points: ShadowPoint[] = [];
  for await (const part of recording.readLog()) points.push(...part.shadow);
  return {
    format: "painnless.md/1",
    verdict: end.stop === null ? "pass" : "fail",
    checks: [
      {
        ...{
          name: "guards",
          verdict: end.stop === null ? "pass" : "fail",
          value: end.stop?.value ?? null,
          limit: end.stop?.limit ?? null,
          unit: "",
        },
        sentence: end.stop?.message ?? "No guard was touched.",
      },
    ],
    findings: [],
    started: identity.started,
    ...{ seconds, seed: options.seed, command },
    model: {
      name: model.path.split("/").at(-1) ?? model.path,
      sha256: model.sha256,
      architecture: model.config.arch,
      cutoff: model.config.cutoff,
      energyUnit: model.config.energy_unit,
      unitsOrigin: model.config.units_origin,
    },
    machine: await thisMachine(side.versions),
    ...{ side: side.potential.name, note: side.note },
    structure: { name: structure.name, numbers: structure.numbers, cell: structure.cell && [...structure.cell], pbc: structure.pbc },
    ...{ options, ensemble: options.ensemble, atoms: structure.numbers.length, replicas, steps, dt: timestep },
    stepsPerSecond,
    nsPerDay: stepsPerSecond === null ? null : stepsPerSecond * timestep * 86_400e-6,
    temperature: meanAndDeviation(temperatures),
    drift,
    energyRms: null,
    ...{ orderInDt: null, reversal: null, momentum: null, attribution: null, canonical: null },
    series: seriesOf(
      trace,
      Array.from({ length: replicas }, (_, r) => options.seed + r),
    ),
    ...{ stop: end.stop, rebuilds: end.rebuilds },
    shadow: shadow === null ? null : { side: shadow.side, ...shadowSummary(points) },
    trajectory: converted ?? paths.trajectory,
    frames: paths.trajectory === null ? null : recording.frames,
  };
}

function meanAndDeviation(values: readonly number[]): MdResult["temperature"] {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / Math.max(1, values.length - 1);
  return Number.isFinite(mean) ? { mean, deviation: Math.sqrt(variance) } : { mean: null, deviation: null };
}
