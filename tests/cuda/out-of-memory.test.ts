import { describe, expect, test } from "vitest";
import { openSession } from "../../src/dynamics/open.ts";
import { type CudaEngine, createCudaEngine } from "../../src/engine/cuda.ts";
import type { NativePrecision } from "../../src/engine/native.ts";
import type { PainnlessError } from "../../src/errors.ts";
import type { Structure } from "../../src/system/structure.ts";
import { unguarded } from "../dynamics/springs.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { cubic, ethanol, smallCrystal, water } from "../systems.ts";
import { addon, cache, onCard } from "./open.ts";

/** The smallest that resident.test.ts has kernels of. */
const model = randomModel("painn-schnetpack", { n_layers: 1, readout_widths: [1], edge_rule: "le" });
const open = (precision: NativePrecision) => createCudaEngine(model, { precision, nvrtc: [], cache, addon, emulate: true, poisoned: true });
/** So many neighbours that the arrays of edges grow. */
const dense: Structure = {
  ...smallCrystal,
  cell: smallCrystal.cell.map((x) => 0.5 * x),
  positions: smallCrystal.positions.map((x) => 0.5 * x),
};
const request = { timestep: 0.02, steps: 1, ensemble: "langevin", recordEvery: 1, frameEvery: 1, ...unguarded } as const;

/** All that makes an engine take memory: larger batches, more edges, graphs of new sizes, bins, a run, a larger run, a list. */
const life: readonly ((engine: CudaEngine) => Promise<unknown>)[] = [
  (engine) => engine.evaluate([water], everything),
  (engine) => engine.evaluate([ethanol, water, cubic, ethanol], everything),
  (engine) => engine.evaluate([dense], everything),
  (engine) => engine.neighbors(ethanol),
  async (engine) => {
    const session = await openSession(engine, water, request);
    await session.advance(1).finally(() => session.close());
  },
  async (engine) => {
    const session = await openSession(engine, water, { ...request, replicas: 3 });
    await session.advance(1).finally(() => session.close());
  },
];

const isTold = expect.objectContaining({
  code: "MISSING",
  message: expect.stringMatching(/too little memory.*(needs [\d.]+ GB.*|driver does not say, )free are [\d.]+ GB; .*native:cpu/),
});

// In float32 small batches are resident, which is slow to emulate: its own memory, its graphs, and a run.
describe.skipIf(onCard).each([
  ["f64", life],
  ["f32", life.filter((_, k) => [0, 1, 4].includes(k))],
] as const)("memory that is not there, %s", (precision, life) => {
  test("at whichever allocation: told with its figures, nothing is kept of what failed, and the engine goes on", {
    timeout: 90_000,
  }, async () => {
    const whole = await open(precision);
    for (const step of life) await step(whole);
    const [expected] = await whole.evaluate([water], everything);
    await whole.close();
    const begin = addon.emulatedCard({});
    const failedIn = new Map<string, number>();
    // A run does without pairs to keep: three allocations whose failure nobody is told of.
    for (let n = 1, untold = 0; untold < 4; n++) {
      addon.emulatedCard({ failingAllocation: n });
      const engine = await open(precision).catch((error: PainnlessError) => error);
      let failed: unknown = engine instanceof Error ? engine : null;
      if (engine instanceof Error) failedIn.set("opening", n);
      else {
        for (const [k, step] of life.entries()) {
          const before = addon.emulatedCard({});
          const error = await step(engine).catch((cause: unknown) => cause);
          if (!(error instanceof Error)) continue;
          failed = error;
          failedIn.set(`step ${k}`, n);
          const { bytes, pinned } = addon.emulatedCard({});
          expect(bytes, `bytes on the card after allocation ${n} failed`).toBeLessThanOrEqual(before.bytes);
          expect(pinned, `bytes on the host after allocation ${n} failed`).toBeLessThanOrEqual(before.pinned);
          const [small] = await engine.evaluate([water], everything);
          expect(bits(small)).toEqual(bits(expected));
          await step(engine); // and what failed is possible once there is memory
          break;
        }
        await engine.close();
      }
      untold = failed === null ? untold + 1 : 0;
      if (failed !== null) expect(failed, `allocation ${n}`).toEqual(isTold);
      expect(addon.emulatedCard({ failingAllocation: 0 })).toMatchObject({ bytes: begin.bytes, pinned: begin.pinned });
    }
    expect([...failedIn.keys()]).toEqual(["opening", ...life.map((_, k) => `step ${k}`)]);
  });
});
