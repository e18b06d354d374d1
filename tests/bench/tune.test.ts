import { describe, expect, test } from "vitest";
import { moveBound, type TuneOptions, tune, verdictOf } from "../../src/bench/card/tune.ts";
import { type Bound, bounds, choices } from "../../src/bench/card/tune-settings.ts";
import { tuneSubjects } from "../../src/bench/card/tune-subjects.ts";
import { openExact } from "../../src/cli/sides.ts";
import { tuneSummary } from "../../src/cli/tune.ts";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import type { CudaProfile, CudaTuning } from "../../src/engine/native.ts";
import { tuningSchema } from "../../src/engine/tuning.ts";
import { tuningFileSchema } from "../../src/engine/tuning-file.ts";
import type { Structure } from "../../src/system/structure.ts";
import { randomModel } from "../engine/models.ts";
import { open as openCpu } from "../engine/open.ts";

const usual: CudaTuning = { residentAtoms: 64, spreadWaves: 0, smallWaves: 1, earlyLaunches: 0, portionAtoms: 8192, chunkSteps: 128 };
const structure = (atoms: number): Structure => ({
  ...{ name: "atoms", numbers: Array(atoms).fill(1), positions: new Float64Array(3 * atoms), cell: null, pbc: [false, false, false] },
});

test.each([
  [{ value: 1.1, low: 1.05, high: 1.2 }, "faster"],
  [{ value: 0.9, low: 0.8, high: 0.95 }, "slower"],
  [{ value: 1.1, low: 0.99, high: 1.2 }, "even"],
  [{ value: 0.9, low: 0.8, high: 1.01 }, "even"],
  [{ value: 1.01, low: 1.005, high: 1.015 }, "even"],
] as const)("a ratio of %j is %s: a change must win by more than it spreads", (ratio, verdict) => {
  expect(verdictOf(ratio)).toBe(verdict);
});

describe("a bound", () => {
  const bound: Bound = {
    name: "residentAtoms",
    always: 1e9,
    never: 64,
    steps: [100, 200, 400, 800].map((n) => ({ value: n, atoms: n })),
  };
  /** The way below it wins up to `won`, loses from `lost` on; between them neither. */
  const move = async (won: number, lost: number, from = 200) => {
    const tried: number[] = [];
    const value = await moveBound(bound, from, async ({ atoms }) => {
      tried.push(atoms);
      return atoms <= won ? "faster" : atoms >= lost ? "slower" : "even";
    });
    return { value, tried };
  };
  test.each([
    ["stays where neither way wins", 0, 1e9, 200, 200],
    ["stays where each way wins on its own side", 200, 400, 200, 200],
    ["moves up to the last size that is won", 400, 800, 200, 400],
    ["moves up to the largest there is", 1e9, 1e9, 200, 800],
    ["moves down below the first size that is lost", 100, 200, 200, 100],
    ["moves down to never", 0, 0, 200, 64],
    ["that is no size of the search stays, too", 0, 1e9, 512, 512],
    ["that is no size of the search moves", 1e9, 1e9, 512, 800],
    ["beyond all of them moves down", 100, 400, 1e6, 200],
  ] as const)("%s", async (_, won, lost, from, expected) => {
    expect((await move(won, lost, from)).value).toBe(expected);
  });
  test("is tried no further than it moves", async () => {
    expect((await move(200, 400)).tried).toEqual([400, 200]);
    expect((await move(400, 800)).tried).toEqual([400, 800]);
  });
});

/** A card on which the resident schedule pays up to 12 atoms, a cluster a tile up to a quarter of a wave, the small cut up to two waves, chunks of 512 steps, and sets in one. */
function fakeCard(fault: "" | "wavering" | "wrong" | "beyond" = "", spreads = true) {
  let clock = 0;
  let open = 0;
  let moved = 0;
  let calls = 0;
  const secondsOf = ({ residentAtoms, spreadWaves, smallWaves }: CudaTuning, atoms: number) => {
    const pay = (taken: boolean, pays: boolean) => (taken === pays ? 1 : 1.3);
    const [resident, small] = [atoms <= residentAtoms && atoms <= 28, atoms <= smallWaves * 80];
    const cluster = pay(atoms <= spreadWaves * 80, atoms <= 20);
    return 1e-4 * pay(resident, atoms <= 12) * cluster * (atoms > 28 ? pay(small, atoms <= 160) : 1);
  };
  const engine = (tuning: CudaTuning): CudaEngine => {
    open++;
    const part: Partial<CudaEngine> = {
      name: "native:cuda:f32",
      plan: () => ({ device: "cuda", schedule: "layered", tile: 8, filters: "direct", knots: 0, weightBytes: 1, scratchBytes: 1, tuning }),
      evaluate: async (batch) =>
        batch.map(({ numbers }) => {
          const forces = new Float64Array(3 * numbers.length).fill(fault === "wavering" ? calls++ : 0);
          return { energy: 0, netEnergy: 0, stress: null, energies: null, forces };
        }),
      activity: async () => ({ beyondRange: fault === "beyond" ? 1 : 0 }) as Awaited<ReturnType<CudaEngine["activity"]>>,
      seconds: async ([first]) => ({ network: secondsOf(tuning, first?.numbers.length ?? 0), search: 0 }),
      profile: async ([first]) => {
        const atoms = first?.numbers.length ?? 0;
        const { residentAtoms, spreadWaves, smallWaves } = tuning;
        const ways = {
          residentAtoms,
          smallWaves: smallWaves * 80,
          ...(spreads ? { spreadWaves: spreadWaves * 80 } : {}),
        };
        const launches = Object.entries(ways).map(([way, most]) => ({
          kernel: `${way} ${atoms <= most}`,
          blocks: 1,
          cluster: 0,
          threads: 32,
        }));
        return { launches } as unknown as CudaProfile;
      },
      time: async (_batch, _want, count) => new Float64Array(count).fill(tuning.portionAtoms > 1e6 ? 1e-3 : 2e-3),
      close: async () => {
        open--;
      },
    };
    return part as CudaEngine;
  };
  const options: TuneOptions = {
    open: async (tuning) => engine({ ...usual, ...tuning } as CudaTuning),
    structures: (atoms) => [structure(atoms)],
    verify: async () => {
      if (fault === "wrong") throw new Error("is not timed");
    },
    openRun: async (asked, _structure, still) => ({
      advance: async (steps) => {
        if (!still) moved += steps;
        return (steps * 1e-5 * 128) / asked.plan(1, 0).tuning.chunkSteps;
      },
      state: () => new Float64Array(60),
      close: async () => undefined,
    }),
    schedule: { seconds: 0, minimumRounds: 3, turn: 1e-3, sets: 1, now: () => clock },
    ...{ multiprocessors: 10, limit: 100, progress: () => undefined },
  };
  return { options, open: () => open, moved: () => moved, wait: (seconds: number) => (clock += seconds) };
}

describe("the search", () => {
  test("finds where each way pays, closes what it opened, and tells what it timed", async () => {
    const card = fakeCard();
    const found = await tune(card.options);
    expect(found).toMatchObject({
      usual,
      tuning: { residentAtoms: 12, spreadWaves: 0.25, smallWaves: 2, portionAtoms: 2 ** 30, chunkSteps: 512 },
      leftOut: [],
    });
    expect(found.trials.map(({ setting }) => setting)).toEqual(
      expect.arrayContaining(["residentAtoms", "spreadWaves", "smallWaves", "earlyLaunches", "portionAtoms", "chunkSteps"]),
    );
    expect(card.open()).toBe(0);
    // Runs are compared where atoms move, and timed where they do not.
    expect(card.moved()).toBe(3 * 64);
    const tunedFor = {
      ...{ card: "a card", driver: "13.0", compiler: "NVRTC 13.0", precision: "f32", kernels: "ab" },
      shape: { arch: "painn-schnetpack", features: 128, layers: 3, radial: 20, cutoff: 5, rbf: "gaussian", readoutWidths: [64, 1] },
    };
    const about = { format: "painnless.tuning/3", made: "2026-11-29T00:00:00Z", seconds: 60 } as const;
    const file = tuningFileSchema.parse({ ...about, tunedFor, ...found });
    expect(tuneSummary(file, "a/path")).toMatch(
      /spreadWaves +16 .* faster\n.*chunkSteps 512, not 128 .* faster\n.*residentAtoms: 12, usually 64\n.*kept in a\/path/s,
    );
    // What is shipped for a card stands in the file, and is nothing that was found.
    expect(tuneSummary({ ...file, tuning: { smallWaves: usual.smallWaves } }, "")).toMatch(/nothing is faster/);
    expect(tuneSummary({ ...file, tuning: {}, leftOut: ["chunkSteps"] }, "")).toMatch(
      /nothing is faster.*no time was left for chunkSteps/s,
    );
  });

  test("times nothing where both ways are one, and says nothing of it", async () => {
    const card = fakeCard("", false);
    const found = await tune(card.options);
    expect(found.trials.some(({ setting }) => setting === "spreadWaves")).toBe(false);
    expect(found.tuning).toEqual({ residentAtoms: 12, smallWaves: 2, portionAtoms: 2 ** 30, chunkSteps: 512 });
    expect(found.leftOut).toEqual([]);
    expect(card.open()).toBe(0);
  });

  test("keeps what is usual where time is up, and says so", async () => {
    const card = fakeCard();
    const found = await tune({ ...card.options, limit: 5, progress: (stage) => void (stage === "residentAtoms" && card.wait(10)) });
    expect(found).toMatchObject({
      tuning: {},
      leftOut: ["residentAtoms", "spreadWaves", "smallWaves", "earlyLaunches", "portionAtoms", "chunkSteps"],
    });
  });

  test("tunes nothing that is wrong, or another thing each time", async () => {
    const wrong = fakeCard("wrong");
    await expect(tune(wrong.options)).rejects.toThrow("is not timed");
    const wavering = fakeCard("wavering");
    await expect(tune(wavering.options)).rejects.toMatchObject({ code: "NOT_FINITE", message: expect.stringContaining("the second time") });
    const beyond = fakeCard("beyond");
    await expect(tune(beyond.options)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("without tensor cores"),
    });
    expect([wrong.open(), wavering.open(), beyond.open()]).toEqual([0, 0, 0]);
  });
});

test("a run that is timed goes on where atoms that move would have fallen into each other", async () => {
  const model = randomModel("painn-schnetpack", { n_layers: 3 });
  const subjects = tuneSubjects(openCpu({}, model), model, 2, openExact);
  const [gas] = subjects.structures(20, 1) as [Structure];
  const engine = openCpu({ precision: "f32" }, model) as unknown as CudaEngine;
  const [still, moving] = [await subjects.openRun(engine, gas, true), await subjects.openRun(engine, gas, false)];
  const start = [...still.state()];
  await still.advance(2000);
  expect([...still.state()]).not.toEqual(start);
  expect(Math.max(...still.state().map((x, k) => Math.abs(x - (start[k] as number))))).toBeLessThan(0.01);
  await expect(moving.advance(2000)).rejects.toMatchObject({ code: "UNSTABLE" });
  await Promise.all([still.close(), moving.close()]);
});

test("every step of a bound is a value that an engine may be given, ascending", () => {
  for (const { name, steps, always, never } of bounds(8, 132)) {
    const values = steps.map(({ value }) => value);
    for (const value of [never, ...values, always]) expect(tuningSchema.parse({ [name]: value })).toEqual({ [name]: value });
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(never).toBeLessThan(values[0] as number);
    expect(always).toBeGreaterThan(values.at(-1) as number);
  }
});

test("every value of a choice is one that an engine may be given", () => {
  for (const { name, values } of choices)
    for (const value of values) expect(tuningSchema.parse({ [name]: value })).toEqual({ [name]: value });
});
