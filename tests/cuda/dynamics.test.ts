import { afterEach, describe, expect, test } from "vitest";
import { openSession } from "../../src/dynamics/open.ts";
import { Random } from "../../src/system/random.ts";
import type { Structure } from "../../src/system/structure.ts";
import { bitsOf, type Whole, whole } from "../dynamics/springs.ts";
import { gas } from "../engine/gas.ts";
import { randomModel, withFilters } from "../engine/models.ts";
import { cubic, ethanol, slab, smallCrystal, triclinic, water, wire } from "../systems.ts";
import { addon, onCard, openCpu, openCuda } from "./open.ts";
import { assertSame, type columns, ensembles, gentle, requestOf, run, thermal } from "./runs.ts";

const model = randomModel("painn-schnetpack");
addon.emulatedCard({ clusters: 0 }); // the resident schedule takes the emulator a quarter of a second a step; it has a test of its own

test.each([
  ["nve", "ethanol", ethanol],
  ["nve", "triclinic", triclinic],
  ["langevin", "ethanol", ethanol],
  ["csvr", "water", water],
] as const)("%s: the trajectory is the CPU's up to rounding, over 100 steps of %s", async (ensemble, _, structure) => {
  const request = { ...requestOf(ensemble), steps: 100 };
  const found = await run(await openCuda(model, "f64"), structure, request);
  expect(found.stop).toBeNull();
  expect(found.frames.length).toBe(15);
  assertSame(found, await run(openCpu(model), structure, request), 1e-11);
});

test.each(ensembles)("%s: replicas go together as each goes alone, and any stretches give the bits of one", async (ensemble) => {
  const engine = await openCuda(model, "f32");
  const request = { ...requestOf(ensemble), equilibration: 2, steps: 5, recordEvery: 1, frameEvery: 2 };
  const together = await run(engine, ethanol, { ...request, replicas: 3 });
  for (const replica of [0, 2]) {
    const alone = await run(engine, ethanol, { ...request, seed: 5 + replica }, 1, 2, 3, 40);
    expect(bitsOf(alone, 0, 1, 9)).toEqual(bitsOf(together, replica, 3, 9));
  }
});

test("the bits of a replica are those of a run alone, whichever schedule has the batch", async () => {
  const request = { ...requestOf("langevin"), equilibration: 1, steps: 2, recordEvery: 1, frameEvery: 1 };
  addon.emulatedCard({ clusters: 7 });
  const engine = await openCuda(model, "f32");
  addon.emulatedCard({ clusters: 0 });
  const runs = new Map<number, Whole>();
  // On a card without clusters all of them are layered.
  const schedules = onCard ? [expect.any(String), expect.any(String), "layered"] : ["resident", "resident", "layered"];
  for (const [k, replicas] of [1, 3, 8].entries()) {
    runs.set(replicas, await run(engine, ethanol, { ...request, replicas }));
    expect((await engine.activity()).schedule).toEqual(schedules[k]);
  }
  for (const replicas of [3, 8]) expect(bitsOf(runs.get(replicas) as Whole, 0, replicas, 9)).toEqual(bitsOf(runs.get(1) as Whole, 0, 1, 9));
});

test.each([
  ["nve", 9],
  ["langevin", -2],
  ["csvr", 0],
] as const)(
  "%s: stopped at step %i and opened again from its state on another engine, a run goes on as if it had not been",
  async (ensemble, step) => {
    const request = { ...requestOf(ensemble), steps: 16, recordEvery: 1 };
    const uncut = await run(await openCuda(model, "f32"), ethanol, request);
    const begun = await openSession(await openCuda(model, "f32"), ethanol, request);
    const first = await begun.advance(step + 6);
    expect(first.step).toBe(step);
    const rest = await whole(await openSession(await openCuda(model, "f32"), ethanol, request, { state: begun.state() }));
    await begun.close();
    const column = (name: "steps" | (typeof columns)[number]) => Float64Array.from([...first.records[name], ...rest.records[name]]);
    const energies = { potential: column("potential"), kinetic: column("kinetic"), heat: column("heat"), modified: column("modified") };
    const joined = { ...rest, records: { steps: column("steps"), ...energies }, frames: [...first.frames, ...rest.frames] };
    expect(bitsOf(joined, 0, 1, 9)).toEqual(bitsOf(uncut, 0, 1, 9));
  },
);

test("atoms cross a periodic cell as on the CPU; positions are not wrapped", async () => {
  const fast = { ...gentle, steps: 80, temperature: 3e7, seed: 2, frameEvery: 20 };
  const found = await run(await openCuda(model, "f64"), cubic, fast);
  assertSame(found, await run(openCpu(model), cubic, fast), 1e-9);
  const end = found.frames.at(-1)?.positions ?? [];
  expect(Math.max(...Array.from(end, (x, k) => Math.abs(x - (cubic.positions[k] as number))))).toBeGreaterThan(4);
});

test("more edges than there is room for: the arrays grow once, that step is made again, and the bits are those of an engine with room", async () => {
  const dense = gas(70, 4); // more than the resident schedule takes
  const cluster: Structure = { ...dense, cell: null, pbc: [false, false, false], positions: dense.positions.map((x) => 0.45 * x) };
  const request = { ...gentle, timestep: 1e-4, steps: 6, frameEvery: 1, ensemble: "langevin" } as const;
  const gentler = withFilters(model, 0.05); // so dense, the numbers of the other go beyond what tensor cores take
  const roomy = await openCuda(gentler, "f32");
  const state = (await openSession(roomy, cluster, request)).state();
  const sparse: Structure = { ...cluster, positions: cluster.positions.map((x) => 20 * x) };
  // An engine that has seen the atoms far apart has too little room for those of the state.
  const narrow = await openCuda(gentler, "f32");
  const session = await openSession(narrow, sparse, request, { state });
  const before = await narrow.activity();
  const found = await whole(session);
  expect((await narrow.activity()).allocations).toBe(before.allocations + 2); // for pairs to keep, and for more edges
  expect(found.stop).toBeNull();
  expect(bitsOf(found, 0, 1, 70)).toEqual(bitsOf(await whole(await openSession(roomy, cluster, request, { state })), 0, 1, 70));
});

describe.each(ensembles)("%s of more atoms than a block has threads", (ensemble) => {
  const small = randomModel("painn-schnetpack", { n_features: 32, n_layers: 1 });
  const places = Array.from({ length: 290 }, (_, k) => [
    7 * (k % 6) + 1.1 * Number(k >= 145),
    7 * (Math.floor((k % 145) / 6) % 6),
    7 * Math.floor((k % 145) / 36),
  ]);
  const dimers: Structure = {
    ...{ name: "dimers", numbers: places.map((_, k) => (k % 2 === 0 ? 6 : 1)), cell: null, pbc: [false, false, false] },
    positions: Float64Array.from(places.flat()),
  };
  const request = { ...requestOf(ensemble), steps: 4, equilibration: 2, recordEvery: 1, frameEvery: 1 };

  test("the trajectory is the CPU's up to rounding", async () => {
    const found = await run(await openCuda(small, "f64"), dimers, request);
    expect(found.stop).toBeNull();
    assertSame(found, await run(openCpu(small), dimers, request), 1e-11);
  });

  test("replicas go together as each goes alone, and any stretches give the bits of one", async () => {
    const engine = await openCuda(small, "f64");
    const together = await run(engine, dimers, { ...request, replicas: 2 });
    for (const replica of [0, 1]) {
      const alone = await run(engine, dimers, { ...request, seed: 5 + replica }, 1, 2, 40);
      expect(bitsOf(alone, 0, 1, 290)).toEqual(bitsOf(together, replica, 2, 290));
    }
  });
});

test.each([0, 0.5])("as many atoms without a cell, then in one, which needs bins: the steps are recorded anew, skin %f", async (skin) => {
  const small = randomModel("painn-schnetpack", { n_features: 32, n_layers: 1 });
  const open = () => openCuda(small, "f32", { tuning: { residentAtoms: 0 } });
  const periodic = gas(100, 3);
  const request = { ...gentle, steps: 2, frameEvery: 1, skin };
  const expected = bitsOf(await run(await open(), periodic, request), 0, 1, 100);
  const engine = await open();
  await engine.evaluate([periodic]); // room for all of it, so that nothing is laid out anew
  await run(engine, { ...periodic, cell: null, pbc: [false, false, false] }, request);
  const found = bitsOf(await run(engine, periodic, request), 0, 1, 100);
  expect(found.map((column, k) => column === expected[k])).toEqual(expected.map(() => true));
});

describe("pairs kept with a skin", () => {
  /** Fast and short: atoms cross the cell, forces hardly matter. */
  const fast = { ...gentle, steps: 80, temperature: 3e7, seed: 2, frameEvery: 20 } as const;
  const small = randomModel("painn-schnetpack", { n_features: 32, n_layers: 1 });
  const binned = gas(66, 3); // more than are searched pair by pair
  const openLayered = () => openCuda(small, "f32", { tuning: { residentAtoms: 0 } }); // the resident schedule keeps none
  const withSkin = async (structure: Structure, skin: number, steps: number = fast.steps) =>
    run(await openLayered(), structure, { ...fast, steps, skin });

  test.each([cubic, triclinic, smallCrystal, slab, wire, water, binned])(
    "$name: any skin gives the trajectory of none, to the last bit, with fewer searches",
    async (structure) => {
      const n = structure.numbers.length;
      const steps = structure === binned && !onCard ? 24 : 80;
      const none = await withSkin(structure, 0, steps);
      const rebuilds = [none.rebuilds as number];
      expect(rebuilds).toEqual([steps]);
      for (const skin of [0.5, 3]) {
        const skinned = await withSkin(structure, skin, steps);
        expect(bitsOf(skinned, 0, 1, n), `skin ${skin}`).toEqual(bitsOf(none, 0, 1, n));
        rebuilds.push(skinned.rebuilds as number);
      }
      expect(rebuilds).toEqual([...rebuilds].sort((a, b) => b - a));
      expect(rebuilds.at(-1)).toBeLessThan(steps / 2);
      expect(rebuilds.at(-1)).toBeGreaterThan(1);
    },
  );

  test("replicas search together, and each goes as it does without a skin", async () => {
    const request = { ...fast, steps: 20, frameEvery: 4, replicas: 3 };
    const engine = await openLayered();
    const [none, skinned] = [await run(engine, triclinic, { ...request, skin: 0 }), await run(engine, triclinic, { ...request, skin: 3 })];
    for (const replica of [0, 1, 2])
      expect(bitsOf(skinned, replica, 3, triclinic.numbers.length)).toEqual(bitsOf(none, replica, 3, triclinic.numbers.length));
    expect(none.rebuilds).toBe(60);
    expect(skinned.rebuilds).toBeLessThan(60);
    expect((skinned.rebuilds as number) % 3).toBe(0);
  });

  test("more pairs within the skin than there is room for, though there is for the edges: there is room then, and the bits are the same", async () => {
    const random = new Random(1, "two discs");
    const positions = Array.from({ length: 72 }, (_, k) => {
      const [radius, angle] = [0.6 * Math.sqrt(random.uniform()), 2 * Math.PI * random.uniform()];
      return [k % 2 === 0 ? 0 : 5.05, radius * Math.cos(angle), radius * Math.sin(angle)];
    });
    const discs: Structure = {
      ...{ name: "two discs", numbers: Array(72).fill(6), cell: null, pbc: [false, false, false] },
      positions: Float64Array.from(positions.flat()),
    };
    const request = { ...gentle, timestep: 1e-6, steps: 4, frameEvery: 1 };
    const engine = await openLayered();
    const none = await run(engine, discs, { ...request, skin: 0 });
    const before = await engine.activity();
    const skinned = await run(engine, discs, { ...request, skin: 0.2 });
    expect(bitsOf(skinned, 0, 1, 72)).toEqual(bitsOf(none, 0, 1, 72));
    expect(skinned.stop).toBeNull();
    expect((await engine.activity()).allocations).toBe(before.allocations + 2);
  });

  test("room for pairs is that of the run's own atoms, however large a batch the engine has seen", async () => {
    const grown = async (seen: readonly Structure[]) => {
      const engine = await openLayered();
      await engine.evaluate(seen, ["energy"]);
      const before = await engine.activity();
      await run(engine, water, { ...gentle, steps: 1, skin: 10 });
      return (await engine.activity()).arenaBytes - before.arenaBytes;
    };
    expect(await grown(Array(60).fill(water))).toBeLessThan(2 * (await grown([water])));
  });

  test.skipIf(onCard).each([
    ["cells that atoms have crossed are forgotten", 48],
    ["atoms may go a skin and a half", 49],
  ] as const)("%s: the trajectory is another", async (_, planted) => {
    const expected = bitsOf(await withSkin(cubic, 0), 0, 1, cubic.numbers.length);
    addon.emulatedCard({ planted });
    const found = await withSkin(cubic, 3);
    addon.emulatedCard({ planted: 0 });
    expect(bitsOf(found, 0, 1, cubic.numbers.length)).not.toEqual(expected);
  });
});

describe.skipIf(onCard)("on the emulated card", () => {
  afterEach(() => {
    addon.emulatedCard({ turns: "ascending", planted: 0 });
  });
  const request = { ...thermal, ensemble: "langevin", steps: 160, frameEvery: 50 } as const;

  test("a stretch allocates, records and sends nothing anew: a replay for 16 steps, no question in between", async () => {
    const engine = await openCuda(model, "f32");
    const session = await openSession(engine, water, request);
    await session.advance(6 + 10);
    const before = await engine.activity();
    addon.emulatedCard({});
    await session.advance(144);
    const counts = addon.emulatedCard({});
    // Two chunks, of 128 and of 16 steps: records, frames and the report of each; the state at the end.
    expect(counts).toMatchObject({ allocations: 0, releases: 0, uploads: 2, replays: 9 });
    expect(counts.downloads).toBeLessThanOrEqual(2 * 5 + 1);
    expect(await engine.activity()).toEqual(before);
    await session.close();
  });

  test("memory that is not there is told; the session stands where it stood, and goes on once there is", async () => {
    const short = { ...gentle, steps: 4 };
    const session = await openSession(await openCuda(model, "f32"), water, short);
    addon.emulatedCard({ failingAllocation: 1 });
    await expect(session.advance(4)).rejects.toMatchObject({ code: "MISSING", message: expect.stringMatching(/needs [\d.]+ GB/) });
    expect(session.step).toBe(0);
    const found = await whole(session);
    expect(bitsOf(found, 0, 1, 3)).toEqual(bitsOf(await run(await openCuda(model, "f32"), water, short), 0, 1, 3));
  });

  test("where there is no memory for pairs each step searches, and the bits are the same", async () => {
    const short = { ...gentle, steps: 4, frameEvery: 1 };
    const session = await openSession(await openCuda(model, "f32"), water, short);
    addon.emulatedCard({ failingAllocation: 3 }); // the run's own memory, here and there, comes first
    const found = await whole(session);
    const kept = await run(await openCuda(model, "f32"), water, short);
    expect(bitsOf(found, 0, 1, 3)).toEqual(bitsOf(kept, 0, 1, 3));
    expect([found.rebuilds, kept.rebuilds]).toEqual([4, 1]);
  });

  test("threads in any order give the same bits, several warps of them too", async () => {
    const engine = await openCuda(model, "f32");
    const crowd = gas(40, 2);
    const short = { ...thermal, ensemble: "csvr", steps: 3, equilibration: 2, frameEvery: 1, replicas: 2 } as const;
    const expected = await run(engine, crowd, short);
    for (const turns of ["descending", "shuffled"] as const) {
      addon.emulatedCard({ turns });
      expect(bitsOf(await run(engine, crowd, short), 1, 2, 40), turns).toEqual(bitsOf(expected, 1, 2, 40));
    }
  });

  test("a kick that is twice too strong is found", async () => {
    const engine = await openCuda(model, "f64");
    const expected = await run(openCpu(model), water, { ...gentle, steps: 20 });
    addon.emulatedCard({ planted: 21 });
    const found = await run(engine, water, { ...gentle, steps: 20 });
    expect(() => assertSame(found, expected, 1e-6)).toThrow();
  });
});
