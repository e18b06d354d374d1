import { describe, expect, test } from "vitest";
import { tune } from "../../src/bench/card/tune.ts";
import { tuneSubjects } from "../../src/bench/card/tune-subjects.ts";
import { openExact } from "../../src/cli/sides.ts";
import { openSession } from "../../src/dynamics/open.ts";
import { cudaPlanFor } from "../../src/engine/plan.ts";
import { type Tuning, tuningSchema } from "../../src/engine/tuning.ts";
import { gas } from "../engine/gas.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { ethanol } from "../systems.ts";
import { onCard, openCpu, openCuda } from "./open.ts";

/** What the launcher goes by: which way is taken, and that it is the same result. */
const model = randomModel("painn-schnetpack", { n_layers: 1, n_features: 32 });
const open = (tuning: Tuning) => openCuda(model, "f32", { tuning });
const usual = { residentAtoms: 64, spreadWaves: 0, smallWaves: 1, earlyLaunches: 0, portionAtoms: 8192, chunkSteps: 128 };

test("what is not given is as it comes, and activity and plan say it", async () => {
  const engine = await open({ chunkSteps: 7 });
  const expected = { ...usual, chunkSteps: 7 };
  expect((await engine.activity()).tuning).toEqual(expected);
  expect(engine.plan(9, 36).tuning).toEqual(expected);
});

test.each<[object, string]>([
  [{ spreadWaves: -1 }, "spreadWaves"],
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

test("the plan of a card that need not be here goes by the settings", () => {
  const card = { architecture: 90, multiprocessors: 132, sharedBytes: 232_448 };
  const plan = (tuning: Tuning) => cudaPlanFor(model, "f32", card, 9, 36, tuning).plan;
  expect(plan({})).toMatchObject({ schedule: "resident", tuning: usual });
  expect(plan({ residentAtoms: 8 })).toMatchObject({ schedule: "layered", tuning: { ...usual, residentAtoms: 8 } });
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

test("early launches give the bits of launches one behind the other: layered, spread, by slices, of dynamics, and where edges overflow", async () => {
  const batch = [ethanol, gas(66, 5), gas(12, 6)];
  const [one, other] = await Promise.all(
    [0, 1].map(async (earlyLaunches) => {
      const engine = await open({ residentAtoms: 0, spreadWaves: 1024, earlyLaunches });
      const session = await openSession(engine, ethanol, {
        ...{ ensemble: "nve", steps: 50, timestep: 0.1, temperature: 300, replicas: 2, seed: 1, recordEvery: 2, frameEvery: 5, skin: 0 },
      });
      const { records } = await session.advance(50);
      await session.close();
      return {
        records,
        bits: (await engine.evaluate(batch, everything)).map(bits),
        dense: (await engine.evaluate([gas(onCard ? 300 : 70, 7)], everything)).map(bits),
      };
    }),
  );
  expect(other).toEqual(one);
});

test("the search runs on engines: every way is verified, repeats, and is timed", async () => {
  const subjects = tuneSubjects(openCpu(model), model, 1, openExact);
  let looks = 0;
  const found = await tune({
    ...subjects,
    open,
    // An emulated card takes its time.
    structures: (atoms, structures) =>
      subjects.structures(onCard ? atoms : Math.min(atoms, 5), onCard ? structures : Math.min(structures, 2)),
    async openRun(engine, structure, still) {
      const run = await subjects.openRun(engine, structure, still);
      return { ...run, advance: (steps) => run.advance(onCard ? steps : Math.min(steps, 2)) };
    },
    // By a clock that every look moves on, all ways take as long; what a busy machine's says might win, and leave nothing to ask of the next setting.
    schedule: {
      seconds: 0,
      minimumRounds: 3,
      turn: 1e-3,
      sets: 1,
      evaluations: 1,
      now: onCard ? () => performance.now() / 1e3 : () => looks++ / 1e3,
    },
    ...{ multiprocessors: onCard ? 132 : 2, limit: 1e9, progress: () => undefined },
  });
  expect(found).toMatchObject({ usual, leftOut: [] });
  const settings = new Set(found.trials.map(({ setting }) => setting));
  expect([...settings]).toEqual(["residentAtoms", "spreadWaves", "smallWaves", "earlyLaunches", "portionAtoms", "chunkSteps"]);
  expect(tuningSchema.parse(found.tuning)).toEqual(found.tuning);
});
