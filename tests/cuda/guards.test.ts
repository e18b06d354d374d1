import { describe, expect, test } from "vitest";
import { type OpenOptions, openSession } from "../../src/dynamics/open.ts";
import type { SimulationRequest } from "../../src/dynamics/options.ts";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import type { Structure } from "../../src/system/structure.ts";
import { unguarded } from "../dynamics/springs.ts";
import { randomModel } from "../engine/models.ts";
import { water } from "../systems.ts";
import { addon, openCpu, openCuda } from "./open.ts";

const model = randomModel("painn-schnetpack");
addon.emulatedCard({ clusters: 0 }); // as in dynamics.test.ts

describe("guards of runs on the card", () => {
  const stopOf = async (
    engine: CudaEngine | ReturnType<typeof openCpu>,
    request: Partial<SimulationRequest>,
    start: OpenOptions = {},
    structure = water,
  ) => {
    const session = await openSession(
      engine,
      structure,
      { steps: 200, timestep: 0.05, replicas: 2, ensemble: "langevin", frameEvery: 1, ...request },
      start,
    );
    const { stop, records, frames } = await session.advance(200);
    const good = (stop?.step ?? Number.NaN) - 1;
    expect([session.state().step, records.steps.at(-1), frames.at(-1)?.step]).toEqual([good, good, good]);
    expect([...session.state().positions]).toEqual([...(frames.at(-1)?.positions ?? [])]);
    expect((await session.advance(1)).stop).toEqual(stop);
    await session.close();
    return stop;
  };
  const free = unguarded.guards;

  test.each([
    ["a force", "force", { guards: { ...free, maxForce: 2.625 } }],
    ["a temperature", "temperature", { guards: { ...free, maxTemperature: 900 } }],
    ["two atoms too near", "distance", { guards: { ...free, minDistance: 0.96 } }],
    ["a displacement", "displacement", { guards: { ...free, maxDisplacement: 0.0036 } }],
  ] as const)("%s beyond its limit: the CPU's stop, its words and all, and the last good state", async (_, reason, request) => {
    const stop = await stopOf(await openCuda(model, "f64"), request);
    const expected = await stopOf(openCpu(model), request);
    expect(stop).toMatchObject({
      reason,
      step: expected?.step,
      replica: expected?.replica,
      atom: expected?.atom,
      other: expected?.other,
      message: expected?.message,
    });
    expect(stop?.step).toBeGreaterThan(1);
  });

  test("an atom that leaves the space in which digits suffice, and atoms in one place", async () => {
    const engine = await openCuda(model, "f64");
    const request = { replicas: 1, ensemble: "nve", timestep: 1, guards: free } as const;
    const away: Structure = { ...water, positions: water.positions.map((x, k) => (k % 3 === 0 ? x + 999_990 : x)) };
    const pushed = { velocities: Float64Array.from({ length: 9 }, (_, k) => (k % 3 === 0 ? 3 : 0)) };
    expect(await stopOf(engine, request, pushed, away)).toMatchObject({ reason: "position", atom: expect.any(Number) });
    // Nothing pulls an atom that is alone within the cutoff; after two steps the second is where the first is.
    const two: Structure = { ...water, numbers: [1, 1], positions: Float64Array.of(0, 0, 0, 12, 0, 0) };
    expect(await stopOf(engine, request, { velocities: Float64Array.of(0, 0, 0, -6, 0, 0) }, two)).toMatchObject({
      ...{ reason: "refused", step: 2, atom: null },
      message: expect.stringMatching(/atoms 0 and 1 coincide/),
    });
  });

  test("a search that would not see atoms so far apart leaves the steps to the host", async () => {
    const guards = { ...free, minDistance: 5.5 };
    const two: Structure = { ...water, numbers: [1, 1], positions: Float64Array.of(0, 0, 0, 6, 0, 0) };
    const request = { replicas: 1, ensemble: "nve", guards } as const;
    expect(await stopOf(await openCuda(model, "f64"), request, { velocities: Float64Array.of(0, 0, 0, -0.5, 0, 0) }, two)).toMatchObject({
      reason: "distance",
      limit: 5.5,
    });
  });
});
