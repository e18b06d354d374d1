import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { loadAddon } from "../../src/engine/addon.ts";
import { packBatch } from "../../src/engine/batch.ts";
import { engineOf } from "../../src/engine/engine.ts";
import type { NativeEngineObject } from "../../src/engine/native.ts";
import { nativeConfig, nativeTensors } from "../../src/engine/weights.ts";
import type { Structure } from "../../src/system/structure.ts";
import { ethanol, water } from "../systems.ts";
import { gas } from "./gas.ts";
import { everything, one, open, painn } from "./open.ts";

/** Evaluations run one after the other, off the event loop where they are not short. */

test("later calls wait in order, and the loop turns meanwhile", async () => {
  const engine = open();
  const order: string[] = [];
  const large = engine.evaluate([gas(600, 2)]).then(() => order.push("large"));
  const small = engine.evaluate([water]).then(() => order.push("small"));
  await new Promise((resolve) => setImmediate(resolve)).then(() => order.push("loop"));
  await Promise.all([large, small]);
  expect(order).toEqual(["loop", "large", "small"]);
});

test("a size that has proved short is done at once, and a long one never", async () => {
  const engine = open();
  const isDoneAtOnce = async (structure: Structure) => {
    let done = false;
    const evaluation = engine.evaluate([structure]).then(() => {
      done = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    const atOnce = done;
    await evaluation;
    return atOnce;
  };
  expect(await isDoneAtOnce(water)).toBe(false); // nothing is known yet
  const seen: boolean[] = [];
  while (!seen.at(-1) && seen.length < 50) seen.push(await isDoneAtOnce(water)); // others may hold this process up
  expect(seen.at(-1)).toBe(true);
  for (let k = 0; k < 3; k++) expect(await isDoneAtOnce(gas(600, 2))).toBe(false);
});

test("who awaits nothing but short evaluations leaves the loop its turns", async () => {
  const engine = open();
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const start = performance.now();
  while (performance.now() - start < 500) await engine.evaluate([water]);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(5); // one in 20 ms of work, if nobody holds this process up
});

test("an engine hears of each turn of the loop between evaluations, and of none where there is none", async () => {
  const zeros = (length: number) => new Float64Array(length);
  const answer = { netEnergy: zeros(1), forces: zeros(9), stress: zeros(0), energies: zeros(3), edges: new Int32Array(1), finite: true };
  let heard = 0;
  const native = { evaluate: async () => answer, turned: () => heard++ } as unknown as NativeEngineObject;
  const { potential } = engineOf(native, { name: "counted", file: painn, precision: "f64", addon: loadAddon() });
  for (let k = 0; k < 3; k++) await potential.evaluate([water]);
  expect(heard).toBe(0);
  for (let turn = 1; turn <= 3; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    expect(heard).toBe(turn);
    await potential.evaluate([water]);
  }
});

test("the caller may change his arrays at once", async () => {
  const engine = open();
  const expected = await one(engine, water);
  const mine = { ...water, positions: water.positions.slice() };
  const answer = engine.evaluate([mine], everything);
  mine.positions.fill(0);
  expect((await answer)[0]).toEqual(expected);
});

test("closed while busy: what runs is answered, what waits is refused, later calls too", async () => {
  const engine = open();
  let answered = false;
  const running = engine.evaluate([gas(400, 3)]).finally(() => {
    answered = true;
  });
  const waiting = engine.evaluate([water]);
  const refused = expect(waiting).rejects.toMatchObject({ name: "PainnlessError", code: "CANCELLED" });
  await engine.close();
  expect(answered).toBe(true);
  await refused;
  expect((await running)[0]?.forces?.length).toBe(1200);
  await expect(engine.evaluate([water])).rejects.toMatchObject({ code: "CANCELLED" });
  await engine.close();
});

test.runIf(process.platform === "linux")("a closed engine's threads are gone", async () => {
  const threads = () => readdirSync("/proc/self/task").length;
  const before = threads();
  const engines = Array.from({ length: 5 }, () => open({ threads: 4 }));
  await Promise.all(engines.map((engine) => engine.evaluate([water])));
  expect(threads()).toBeGreaterThanOrEqual(before + 15);
  await Promise.all(engines.map((engine) => engine.close()));
  expect(threads()).toBeLessThan(before + 5);
});

test.each([
  ["evaluations that wait", `for (let k = 0; k < 20; k++) engine.evaluate(large, want).catch(() => {});`],
  ["evaluations at once", `for (;;) await engine.evaluate(small, want);`],
  [
    "calls that are refused",
    `for (;;) try { addon.neighbors(new Float64Array(6), new Float64Array(9), new Uint8Array(3), 5, false); } catch {}`,
  ],
])("a thread of Node that ends in the middle of %s takes nothing down", async (_, calls) => {
  const path = fileURLToPath(new URL("../../build/native/painnless.node", import.meta.url));
  const text = `
    const { workerData, parentPort } = require("node:worker_threads");
    const { path, config, tensors, options, large, small } = workerData;
    const addon = require(path);
    const engine = addon.createCpuEngine(config, tensors, options);
    const want = { forces: true, stress: false };
    (async () => {
      for (let k = 0; k < 5; k++) await engine.evaluate(small, want);
      parentPort.postMessage("busy");
      ${calls}
    })();`;
  const options = { precision: "f64", threads: 2, instructionSet: null, activationBytes: 1e9 };
  const batches = { large: packBatch([gas(300, 4)]), small: packBatch([ethanol]) };
  const workerData = { path, config: nativeConfig(painn), tensors: nativeTensors(painn), options, ...batches };
  const worker = new Worker(text, { eval: true, workerData });
  await new Promise((resolve, reject) => worker.once("message", resolve).once("error", reject));
  await worker.terminate();
  expect((await one(open(), water)).energy).toBe((await one(open(), water)).energy);
});

test("10,000 small evaluations leave memory flat", async () => {
  const engine = open({ precision: "f32" });
  const run = async (count: number) => {
    for (let k = 0; k < count; k++) await engine.evaluate([ethanol], everything);
    return process.memoryUsage().rss;
  };
  const before = await run(4000);
  const after = await run(6000);
  expect(after - before).toBeLessThan(32 * 2 ** 20);
});
