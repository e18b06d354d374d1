import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { BaselineProcess } from "../../src/bench/baseline.ts";
import { trialSchema } from "../../src/bench/result.ts";
import { type OwnEngines, runTrial } from "../../src/bench/suite.ts";
import { makeSystem, systems } from "../../src/bench/systems.ts";
import { nominalFlops } from "../../src/bench/work.ts";
import { openExact } from "../../src/cli/sides.ts";
import type { NativeEngine } from "../../src/engine/engine.ts";
import type { PythonEnvironment } from "../../src/python/environment.ts";
import { randomModel } from "../engine/models.ts";

const python = { executable: fileURLToPath(new URL("fake-python.mjs", import.meta.url)) } as PythonEnvironment;
const model = randomModel("painn-schnetpack", { n_features: 128, n_layers: 3, n_rbf: 20 });
const ethanol = systems[0];

/** An engine whose forces are `force` everywhere and whose evaluations take a millisecond. */
function engine(force: number): NativeEngine {
  return {
    name: "native:cpu:f32",
    evaluate: async (batch) =>
      batch.map(({ numbers }) => ({
        ...{ energy: 0, netEnergy: 0, stress: null, energies: null, forces: new Float64Array(3 * numbers.length).fill(force) },
      })),
    time: async (_batch, _want, count) => new Float64Array(count).fill(1e-3),
  } as NativeEngine;
}

const opened: BaselineProcess[] = [];
async function start(fault: string): Promise<BaselineProcess> {
  vi.stubEnv("FAKE", fault);
  const process = await BaselineProcess.start(python, "model", { threads: 1, malloc: "tuned" });
  opened.push(process);
  return process;
}
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(opened.splice(0).map((process) => process.close()));
});

const trial = async (fault: string, force = 0) => {
  const engines: OwnEngines = { all: engine(force), single: engine(force), peak: 1e12 };
  const options = {
    model,
    processes: [await start(fault)],
    engines,
    openExact,
    precision: "f32",
    threads: 2,
    seed: 1,
    seconds: 0,
    compile: true,
  } as const;
  return trialSchema.parse(await runTrial(ethanol, options));
};

describe("a trial", () => {
  test("gives their times over ours", async () => {
    const found = await trial("");
    expect(found.medianMs).toBeCloseTo(1, 9);
    expect(found.against["torch-eager"]).toBeCloseTo(5, 9);
    expect(found.against["torch-compile"]).toBeCloseTo(2, 9);
    expect(found.against["torch-best"]).toBeCloseTo(2, 9);
    expect(found.opponents.map(({ name, compilations }) => [name, compilations])).toEqual([
      ["torch-eager", 0],
      ["torch-compile", 1],
    ]);
    expect(found.peakFraction).toBeCloseTo(nominalFlops({ features: 128, layers: 3, radial: 20 }, 9, 72) / 1e9, 6);
    expect(found.absent).toEqual([]);
  });

  test.each([
    ["no compiler", "no C++ compiler"],
    ["wrong", "torch-compile is not timed"],
    ["recompiles", "graphs, expected 1"],
  ])("opponent with fault %s: torch.compile is absent, with the reason; eager is timed", async (fault, reason) => {
    const found = await trial(fault);
    expect(found.absent).toMatchObject([{ name: "torch-compile", reason: expect.stringContaining(reason) }]);
    expect(Object.keys(found.against)).toEqual(["torch-eager", "torch-best"]);
  });

  test("our wrong answer is never timed", async () => {
    await expect(trial("", 1e-3)).rejects.toMatchObject({
      code: "NOT_FINITE",
      message: expect.stringContaining("native:cpu:f32 is not timed"),
    });
    await expect(trial("", Number.NaN)).rejects.toMatchObject({ code: "NOT_FINITE" });
  });

  test("a process that dies ends the trial", async () => {
    await expect(trial("dies")).rejects.toMatchObject({ code: "WORKER_DIED", message: expect.stringContaining("status 9") });
    await expect(start("mute")).rejects.toMatchObject({ code: "WORKER_DIED" });
  });
});

describe("systems", () => {
  test.each(systems.map((row) => [row.name, row] as const))("%s: same seed, same atoms; none too close; no set twice", (_, row) => {
    const system = makeSystem(row, 7, 3, null);
    expect(system).toEqual(makeSystem(row, 7, 3, null));
    expect(system.sets).toHaveLength(3);
    for (const batch of system.sets) {
      expect(batch).toHaveLength(row.structures);
      for (const { numbers, positions } of batch.slice(0, 2)) {
        expect(numbers).toHaveLength(row.packed ?? 9);
        for (let a = 3; a < Math.min(positions.length, 300); a += 3)
          expect(Math.hypot(...[0, 1, 2].map((k) => (positions[a + k] as number) - (positions[a - 3 + k] as number)))).toBeGreaterThan(0.8);
      }
    }
    expect(new Set(system.sets.map((batch) => batch[0]?.positions[0])).size).toBe(3);
  });

  test("a model without the elements is refused", () => {
    expect(() => makeSystem(ethanol, 1, 1, [1, 6])).toThrow(expect.objectContaining({ code: "BAD_MODEL" }));
    expect(() => makeSystem(systems[1], 1, 1, [79])).toThrow(expect.objectContaining({ code: "BAD_MODEL" }));
  });
});

test("the nominal work is that of models.md for ethanol", () => {
  expect(nominalFlops({ features: 128, layers: 3, radial: 20 }, 1, 0)).toBe(1_491_072 + 1_359_872);
  expect(nominalFlops({ features: 128, layers: 3, radial: 20 }, 0, 1)).toBe(122_496);
});
