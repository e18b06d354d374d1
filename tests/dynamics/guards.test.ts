import { describe, expect, test } from "vitest";
import { type OpenOptions, openSession } from "../../src/dynamics/open.ts";
import { type SimulationRequest, simulationOptions } from "../../src/dynamics/options.ts";
import type { Stop } from "../../src/dynamics/session.ts";
import { simulate } from "../../src/dynamics/simulate.ts";
import { createNativeEngine } from "../../src/engine/engine.ts";
import { PainnlessError } from "../../src/errors.ts";
import { readModelFile } from "../../src/model/model-file.ts";
import type { Potential } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { ethanol, selfImages } from "../systems.ts";
import { bits, free, grid, potentialOf, springs } from "./springs.ts";

/** The potential until it has been asked so often, then what `later` says. */
function until(calls: number, later: () => { energy: number; forces: Float64Array }): Potential {
  let asked = 0;
  return potentialOf((positions) => (++asked > calls ? later() : { energy: 0, forces: new Float64Array(positions.length) }));
}
const pair = grid(2);
const apart = (x: number): Structure => ({ ...pair, positions: Float64Array.of(0, 0, 0, x, 0, 0) });
const refuse = (code: "BAD_STRUCTURE" | "NOT_FINITE", message: string) => () => {
  throw new PainnlessError(code, message);
};

interface Case {
  readonly name: string;
  readonly potential: Potential;
  readonly structure: Structure;
  readonly velocities: number[];
  readonly request?: Partial<SimulationRequest>;
  readonly expected: Partial<Stop>;
  readonly says: RegExp;
}

const rest = [0, 0, 0, 0, 0, 0];
const slow = [0.001, 0, 0, 0, 0, 0];
const cases: Case[] = [
  {
    name: "an energy that is not a number",
    potential: until(4, () => ({ energy: Number.NaN, forces: new Float64Array(6) })),
    ...{ structure: pair, velocities: slow },
    expected: { reason: "not-finite", step: 4, replica: 0, atom: null, position: null, value: null },
    says: /^step 4 cannot be made: the energy of replica 0 is NaN eV; /,
  },
  {
    name: "a force that is infinite",
    potential: until(4, () => ({ energy: 0, forces: Float64Array.of(0, 0, 0, 0, Number.NEGATIVE_INFINITY, 0) })),
    ...{ structure: pair, velocities: slow },
    expected: { reason: "not-finite", step: 4, replica: 0, atom: 1, position: [4, 0, 0], value: null },
    says: /the force on atom 1 \(C\) of replica 0, last at \(4\.0000, 0\.0000, 0\.0000\) Å, is Infinity eV\/Å/,
  },
  {
    name: "a potential that gives what is not finite as an error",
    potential: until(4, refuse("NOT_FINITE", "the energy is NaN")),
    ...{ structure: pair, velocities: slow },
    expected: { reason: "not-finite", step: 4, replica: null, atom: null },
    says: /^step 4 cannot be made: the energy is NaN; /,
  },
  {
    name: "a geometry that the potential refuses",
    potential: until(4, refuse("BAD_STRUCTURE", "atoms 0 and 1 coincide")),
    ...{ structure: pair, velocities: slow },
    expected: { reason: "refused", step: 4, replica: null, atom: null, value: null, limit: null },
    says: /^step 4 cannot be made: atoms 0 and 1 coincide; /,
  },
  {
    name: "a force beyond the limit",
    potential: until(4, () => ({ energy: 0, forces: Float64Array.of(0, 0, 0, 30, -40, 0) })),
    ...{ structure: pair, velocities: slow, request: { guards: { maxForce: 49 } } },
    expected: { reason: "force", step: 4, replica: 0, atom: 1, value: 50, limit: 49, position: [4, 0, 0] },
    says: /the force on atom 1 \(C\) of replica 0, last at .* is 50\.00 eV\/Å, the limit is 49 eV\/Å; take a smaller timestep/,
  },
  {
    name: "a temperature beyond the limit",
    potential: springs(-0.5, pair.positions),
    ...{ structure: apart(4.1), velocities: rest, request: { guards: { maxTemperature: 400 } } },
    expected: { reason: "temperature", replica: 0, atom: 1, limit: 400 },
    says: /the temperature of replica 0 is \d{3}\.\d K, the limit is 400 K; the fastest is atom 1 \(C\), last at \(4\./,
  },
  {
    name: "two atoms on top of each other",
    potential: free,
    ...{
      structure: apart(1),
      velocities: [0, 0, 0, -0.1, 0, 0],
      request: { timestep: 1, guards: { minDistance: 0.45, maxTemperature: 1e9 } },
    },
    expected: { reason: "distance", step: 6, replica: 0, atom: 0, other: 1, limit: 0.45, position: [0, 0, 0] },
    says: /atom 0 \(C\) of replica 0, last at .* lies 0\.4000 Å from atom 1 \(C\), the limit is 0\.45 Å/,
  },
  {
    name: "an atom on top of its own image",
    potential: free,
    ...{ structure: selfImages, velocities: [0, 0, 0], request: { guards: { minDistance: 2.75 } } },
    expected: { reason: "distance", step: 1, atom: 0, other: 0 },
    says: /lies 2\.700 Å from an image of itself, the limit is 2\.75 Å/,
  },
  {
    name: "an atom that jumps",
    potential: free,
    ...{ structure: pair, velocities: [0, 0, 0, 0, 0.3, 0.4], request: { guards: { maxDisplacement: 0.2, maxTemperature: 1e9 } } },
    expected: { reason: "displacement", step: 1, replica: 0, atom: 1, value: 0.25, limit: 0.2, position: [4, 0, 0] },
    says: /atom 1 \(C\) .* moves 0\.2500 Å at once, the limit is 0\.2 Å/,
  },
  {
    name: "an atom of the second of two replicas",
    potential: free,
    ...{
      structure: pair,
      velocities: [...rest, 0, 0, 0, 0, 0.3, 0.4],
      request: { replicas: 2, guards: { maxDisplacement: 0.2, maxTemperature: 1e9 } },
    },
    expected: { reason: "displacement", step: 1, replica: 1, atom: 1, position: [4, 0, 0] },
    says: /atom 1 \(C\) of replica 1, last at/,
  },
  {
    name: "an atom that leaves the space in which digits suffice",
    potential: free,
    ...{ structure: apart(999_999.91), velocities: [0, 0, 0, 0.05, 0, 0], request: { guards: { maxTemperature: 1e9 } } },
    expected: { reason: "position", step: 4, replica: 0, atom: 1, limit: 1e6 },
    says: /a coordinate of atom 1 .* is 1\.000e\+6 Å, the limit is 1000000 Å; start nearer to the origin/,
  },
];

describe.each(cases)("$name", ({ potential, structure, velocities, request, expected, says }) => {
  const options = { steps: 200, timestep: 0.5, frameEvery: 1, ...request };
  const start: OpenOptions = { velocities: Float64Array.from(velocities) };

  test("stops the run at the last good step and says which atom and why", async () => {
    const session = await openSession(potential, structure, options, start);
    const stretch = await session.advance(200);
    expect(stretch.stop).toMatchObject(expected);
    expect(stretch.stop?.message).toMatch(says);
    const good = (stretch.stop?.step as number) - 1;
    expect([stretch.step, session.step, session.state().step]).toEqual([good, good, good]);
    expect(stretch.records.steps.at(-1)).toBe(good);
    const last = stretch.frames.at(-1);
    expect(last?.step).toBe(good);
    const state = session.state();
    for (const name of ["positions", "velocities", "forces"] as const)
      expect(bits(state[name]), name).toBe(bits(last?.[name] as Float64Array));
    for (const column of [state.positions, state.velocities, state.forces]) expect(column.every(Number.isFinite)).toBe(true);
    const again = await session.advance(1);
    expect(again.stop).toEqual(stretch.stop);
    expect(again.records.steps.length).toBe(0);
    await session.close();
  });
});

test("guards inside the engine: the same stop, of the right replica", async () => {
  const engine = createNativeEngine(await readModelFile("models/ethanol.safetensors"), { device: "cpu", precision: "f64", threads: 1 });
  const stops = async (request: Partial<SimulationRequest>, start: OpenOptions) => {
    const session = await openSession(engine, ethanol, { steps: 400, replicas: 3, ensemble: "langevin", ...request }, start);
    const { stop } = await session.advance(400);
    const { step } = session.state();
    expect(step).toBe((stop?.step ?? Number.NaN) - 1);
    return stop;
  };
  for (const guards of [{ maxForce: 4 }, { maxTemperature: 350 }, { minDistance: 0.95 }]) {
    const inside = await stops({ guards }, {});
    expect(inside?.step).toBeGreaterThan(1);
    expect(await stops({ guards }, { stepped: true })).toEqual(inside);
  }
  expect(await stops({ guards: { minDistance: 1 } }, {})).toMatchObject({ reason: "distance", step: 1, replica: 0, atom: 2, other: 3 });
  await engine.close();
});

describe("simulate", () => {
  const request = { steps: 25, frameEvery: 10, equilibration: 5 };

  test("gives the frames in order", async () => {
    const steps: number[] = [];
    for await (const { step, time, positions } of simulate(free, pair, request)) {
      steps.push(step);
      expect(time).toBe(step / 2);
      expect(positions.length).toBe(6);
    }
    expect(steps).toEqual([0, 10, 20]);
  });

  test("throws what stopped it after the last good frame", async () => {
    const steps: number[] = [];
    const failing = until(18, () => ({ energy: Number.NaN, forces: new Float64Array(6) }));
    const run = async () => {
      for await (const { step } of simulate(failing, pair, { ...request, equilibration: 0 })) steps.push(step);
    };
    await expect(run()).rejects.toMatchObject({ code: "UNSTABLE", message: expect.stringMatching(/^step 18 cannot be made/) });
    expect(steps).toEqual([0, 10]);
  });

  test("ends when nobody asks for more, and when it is cancelled", async () => {
    let asked = 0;
    const counting = potentialOf((positions) => {
      asked += 1;
      return { energy: 0, forces: new Float64Array(positions.length) };
    });
    for await (const { step } of simulate(counting, pair, { steps: 1e6, frameEvery: 10 })) if (step === 10) break;
    expect(asked).toBeLessThan(30);
    const abort = new AbortController();
    const run = async () => {
      for await (const _ of simulate(counting, pair, { steps: 1e6, frameEvery: 10 }, { signal: abort.signal })) abort.abort();
    };
    await expect(run()).rejects.toMatchObject({ code: "CANCELLED" });
  });
});

describe("what a run cannot begin from is refused", () => {
  test.each([
    [{ steps: -1 }, "steps"],
    [{ steps: 1, timestep: 0 }, "timestep"],
    [{ steps: 1, timestep: Number.NaN }, "timestep"],
    [{ steps: 1, temperature: -1 }, "temperature"],
    [{ steps: 1, ensemble: "csvr", temperature: 0 }, "temperature"],
    [{ steps: 1, equilibration: 1, equilibrationEnsemble: "csvr", temperature: 0 }, "temperature"],
    [{ steps: 1, replicas: 0 }, "replicas"],
    [{ steps: 1, skin: 11 }, "skin"],
    [{ steps: 1, guards: { maxForce: 0 } }, "guards.maxForce"],
    [{ steps: 1, dt: 1 }, null],
  ] as const)("%j", (request, field) => {
    expect(() => simulationOptions(request as unknown as SimulationRequest)).toThrow(expect.objectContaining({ code: "USAGE", field }));
  });

  test("a state or velocities of another shape, a structure beyond the domain, a potential without forces", async () => {
    const session = await openSession(free, pair, { steps: 10 });
    const state = session.state();
    const open = (start: OpenOptions, structure = pair) => openSession(free, structure, { steps: 10 }, start);
    const refused = (field: string) => ({ code: "USAGE", field });
    await expect(open({ state: { ...state, step: 11 } })).rejects.toMatchObject(refused("step"));
    await expect(open({ state: { ...state, step: -1 } })).rejects.toMatchObject(refused("step"));
    await expect(open({ state: { ...state, forces: new Float64Array(3) } })).rejects.toMatchObject(refused("forces"));
    await expect(open({ state: { ...state, heat: Float64Array.of(Number.NaN) } })).rejects.toMatchObject(refused("heat"));
    await expect(open({ velocities: new Float64Array(5) })).rejects.toMatchObject(refused("velocities"));
    await expect(open({}, { ...pair, positions: new Float64Array(3) })).rejects.toMatchObject({ code: "BAD_STRUCTURE" });
    const blind: Potential = { ...free, evaluate: async () => [{ energy: 0, netEnergy: 0, forces: null, stress: null, energies: null }] };
    await expect(openSession(blind, pair, { steps: 1 })).rejects.toMatchObject({ code: "UNSUPPORTED" });
  });
});
