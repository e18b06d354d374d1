import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { packBatch } from "../../src/engine/batch.ts";
import type { CudaEngine } from "../../src/engine/cuda.ts";
import { nativeConfig, nativeTensors } from "../../src/engine/weights.ts";
import type { Evaluation, Property } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { randomModel } from "../engine/models.ts";
import { bits, everything } from "../engine/open.ts";
import { cubic, ethanol, smallCrystal, water } from "../systems.ts";
import { withServer } from "../wire/in-process.ts";
import { randomBatch } from "./batches.ts";
import { addon, atFullSize, cache, onCard, openCuda } from "./open.ts";

// Evaluations that wait at an engine are begun while the one before is computed: each ends as it would alone. The emulated card does all as late as a card may, and one of
// its queues, if asked, at once: a copy that nobody waits for has not been made.

const model = randomModel("painn-schnetpack");
const requests = [
  [water, smallCrystal, ...randomBatch(3, 12)],
  [water],
  randomBatch(1, 20),
  [ethanol],
  [cubic, ethanol],
  [water],
  [smallCrystal],
  [ethanol, water, ethanol],
];
const dense: Structure = {
  ...smallCrystal,
  cell: smallCrystal.cell.map((x) => 0.4 * x),
  positions: smallCrystal.positions.map((x) => 0.4 * x),
};
const twice: Structure = { ...water, name: "twice", positions: Float64Array.of(0, 0, 0, 0, 0, 0, 1, 0, 0) };
const thin: Structure = { ...smallCrystal, name: "thin", cell: Float64Array.of(1e-7, 0, 0, 0, 3, 0, 0, 0, 3) };

afterEach(() => {
  if (!onCard) addon.emulatedCard({ failingAllocation: 0, early: "none" });
});

const told = (answer: Promise<Evaluation[]>): Promise<unknown> => answer.then((found) => found.map(bits)).catch((error: Error) => error);

/** Behind something else that the engine does, so that all of them wait when the first is begun. */
async function streamed(engine: CudaEngine, batches: readonly (readonly Structure[])[], want: readonly Property[] = everything) {
  const before = engine.activity();
  const answers = batches.map((batch) => told(engine.evaluate(batch, want)));
  await before;
  return Promise.all(answers);
}
async function alone(engine: CudaEngine, batches: readonly (readonly Structure[])[], want: readonly Property[] = everything) {
  const answers: unknown[] = [];
  for (const batch of batches) answers.push(await told(engine.evaluate(batch, want)));
  return answers;
}

describe.each(["f64", "f32"] as const)("%s", (precision) => {
  test("the bits of lone calls, whatever their sizes, whatever is wanted, again and again", async () => {
    const [one, engine] = [await openCuda(model, precision), await openCuda(model, precision)];
    const expected = await alone(one, requests);
    for (const early of onCard ? (["none"] as const) : (["none", "work", "requests", "answers"] as const)) {
      if (!onCard) addon.emulatedCard({ early });
      expect(await streamed(engine, requests), early).toEqual(expected);
      expect(await streamed(engine, requests.toReversed()), early).toEqual(expected.toReversed());
    }
    expect(await streamed(engine, requests, ["energy"])).toEqual(await alone(one, requests, ["energy"]));
    expect((await engine.activity()).edges).toBe((await one.activity()).edges);
  });
});

describe("each of them ends by itself", () => {
  const failing = [[ethanol], [thin], [water], [ethanol, twice], [dense], [water, ethanol], [dense, dense], [twice], [ethanol]];

  test("refused by the host or the card, or done again with more room for edges", async () => {
    const [one, engine] = [await openCuda(model, "f64"), await openCuda(model, "f64")];
    const expected = await alone(one, failing);
    for (const _ of [1, 2]) {
      const found = await streamed(engine, failing);
      expect(found).toEqual(expected);
      expect(found.filter((answer) => answer instanceof Error)).toEqual([
        expect.objectContaining({ code: "BAD_STRUCTURE", message: expect.stringMatching(/"thin"/) }),
        expect.objectContaining({ code: "BAD_STRUCTURE", message: expect.stringMatching(/structure "twice": atoms 0 and 1/) }),
        expect.objectContaining({ code: "BAD_STRUCTURE", message: expect.stringMatching(/structure "twice": atoms 0 and 1/) }),
      ]);
      if (!onCard) expect(addon.emulatedCard({}).queued).toBe(0);
    }
  });

  test("what is asked between them, and a set in portions, has its turn", async () => {
    const engine = await openCuda(model, "f64", { tuning: { portionAtoms: 12 } });
    const set = [ethanol, water, water, ethanol];
    const expected = await alone(engine, [[ethanol], set, [water]]);
    const asked = [engine.neighbors(ethanol), ...[[ethanol], set, [water]].map((batch) => told(engine.evaluate(batch, everything)))];
    const last = engine.neighbors(ethanol);
    expect((await Promise.all(asked)).slice(1)).toEqual(expected);
    expect((await last).receivers).toEqual(((await asked[0]) as Awaited<typeof last>).receivers);
  });

  test("of a server's clients: two calls at a time, and the bits of lone ones", async () => {
    const [one, engine] = [await openCuda(model, "f64"), await openCuda(model, "f64", { tuning: { portionAtoms: 20 } })];
    expect(engine.intake).toEqual({ atoms: 20, calls: 2 });
    expect(one.intake).toEqual({ atoms: 8_192, calls: 2 });
    const expected = await alone(one, requests);
    await withServer({ potential: engine }, async (server) => {
      const clients = await Promise.all([1, 2, 3].map(() => RemotePotential.connect(server.endpoint)));
      for (let round = 0; round < 3; round++) {
        const asked = requests.map((batch, k) => told((clients[k % 3] as RemotePotential).evaluate(batch, everything)));
        const refused = told((clients[0] as RemotePotential).evaluate([ethanol, twice], everything));
        expect(await Promise.all(asked)).toEqual(expected);
        expect(await refused).toMatchObject({ code: "BAD_STRUCTURE" });
      }
      if (!onCard) expect(addon.emulatedCard({}).beside).toBeGreaterThan(0);
      await Promise.all(clients.map((client) => client.close()));
    });
  });

  test("closed meanwhile: what was begun is answered, what waited is told, and nothing is kept", async () => {
    const begin = onCard ? null : addon.emulatedCard({});
    const engine = await openCuda(model, "f64");
    const [expected] = await alone(engine, [[ethanol]]);
    const before = engine.activity();
    const answers = Array.from({ length: 6 }, () => told(engine.evaluate([ethanol], everything)));
    await before;
    await answers[0];
    await engine.close();
    const found = await Promise.all(answers);
    const cancelled = found.map((answer) => answer instanceof Error);
    expect(cancelled).toEqual(cancelled.toSorted());
    expect(cancelled.at(0)).toBe(false);
    for (const answer of found) expect(answer).toEqual(answer instanceof Error ? expect.objectContaining({ code: "CANCELLED" }) : expected);
    if (begin) expect(addon.emulatedCard({})).toMatchObject({ bytes: begin.bytes, pinned: begin.pinned, queued: 0 });
  });
});

describe.skipIf(onCard)("on the emulated card, where every call is counted", () => {
  test("a thread of Node that ends in the middle of them takes nothing down", async () => {
    const text = `
      const { workerData, parentPort } = require("node:worker_threads");
      const { path, config, tensors, options, batch, want } = workerData;
      require(path).createCudaEngine(config, tensors, options).then(async (engine) => {
        await engine.evaluate(batch, want);
        for (let k = 0; k < 100; k++) engine.evaluate(batch, want).catch(() => {});
        parentPort.postMessage("busy");
      });`;
    const options = { precision: "f64", ordinal: 0, nvrtc: [], cache, tuning: {}, wholeRange: false, emulate: true, poisoned: true };
    const path = fileURLToPath(new URL("../../build/native/painnless_faulty.node", import.meta.url));
    const asked = { batch: packBatch([smallCrystal, ethanol]), want: { forces: true, stress: false } };
    const worker = new Worker(text, {
      eval: true,
      workerData: { path, config: nativeConfig(model), tensors: nativeTensors(model), options, ...asked },
    });
    await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
    await worker.terminate();
    const engine = await openCuda(model, "f64");
    expect(await streamed(engine, requests)).toEqual(await alone(engine, requests));
  });

  test.each(["f64", "f32"] as const)(
    "%s: the copy of each is queued before the one before is waited for; nothing is allocated or recorded",
    async (precision) => {
      const engine = await openCuda(model, precision);
      const batches = [[ethanol], [water], [water, water], [ethanol], [water]];
      for (const way of [streamed, streamed, alone]) await way(engine, batches); // what one goes by, and one beside another
      const { captures } = await engine.activity();
      addon.emulatedCard({});
      await streamed(engine, batches);
      const [own, replays] = precision === "f64" ? [1, 10] : [0, 5]; // copies of the answer to one that goes by itself (answer.test.ts)
      const counts = { allocations: 0, releases: 0, uploads: 5, beside: 4, downloads: 4 + own, replays, queued: 0 };
      expect(addon.emulatedCard({})).toMatchObject(counts);
      expect((await engine.activity()).captures).toBe(captures);
      await alone(engine, batches);
      expect(addon.emulatedCard({})).toMatchObject({ uploads: 5, beside: 0, downloads: 5 * own });
    },
  );

  test("memory that is not there, at whichever allocation: whose it was is told, the others and the next are answered", async () => {
    const batches = [[ethanol, water], [water], [dense], [ethanol]];
    const expected = await alone(await openCuda(model, "f64"), batches);
    const failed = new Set<number>();
    const quiet = 20; // places of copies, their marks, graphs: what cannot be begun beside another is computed by itself, and nobody is told
    for (let n = 1, last = 1; n <= last + quiet; n++) {
      const before = addon.emulatedCard({});
      const engine = await openCuda(model, "f64");
      addon.emulatedCard({ failingAllocation: n });
      for (const [k, answer] of (await streamed(engine, batches)).entries()) {
        if (answer instanceof Error) {
          expect(answer).toMatchObject({ code: "MISSING", message: expect.stringMatching(/too little memory/) });
          failed.add(k);
          last = n;
        } else expect(answer, `request ${k}, allocation ${n}`).toEqual(expected[k]);
      }
      addon.emulatedCard({ failingAllocation: 0 });
      expect(await streamed(engine, batches)).toEqual(expected);
      await engine.close();
      expect(addon.emulatedCard({})).toMatchObject({ bytes: before.bytes, pinned: before.pinned, queued: 0 });
    }
    expect([...failed].toSorted()).toEqual([0, 2]);
  });
});

describe.skipIf(!atFullSize)(`on a card${onCard ? "" : " (skipped: no GPU)"}`, () => {
  test.each([1, 128, 512])("requests of %i × ethanol: many in flight take no longer than one after the other", async (copies) => {
    const engine = await openCuda(model, "f32", { poisoned: false });
    const batches = Array.from({ length: 200 }, () => Array.from({ length: copies }, () => ethanol));
    const seconds = async (way: typeof alone) => {
      const start = performance.now();
      await way(engine, batches, ["energy", "forces"]);
      return (performance.now() - start) / 1e3;
    };
    const rounds: number[] = [];
    for (let round = -1; round < 5; round++) {
      const ratio = (await seconds(alone)) / (await seconds(streamed));
      if (round >= 0) rounds.push(ratio);
    }
    expect(rounds.toSorted((a, b) => a - b)[2]).toBeGreaterThan(0.97); // the middle one, less what clocks do
  });
});
