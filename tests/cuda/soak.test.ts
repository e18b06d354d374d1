import { execFileSync, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { randomModel } from "../engine/models.ts";
import { ethanol } from "../systems.ts";
import { randomBatch } from "./batches.ts";
import { onCard, openCuda } from "./open.ts";

/** MiB of the card that are in use, by anybody. */
const usedOnCard = () =>
  Number(
    execFileSync(
      "nvidia-smi",
      ["--query-gpu=memory.used", "--format=csv,noheader,nounits", `--id=${process.env.CUDA_VISIBLE_DEVICES ?? 0}`],
      { encoding: "utf8" },
    ),
  );

describe.skipIf(!onCard)(`on a card${onCard ? "" : " (skipped: no GPU)"}`, () => {
  test("100,000 evaluations of changing size: memory of host and card stays flat, and so do the bits", async () => {
    const engine = await openCuda(randomModel("painn-schnetpack"), "f32");
    const batches = Array.from({ length: 200 }, (_, k) => randomBatch(k, 60));
    const first = [];
    for (const batch of batches) first.push((await engine.evaluate(batch)).map(({ energy }) => energy));
    // Which schedule a batch gets depends on those before it: two rounds in the order that comes show all there is to record.
    for (let k = 0; k < 2 * batches.length; k++) await engine.evaluate(batches[(k * 7) % batches.length] ?? []);
    const before = { ...(await engine.activity()), card: usedOnCard(), host: process.memoryUsage().rss };
    for (let k = 0; k < 100_000; k++) {
      const at = (k * 7) % batches.length;
      const energies = (await engine.evaluate(batches[at] ?? [])).map(({ energy }) => energy);
      if (k % 1000 < 10) expect(energies).toEqual(first[at]);
    }
    const after = { ...(await engine.activity()), card: usedOnCard(), host: process.memoryUsage().rss };
    expect(after).toMatchObject({ captures: before.captures, compilations: before.compilations, allocations: before.allocations });
    expect(after.card).toBeLessThanOrEqual(before.card);
    expect(after.host - before.host).toBeLessThan(64 * 2 ** 20);
  }, 400_000);

  test("a process that is killed in the middle of its work leaves the card as it was", async () => {
    const engine = await openCuda(randomModel("painn-schnetpack"), "f32");
    const [expected] = await engine.evaluate([ethanol]);
    const before = usedOnCard();
    for (let k = 0; k < 3; k++) {
      const worker = spawn(process.execPath, [fileURLToPath(new URL("busy.mjs", import.meta.url))], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await new Promise((started) => worker.stdout.once("data", started));
      expect(usedOnCard()).toBeGreaterThan(before);
      worker.kill("SIGKILL");
      await new Promise((ended) => worker.once("exit", ended));
      const [again] = await engine.evaluate([ethanol]);
      expect(again?.forces).toEqual(expected?.forces);
    }
    for (let wait = 0; usedOnCard() > before && wait < 50; wait++) await new Promise((later) => setTimeout(later, 100)); // the driver clears up
    expect(usedOnCard()).toBeLessThanOrEqual(before);
  }, 60_000);
});
