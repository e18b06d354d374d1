import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RemotePotential } from "../../src/wire/client.ts";
import { moments } from "../moments.ts";
import { ethanol } from "../systems.ts";
import { sleep } from "./in-process.ts";
import { children, delays, model, startServe, stop } from "./processes.ts";
import { energyOfPair, isAlive, pair, sleepy, within } from "./served.ts";

const folder = mkdtempSync(join(tmpdir(), "painnless-kill-"));
const variables = { ...process.env };
beforeAll(() => {
  process.env.TMPDIR = folder;
});
afterAll(() => {
  Object.assign(process.env, variables);
  rmSync(folder, { recursive: true, force: true });
});

/** Asks again and again, until it fails. @returns the error's code, and ms after `killed` */
async function askUntilRefused(client: RemotePotential, killed: { at: number }): Promise<{ code: string; ms: number }> {
  for (;;) {
    try {
      await client.evaluate([ethanol]);
    } catch (error) {
      return { code: (error as { code: string }).code, ms: performance.now() - killed.at };
    }
  }
}

test(`kill -9 of the server at ${moments} moments: a typed error within 2 s, and the next server takes its place`, async () => {
  const endpoint = `ipc://${join(folder, "named/wire")}`;
  let worst = 0;
  for (const delay of delays("server", moments, 150)) {
    const serving = await startServe(["--endpoint", endpoint]);
    const client = await RemotePotential.connect(endpoint);
    const killed = { at: Number.POSITIVE_INFINITY };
    const refused = askUntilRefused(client, killed);
    await sleep(delay);
    killed.at = performance.now();
    await stop(serving);
    const { code, ms } = await refused;
    expect(code).toBe("WORKER_DIED");
    worst = Math.max(worst, ms);
    await client.close();
  }
  expect(worst).toBeLessThan(2_000);
  process.stderr.write(`  server killed: refused at most ${worst.toFixed(0)} ms later\n`);
  const serving = await startServe(["--endpoint", endpoint]);
  const client = await RemotePotential.connect(endpoint);
  expect((await client.evaluate([ethanol])).length).toBe(1);
  await client.close();
  serving.child.kill("SIGTERM");
  expect(await serving.ended).toMatchObject({ status: 0 });
  expect(readdirSync(join(folder, "named"))).toEqual([]);
}, 240_000);

test(`kill -9 of a worker at ${moments} moments: a typed error within 2 s, the next call works, and no worker outlives its server`, async () => {
  const serving = await startServe(["--side", sleepy]);
  const client = await RemotePotential.connect(serving.endpoint);
  let worst = 0;
  for (const delay of delays("worker", moments, 150)) {
    const [worker] = children(serving.pid);
    if (worker === undefined) throw new Error("no worker");
    const killed = { at: Number.POSITIVE_INFINITY };
    const refused = askUntilRefused(client, killed);
    await sleep(delay);
    killed.at = performance.now();
    process.kill(worker, "SIGKILL");
    const { code, ms } = await refused;
    expect(code).toBe("WORKER_DIED");
    worst = Math.max(worst, ms);
    expect((await client.evaluate([pair(4)]))[0]?.energy).toBe(energyOfPair(4));
  }
  expect(worst).toBeLessThan(2_000);
  process.stderr.write(`  worker killed: refused at most ${worst.toFixed(0)} ms later\n`);
  const [last] = children(serving.pid);
  await stop(serving);
  expect(await within(3_000, () => last !== undefined && !isAlive(last))).toBe(true);
  await client.close();
}, 240_000);

const clientScript = `
  import { RemotePotential } from "${fileURLToPath(new URL("../../dist/wire/client.js", import.meta.url))}";
  const client = await RemotePotential.connect(process.argv[1]);
  const ethanol = ${JSON.stringify({ ...ethanol, positions: [...ethanol.positions] })};
  ethanol.positions = Float64Array.from(ethanol.positions);
  process.stdout.write("asking\\n");
  for (;;) await Promise.all(Array.from({ length: 20 }, () => client.evaluate([ethanol])));
`;

test(`kill -9 of a client at ${moments} moments: the server forgets it within 3 s, and serves the others`, async () => {
  const serving = await startServe();
  const client = await RemotePotential.connect(serving.endpoint);
  let worst = 0;
  for (const delay of delays("client", moments, 150)) {
    const other = spawn(process.execPath, ["--input-type=module", "-e", clientScript, serving.endpoint], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise((resolve) => other.once("exit", resolve));
    await new Promise((resolve) => other.stdout.once("data", resolve));
    expect((await client.statistics()).clients).toBe(2);
    await sleep(delay);
    other.kill("SIGKILL");
    const killed = performance.now();
    await ended;
    await expect.poll(async () => (await client.statistics()).clients, { timeout: 3_000 }).toBe(1);
    worst = Math.max(worst, performance.now() - killed);
    expect((await client.evaluate([ethanol])).length).toBe(1);
    expect((await client.statistics()).waiting).toBe(0);
  }
  process.stderr.write(`  client killed: forgotten at most ${worst.toFixed(0)} ms later\n`);
  await client.close();
  await stop(serving);
}, 240_000);

describe("a private server ends with the process that started it", () => {
  const dist = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
  const parentScript = `
    import { spawn } from "node:child_process";
    const child = spawn(process.execPath, ["${dist}", "serve", "${model}", "--private"], { stdio: ["pipe", "pipe", "inherit"], detached: true });
    child.stdout.once("data", () => process.stdout.write(child.pid + "\\n"));
  `;

  test(`kill -9 at ${moments} moments: no process and no folder after 3 s`, async () => {
    let worst = 0;
    for (const delay of delays("parent", moments, 100)) {
      const before = readdirSync(folder).length;
      const parent = spawn(process.execPath, ["--input-type=module", "-e", parentScript], { stdio: ["ignore", "pipe", "inherit"] });
      const pid = Number(await new Promise((resolve) => parent.stdout.once("data", (text: Buffer) => resolve(String(text)))));
      expect(isAlive(pid)).toBe(true);
      expect(readdirSync(folder).length).toBe(before + 1);
      await sleep(delay);
      parent.kill("SIGKILL");
      const killed = performance.now();
      expect(await within(3_000, () => !isAlive(pid) && readdirSync(folder).length === before)).toBe(true);
      worst = Math.max(worst, performance.now() - killed);
    }
    process.stderr.write(`  parent killed: server and folder gone at most ${worst.toFixed(0)} ms later\n`);
  }, 120_000);

  test("the end of standard input: gone at once, status 0", async () => {
    const serving = await startServe(["--private"]);
    const start = performance.now();
    serving.child.stdin?.end();
    expect(await serving.ended).toMatchObject({ status: 0, err: "" });
    expect(performance.now() - start).toBeLessThan(1_000);
    process.stderr.write(`  input ended: gone after ${(performance.now() - start).toFixed(0)} ms\n`);
  });
});
