import { afterAll, describe, expect, test } from "vitest";
import { openSession } from "../../src/dynamics/open.ts";
import type { SimulationRequest } from "../../src/dynamics/options.ts";
import { createNativeEngine } from "../../src/engine/engine.ts";
import { readModelFile } from "../../src/model/model-file.ts";
import { Random } from "../../src/system/random.ts";
import type { Structure } from "../../src/system/structure.ts";
import { latticeShifted } from "../../src/system/transform.ts";
import { assertClose } from "../close.ts";
import { randomQuestion } from "../engine/cells.ts";
import { randomModel } from "../engine/models.ts";
import { cubic, ethanol, slab, smallCrystal, triclinic, water, wire } from "../systems.ts";
import { bits, bitsOf, unguarded, whole } from "./springs.ts";

const model = await readModelFile("models/ethanol.safetensors");
const engine = createNativeEngine(model, { device: "cpu", precision: "f64", threads: 1 });
const single = createNativeEngine(model, { device: "cpu", precision: "f32", threads: 1 });
const threaded = createNativeEngine(model, { device: "cpu", precision: "f32", threads: 3 });
afterAll(() => Promise.all([engine.close(), single.close(), threaded.close()]));

const thermal = { equilibration: 12, equilibrationEnsemble: "csvr", frameEvery: 7, recordEvery: 3 } as const;
const ensembles = ["nve", "langevin", "csvr"] as const;

describe.each(ensembles)("%s, to the last bit", (ensemble) => {
  const request = { ...thermal, ensemble, steps: 40, seed: 21 } satisfies SimulationRequest;

  test("replicas go together as each goes alone, on any number of threads", async () => {
    const together = await whole(await openSession(threaded, ethanol, { ...request, replicas: 9 }));
    expect(together.records.steps.length).toBe(18);
    expect(together.frames.map(({ step }) => step)).toEqual([0, 7, 14, 21, 28, 35]);
    for (const replica of [0, 4, 8]) {
      const alone = await whole(await openSession(single, ethanol, { ...request, seed: 21 + replica }));
      expect(bitsOf(together, replica, 9, 9)).toEqual(bitsOf(alone, 0, 1, 9));
    }
  });

  test("any potential goes as the engine goes inside, whatever the stretches", async () => {
    const options = { ...request, replicas: 2 };
    const inside = await whole(await openSession(engine, ethanol, options), 52);
    const outside = await whole(await openSession(engine, ethanol, options, { stepped: true }), 1, 2, 3, 5);
    for (const replica of [0, 1]) expect(bitsOf(outside, replica, 2, 9)).toEqual(bitsOf(inside, replica, 2, 9));
    expect(outside.rebuilds).toBeNull();
  });

  test.each([-5, 0, 1, 17])(
    "a run that is stopped at step %i and opened again from its state goes on as if it had not been",
    async (step) => {
      for (const stepped of [false, true]) {
        const uncut = await whole(await openSession(engine, ethanol, request, { stepped }));
        const begun = await openSession(engine, ethanol, request, { stepped });
        const first = await begun.advance(step + 12);
        expect(first.step).toBe(step);
        const resumed = await openSession(engine, ethanol, request, { stepped, state: begun.state() });
        expect(resumed.step).toBe(step);
        const rest = await whole(resumed, 4);
        await begun.close();
        const joined = (name: "steps" | "potential" | "kinetic" | "heat") =>
          bits(Float64Array.from([...first.records[name], ...rest.records[name]]));
        for (const name of ["steps", "potential", "kinetic", "heat"] as const) expect(joined(name), name).toBe(bits(uncut.records[name]));
        const frames = [...first.frames, ...rest.frames];
        const withFrames = (all: typeof frames) => bitsOf({ ...uncut, frames: all }, 0, 1, 9);
        expect(withFrames(frames)).toEqual(withFrames([...uncut.frames]));
      }
    },
  );
});

describe("neighbours kept with a skin", () => {
  const periodic = createNativeEngine(randomModel("painn-schnetpack"), { device: "cpu", precision: "f64", threads: 1 });
  afterAll(() => periodic.close());
  /** Fast and short: atoms cross the cell, forces hardly matter. */
  const fast = { steps: 80, timestep: 0.02, temperature: 3e7, seed: 2, frameEvery: 20, ...unguarded } as const;
  const run = async (structure: Structure, skin: number) => whole(await openSession(periodic, structure, { ...fast, skin }));

  test.each([cubic, triclinic, smallCrystal, slab, wire, water])(
    "$name: any skin gives the trajectory of none, to the last bit",
    async (structure) => {
      const n = structure.numbers.length;
      const none = await run(structure, 0);
      expect(none.rebuilds).toBe(80);
      const end = none.frames.at(-1)?.positions as Float64Array;
      expect(Math.max(...end.map((x, k) => Math.abs(x - (structure.positions[k] as number))))).toBeGreaterThan(4);
      const rebuilds = [80];
      for (const skin of [0.01, 0.5, 3]) {
        const skinned = await run(structure, skin);
        expect(bitsOf(skinned, 0, 1, n), `skin ${skin}`).toEqual(bitsOf(none, 0, 1, n));
        rebuilds.push(skinned.rebuilds as number);
      }
      expect(rebuilds).toEqual([...rebuilds].sort((a, b) => b - a));
      expect(rebuilds.at(-1)).toBeLessThan(30);
      expect(rebuilds.at(-1)).toBeGreaterThan(1);
    },
  );

  test("a model that is not zero at its cutoff sees the same pairs with any skin", async () => {
    const student = createNativeEngine(randomModel("painn-distiller"), { device: "cpu", precision: "f64", threads: 1 });
    const random = new Random(5, "cluster");
    const cluster: Structure = {
      ...{ name: "cluster", numbers: Array(16).fill(6), cell: null, pbc: [false, false, false] },
      positions: Float64Array.from({ length: 48 }, () => 8 * random.uniform()),
    };
    const ends = [0, 0.4].map(async (skin) => bitsOf(await whole(await openSession(student, cluster, { ...fast, skin })), 0, 1, 16));
    expect(await ends[1]).toEqual(await ends[0]);
    await student.close();
  });

  test("32 random cells of every kind: the same with and without", async () => {
    let ran = 0;
    for (let k = 0; k < 32; k++) {
      const { positions, cell, pbc } = randomQuestion(k);
      const n = positions.length / 3;
      const structure = {
        ...{
          name: `cell ${k}`,
          positions: Float64Array.from(positions),
          cell: Float64Array.from(cell),
          numbers: Array.from({ length: n }, (_, i) => 1 + (i % 8)),
        },
        pbc: [...pbc].map(Boolean) as Structure["pbc"],
      };
      const ends = [];
      for (const skin of [0, 0.7]) {
        const session = await openSession(periodic, structure, { ...fast, steps: 15, skin });
        const { stop } = await session.advance(15);
        ends.push([
          stop?.step,
          ...Object.values(session.state()).map((column) => (column instanceof Float64Array ? bits(column) : column)),
        ]);
        if (stop === null) ran++;
      }
      expect(ends[1], `cell ${k}`).toEqual(ends[0]);
    }
    expect(ran).toBeGreaterThan(56);
  });

  test.each([triclinic, smallCrystal])("$name: atoms moved by lattice vectors of their own go the same way", async (structure) => {
    const request = { steps: 60, timestep: 0.1, frameEvery: 60, temperature: 3000, seed: 4, ...unguarded };
    const moved = latticeShifted(structure, new Random(1, "lattice vectors"));
    const end = async (start: Structure) => {
      const { records, frames } = await whole(await openSession(periodic, start, request));
      const way = frames.at(-1)?.positions.map((x, k) => x - (start.positions[k] as number));
      return { potential: records.potential, way: way ?? new Float64Array(0) };
    };
    const [here, there] = [await end(structure), await end(moved)];
    expect(moved.positions).not.toEqual(structure.positions);
    assertClose(there.potential, here.potential, 1e-10);
    assertClose(there.way, here.way, 1e-10);
  });
});

describe("a session under way", () => {
  test("ends at the next step when it is cancelled, with what there is, and goes on from there", async () => {
    const request = { steps: 100_000, frameEvery: 10, recordEvery: 5, temperature: 100 };
    const session = await openSession(single, ethanol, request);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 200);
    const cut = await session.advance(100_000, abort.signal);
    expect(cut.step).toBeGreaterThan(0);
    expect(cut.step).toBeLessThan(50_000);
    expect(cut.stop).toBeNull();
    expect(cut.records.steps.length).toBe(Math.floor(cut.step / 5) + 1);
    expect(cut.frames.length).toBe(Math.floor(cut.step / 10) + 1);
    expect((await session.advance(100, abort.signal)).step).toBe(cut.step);
    const more = await session.advance(20);
    expect(more.step).toBe(cut.step + 20);
    const other = await openSession(single, ethanol, request);
    await other.advance(more.step);
    expect(bits(other.state().positions)).toBe(bits(session.state().positions));
    await Promise.all([session.close(), other.close()]);
  });

  test("refuses a second call, a state, and steps that are none; after close it refuses all", async () => {
    const session = await openSession(single, ethanol, { steps: 2000 });
    const running = session.advance(2000);
    await expect(session.advance(1)).rejects.toMatchObject({ code: "USAGE" });
    expect(() => session.state()).toThrow(expect.objectContaining({ code: "USAGE" }));
    await session.close();
    expect((await running).step).toBeLessThan(2000);
    await expect(session.advance(1)).rejects.toMatchObject({ code: "CANCELLED" });
    await session.close();
    const other = await openSession(single, ethanol, { steps: 10 });
    for (const steps of [-1, 0.5, Number.NaN]) await expect(other.advance(steps)).rejects.toMatchObject({ code: "USAGE", field: "steps" });
    expect((await other.advance(1000)).step).toBe(10);
    expect((await other.advance(1000)).records.steps.length).toBe(0);
    await other.close();
  });

  test("an engine that closes ends with the steps under way, and refuses more", async () => {
    const own = createNativeEngine(model, { device: "cpu", precision: "f32", threads: 1 });
    const session = await openSession(own, ethanol, { steps: 400 });
    const running = session.advance(200);
    await own.close();
    expect((await running).step).toBe(200);
    await expect(session.advance(1)).rejects.toMatchObject({ code: "CANCELLED" });
    expect(session.state().step).toBe(200);
    await session.close();
  });

  test("a failure of the potential is thrown; the session stands at its last good step and brings what was recorded", async () => {
    let calls = 0;
    const flaky: typeof engine = {
      ...engine,
      async evaluate(batch, want) {
        if (++calls === 6) throw new Error("the cable is out");
        return engine.evaluate(batch, want);
      },
    };
    const request = { steps: 10, frameEvery: 2 };
    const session = await openSession(flaky, ethanol, request, { stepped: true });
    await expect(session.advance(10)).rejects.toThrow("the cable is out");
    expect(session.step).toBe(4);
    const rest = await whole(session);
    expect([...rest.records.steps]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(bitsOf(rest, 0, 1, 9)).toEqual(bitsOf(await whole(await openSession(engine, ethanol, request)), 0, 1, 9));
  });

  test("total energies are those of evaluate", async () => {
    const session = await openSession(engine, ethanol, { steps: 5, frameEvery: 5 });
    const frame = (await session.advance(5)).frames[1];
    const [evaluation] = await engine.evaluate([{ ...ethanol, positions: Float64Array.from(frame?.positions ?? []) }]);
    expect(frame?.potential[0]).toBe(evaluation?.netEnergy);
    assertClose([(frame?.potential[0] as number) + session.energyOffset], [evaluation?.energy as number], 1e-12, 1e4);
    await session.close();
  });
});
