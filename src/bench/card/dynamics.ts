import { allowedMovements, ofNudged } from "../../crosscheck/conditioning.ts";
import { largestOf } from "../../crosscheck/metrics.ts";
import { isFloat32 } from "../../crosscheck/tolerances.ts";
import { openSession } from "../../dynamics/open.ts";
import type { SimulationRequest } from "../../dynamics/options.ts";
import { PainnlessError } from "../../errors.ts";
import { worse } from "../../system/finite.ts";
import type { Potential } from "../../system/potential.ts";
import type { Structure } from "../../system/structure.ts";
import type { CardTrial } from "../result.ts";
import { quantile, timingOf } from "../statistics.ts";
import type { CardRow, Sets } from "./rows.ts";
import { type CardTrialOptions, common, edgesOf, now } from "./trial.ts";

/** Random weights pull hard on random structures: short steps, and no limits to what an atom may do. */
export const shortRun = {
  ...{ ensemble: "nve", timestep: 0.05, temperature: 300, seed: 1, recordEvery: 1000, frameEvery: 0, skin: 0 },
  guards: { maxForce: 1e300, maxTemperature: 1e300, minDistance: 0, maxDisplacement: 1e300 },
} as const satisfies Partial<SimulationRequest>;

/** What is timed for long: atoms of a model far from its training fall into each other within some 10 fs, and here hardly move. So with a skin it searches
 *  once a stretch, and without one at each step: a run of the user's lies between, once in some 20 steps. */
export const stillRun = { ...shortRun, timestep: 1e-5 } as const satisfies Partial<SimulationRequest>;
const skin = 0.5;

/** steps that are compared, and Å that positions may differ after them: float32 forces move an atom of 1 u by 1e-9 Å a step; up to `most`, where
 *  the model makes more of float32's rounding (conditioning.ts) */
const compared = { steps: 8, tolerance: 1e-6, most: 1e-4 };
const minimumStretches = 7;

/** Seconds of a step, of each stretch, by ASE's integrator and inside the engine. @param step seconds of one in the engine */
export type FromPython = (
  structure: Structure,
  step: number,
) => Promise<{ readonly ase: readonly number[]; readonly inside: readonly number[] }>;

/** Steps of velocity Verlet in the engine, and by forces asked for at each step; replicas are the structures of the row.
 *  @throws {PainnlessError} NOT_FINITE if the trajectory is not the exact engine's */
export async function runDynamicsTrial(
  row: CardRow,
  sets: Sets,
  exact: Potential,
  options: CardTrialOptions,
  fromPython: FromPython | null = null,
): Promise<CardTrial> {
  const { engine, precision } = options;
  const [structure] = sets[0] ?? [];
  if (structure === undefined) throw new PainnlessError("INTERNAL", `row ${row.name} has no structure`);
  const replicas = row.structures;
  const from = (potential: Potential) => distance(potential, exact, structure, { ...shortRun, replicas });
  const away = await from(engine);
  const { tolerance, most } = compared;
  const further = away > tolerance && isFloat32(engine.name) ? largestOf(await ofNudged(options.model, options.openExact, from)) : 0;
  const allowed = worse(tolerance, Math.min(allowedMovements * further, most));
  if (!(away <= allowed))
    throw new PainnlessError(
      "NOT_FINITE",
      `${engine.name} is not timed: after ${compared.steps} steps an atom is ${away} Å from ${exact.name}'s, allowed is ${allowed}`,
    );
  const judge = `${exact.name}, from which the farthest atom is ${away.toExponential(1)} Å after ${compared.steps} steps`;
  const edges = await edgesOf(engine, sets);
  const before = await engine.activity();
  const inside = await stretches(engine, structure, { ...stillRun, replicas }, options, false);
  const asked = await stretches(engine, structure, { ...stillRun, replicas }, options, true);
  // The resident schedule looks at all pairs in each step.
  const kept = before.schedule === "resident" ? null : await stretches(engine, structure, { ...stillRun, replicas, skin }, options, false);
  const timing = timingOf(inside);
  const python = row.structures === 1 && fromPython !== null ? await fromPython(structure, timing.medianMs / 1e3) : null;
  const { network, search } = await engine.seconds(sets[0] ?? [], ["energy", "forces"], options.evaluations ?? 100);
  const evaluation = timingOf([network + search]);
  return {
    ...common(row, sets, { ...options, activity: await engine.activity(), before, edges, atoms: row.atoms * row.structures, judge }),
    ...{ measures: "dynamics", side: engine.name, precision, ...timing, floor: null },
    error: null,
    figures: {
      ...{ "evaluation on the card": evaluation, "forces asked for at each step": timingOf(asked) },
      ...(kept === null ? {} : { [`neighbours kept, skin of ${skin} Å`]: timingOf(kept) }),
      ...(python === null ? {} : { "run_nve from Python": timingOf(python.inside), "ASE VelocityVerlet": timingOf(python.ase) }),
    },
    perSecond: { steps: 1e3 / timing.medianMs, "atom-steps": (1e3 * row.atoms * row.structures) / timing.medianMs },
    ...{ opponents: [], against: {}, spread: {}, absent: [], further: {} },
  };
}

/** Seconds of a step, of each stretch. */
async function stretches(
  engine: Potential,
  structure: Structure,
  request: Partial<SimulationRequest>,
  { seconds, evaluations }: CardTrialOptions,
  stepped: boolean,
): Promise<number[]> {
  const session = await openSession(engine, structure, { ...request, steps: 2 ** 40 }, { stepped });
  try {
    const warmUp = evaluations ?? 64;
    const first = await session.advance(warmUp);
    const steps = evaluations ?? Math.max(16, Math.ceil(seconds / minimumStretches / (first.seconds / warmUp)));
    const found: number[] = [];
    const start = now();
    while (found.length < minimumStretches || now() - start < seconds / 2) {
      const stretch = await session.advance(steps);
      if (stretch.stop !== null) throw new PainnlessError("UNSTABLE", `the run that was timed stopped: ${stretch.stop.message}`);
      found.push(stretch.seconds / steps);
    }
    quantile(found, 0.5); // a step that took no time was not made
    return found;
  } finally {
    await session.close();
  }
}

/** Å between the two, of the atom that is farthest off. */
async function distance(engine: Potential, exact: Potential, structure: Structure, request: Partial<SimulationRequest>): Promise<number> {
  const [own, right] = await Promise.all(
    [engine, exact].map(async (potential) => {
      const session = await openSession(potential, structure, { ...request, steps: compared.steps });
      try {
        await session.advance(compared.steps);
        return session.state().positions;
      } finally {
        await session.close();
      }
    }),
  );
  if (own === undefined || right === undefined || own.length !== right.length || own.length === 0) return Number.NaN;
  return largestOf(own.map((x, k) => x - (right[k] as number)));
}
