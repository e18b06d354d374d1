import { describe, expect, test } from "vitest";
import { tune } from "../../src/bench/card/tune.ts";
import { tuneSubjects } from "../../src/bench/card/tune-subjects.ts";
import { openSession } from "../../src/dynamics/open.ts";
import { type Tuning, tuningSchema } from "../../src/engine/tuning.ts";
import type { Structure } from "../../src/system/structure.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { ethanol } from "../systems.ts";
import { onCard, openCpu, openCuda } from "./open.ts";

/** What the launcher goes by: which way is taken, and that it is the same result. */
const model = randomModel("painn-schnetpack", { n_layers: 1, n_features: 32 });
const open = (tuning: Tuning) => openCuda(model, "f32", { tuning });
const usual = { residentAtoms: 64, slicesAtoms: 512, spreadWaves: 0, smallWaves: 1, portionAtoms: 8192, chunkSteps: 128 };

test("what is not given is as it comes, and activity and plan say it", async () => {
  const engine = await open({ chunkSteps: 7 });
  const expected = { ...usual, chunkSteps: 7 };
  expect((await engine.activity()).tuning).toEqual(expected);
  expect(engine.plan(9, 36).tuning).toEqual(expected);
});

test.each<[object, string]>([
  [{ slicesAtoms: 63 }, "slicesAtoms"],
  [{ smallWaves: Number.NaN }, "smallWaves"],
  [{ chunkSteps: 0 }, "chunkSteps"],
  [{ residentAtoms: 1.5 }, "residentAtoms"],
  [{ colour: 1 }, "colour"],
])("%j is refused", async (tuning, name) => {
  await expect(open(tuning as Tuning)).rejects.toMatchObject({ code: "USAGE", message: expect.stringContaining(name) });
});

test("the resident schedule takes batches up to its bound; beyond it the layered one gives the same bits", async () => {
  const [most, none] = [await open({ residentAtoms: 9 }), await open({ residentAtoms: 8 })];
  const [right] = await most.evaluate([ethanol], everything);
  const [same] = await none.evaluate([ethanol], everything);
  expect([(await most.activity()).schedule, (await none.activity()).schedule]).toEqual(["resident", "layered"]);
  expect(bits(same)).toEqual(bits(right));
});

test("structures go by slices up to the bound, alone and in one batch with those that do not", async () => {
  const [small, large] = [gas(66, 11), gas(70, 12)] as [Structure, Structure];
  const [all, none, between] = [await open({ slicesAtoms: 128 }), await open({ slicesAtoms: 64 }), await open({ slicesAtoms: 68 })];
  const each = async (engine: typeof all) => (await engine.evaluate([small, large], everything)).map(bits);
  const [[smallSliced, largeSliced], [smallOther, largeOther], [first, second]] = [await each(all), await each(none), await each(between)];
  expect(smallSliced).not.toEqual(smallOther); // sums of their own
  expect(largeSliced).not.toEqual(largeOther);
  expect(first).toEqual(smallSliced);
  expect(second).toEqual(largeOther);
  expect(bits((await between.evaluate([large], everything))[0])).toEqual(largeOther);
});

test("the cut of tiles changes with the bound, and no bits", async () => {
  const [small, large] = [await open({ residentAtoms: 0, smallWaves: 100 }), await open({ residentAtoms: 0, smallWaves: 0 })];
  expect(small.plan(9, 36).tile).toBeLessThan(large.plan(9, 36).tile);
  const [[one], [other]] = [await small.evaluate([ethanol], everything), await large.evaluate([ethanol], everything)];
  expect(bits(one)).toEqual(bits(other));
});

describe("a chunk of dynamics", () => {
  test("may be as long as it likes: the run is the same", async () => {
    const found = await Promise.all(
      [1, 3, 128].map(async (chunkSteps) => {
        const engine = await open({ residentAtoms: 0, chunkSteps });
        const session = await openSession(engine, ethanol, {
          ...{ ensemble: "nve", steps: 5, timestep: 0.1, temperature: 300, replicas: 1, seed: 1, recordEvery: 2, frameEvery: 5, skin: 0 },
        });
        const { records } = await session.advance(5);
        const { positions } = session.state();
        await session.close();
        return { records, positions: [...positions] };
      }),
    );
    expect(found[1]).toEqual(found[0]);
    expect(found[2]).toEqual(found[0]);
  });
});

test("the search runs on engines: every way is verified, repeats, and is timed", async () => {
  const subjects = tuneSubjects(openCpu(model), model, 1);
  const found = await tune({
    ...subjects,
    open,
    // An emulated card takes its time.
    structures: (atoms, structures) =>
      subjects.structures(onCard ? atoms : Math.min(atoms, 5), onCard ? structures : Math.min(structures, 2)),
    async openRun(engine, structure) {
      const run = await subjects.openRun(engine, structure);
      return { ...run, advance: (steps) => run.advance(onCard ? steps : Math.min(steps, 2)) };
    },
    schedule: { seconds: 0, minimumRounds: 3, turn: 1e-3, sets: 1, evaluations: 1, now: () => performance.now() / 1e3 },
    ...{ batch: 1, multiprocessors: 4, limit: 1e9, progress: () => undefined },
  });
  expect(found).toMatchObject({ usual, leftOut: [] });
  const settings = new Set(found.trials.map(({ setting }) => setting));
  expect([...settings]).toEqual(["residentAtoms", "slicesAtoms", "spreadWaves", "smallWaves", "portionAtoms", "chunkSteps"]);
  expect(tuningSchema.parse(found.tuning)).toEqual(found.tuning);
});
