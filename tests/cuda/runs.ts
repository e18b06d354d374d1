import { expect } from "vitest";
import { openSession } from "../../src/dynamics/open.ts";
import type { SimulationRequest } from "../../src/dynamics/options.ts";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import type { Structure } from "../../src/system/structure.ts";
import { assertClose } from "../close.ts";
import { unguarded, type Whole, whole } from "../dynamics/springs.ts";
import type { openCpu } from "./open.ts";

/** A model of random weights pulls hard: small steps, no limits. */
export const gentle = { timestep: 0.02, ...unguarded } as const;
export const thermal = { ...gentle, equilibration: 6, frameEvery: 7, recordEvery: 3, seed: 5, friction: 2, relaxation: 0.5 } as const;
export const columns = ["potential", "kinetic", "heat", "modified"] as const;

/** A whole run, in stretches of the sizes given. */
export const run = async (
  engine: CudaEngine | ReturnType<typeof openCpu>,
  structure: Structure,
  request: SimulationRequest,
  ...stretches: number[]
) => whole(await openSession(engine, structure, request), ...stretches);

/** Two runs that differ by rounding alone. */
export function assertSame(found: Whole, expected: Whole, tolerance: number): void {
  expect([...found.records.steps]).toEqual([...expected.records.steps]);
  expect(found.frames.map(({ step }) => step)).toEqual(expected.frames.map(({ step }) => step));
  for (const name of columns) {
    const isKnown = (x: number) => !Number.isNaN(x);
    expect([...found.records[name]].map(isKnown), name).toEqual([...expected.records[name]].map(isKnown));
    const known = found.records[name].filter(isKnown);
    if (known.length > 0) assertClose(known, expected.records[name].filter(isKnown), tolerance, 10);
  }
  for (const [k, frame] of found.frames.entries())
    for (const name of ["positions", "velocities", "forces", "potential", "kinetic"] as const)
      assertClose(frame[name], expected.frames[k]?.[name] ?? [], tolerance, 10);
}

export const ensembles = ["nve", "langevin", "csvr"] as const;
export const requestOf = (ensemble: (typeof ensembles)[number]) =>
  ({ ...thermal, ensemble, equilibrationEnsemble: ensemble === "csvr" ? "langevin" : "csvr" }) as const;
