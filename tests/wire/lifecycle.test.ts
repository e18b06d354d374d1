import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type PythonEnvironment, resolvePython } from "../../src/python/environment.ts";
import { startWorker, type Worker, type WorkerOptions } from "../../src/python/worker.ts";
import { RemotePotential } from "../../src/wire/client.ts";
import { calculators, energyOfPair, isAlive, pair, sleepy, within } from "./served.ts";

let python: PythonEnvironment;
let worker: Worker<RemotePotential>;
// A folder for temporary files of our own, so that what is left in it is ours.
const temporary = mkdtempSync(join(tmpdir(), "painnless-lifecycle-"));
const variables = { ...process.env };
const ours = { ...variables, PYTHONPATH: calculators, TMPDIR: temporary };

const folders = () => readdirSync(temporary);
const start = (options: Partial<WorkerOptions> = {}) =>
  startWorker({ python, serve: sleepy, startMs: 50_000, silenceMs: 20_000, ...options }, RemotePotential.connect);

beforeAll(async () => {
  Object.assign(process.env, ours);
  python = await resolvePython();
  worker = await start();
});

afterAll(async () => {
  await worker?.close();
  delete process.env.PYTHONPATH;
  delete process.env.TMPDIR;
  Object.assign(process.env, variables);
  rmSync(temporary, { recursive: true });
});

test("kill -9 during a request: WORKER_DIED within 2 s, what waits included; another is started in its place", async () => {
  const owed = [worker.evaluate([pair(1, 30)]), worker.evaluate([pair(2)])];
  await new Promise((resolve) => setTimeout(resolve, 300));
  const killed = performance.now();
  process.kill(worker.pid, "SIGKILL");
  for (const answer of owed)
    await expect(answer).rejects.toMatchObject({ code: "WORKER_DIED", message: expect.stringContaining("SIGKILL") });
  expect(performance.now() - killed).toBeLessThan(2_000);
  await expect(worker.evaluate([pair(3)])).rejects.toMatchObject({ code: "WORKER_DIED" });
  await worker.close();
  worker = await start();
  expect((await worker.evaluate([pair(4)]))[0]?.energy).toBe(energyOfPair(4));
  expect(folders()).toEqual([]);
});

test("busy keeps a request alive; a worker that stands still is given up with TIMEOUT, and goes on where it was stopped", async () => {
  const impatient = await start({ silenceMs: 1_000 });
  expect((await impatient.evaluate([pair(1, 2)]))[0]?.energy).toBe(energyOfPair(1, 2));
  const owed = impatient.evaluate([pair(1, 0.3)]);
  await new Promise((resolve) => setTimeout(resolve, 100));
  process.kill(impatient.pid, "SIGSTOP");
  const stopped = performance.now();
  await expect(owed).rejects.toMatchObject({ code: "TIMEOUT", message: expect.stringContaining("no sign of life") });
  expect(performance.now() - stopped).toBeLessThan(3_000);
  process.kill(impatient.pid, "SIGCONT");
  expect((await impatient.evaluate([pair(2)]))[0]?.energy).toBe(energyOfPair(2));
  process.kill(impatient.pid, "SIGSTOP"); // SIGTERM does not reach it now; close must still end it
  await impatient.close();
  expect(isAlive(impatient.pid)).toBe(false);
  expect(folders()).toEqual([]);
});

describe("a worker that cannot start says why", () => {
  test.each([
    ["a module that is not there", { serve: "ase:no_such_module:X" }, "MISSING", "no_such_module"],
    ["a model that is not there", { serve: "torch", model: "/nowhere/m.safetensors" }, "NOT_FOUND", "/nowhere/m.safetensors"],
  ] as const)("%s", async (_, options, code, part) => {
    await expect(start(options)).rejects.toMatchObject({ code, message: expect.stringContaining(part) });
    expect(folders()).toEqual([]);
  });

  test("a process that ends at once", async () => {
    await expect(start({ serve: "nonsense" as "torch" })).rejects.toMatchObject({
      code: "WORKER_DIED",
      message: expect.stringMatching(/exited with status 1; it said: USAGE/),
    });
  });

  test("a package that is missing is named before anything starts, with the command that installs it", async () => {
    const bare = { ...python, packages: { ...python.packages, torch: null } };
    await expect(start({ python: bare, serve: "torch", model: "m" })).rejects.toMatchObject({
      code: "MISSING",
      message: expect.stringContaining('pip install "painnless[reference]"'),
    });
  });
});

describe("whatever ends the parent, nothing is left", () => {
  const dist = fileURLToPath(new URL("../../dist/", import.meta.url));
  const script = `
    import { resolvePython } from "${dist}python/environment.js";
    import { startWorker } from "${dist}python/worker.js";
    import { RemotePotential } from "${dist}wire/client.js";
    const worker = await startWorker({ python: await resolvePython(), serve: "${sleepy}" }, RemotePotential.connect);
    process.stdout.write(worker.pid + "\\n");
    const owed = worker.evaluate([{ name: "x", numbers: [1], positions: Float64Array.of(60, 0, 0), cell: null, pbc: [false, false, false] }]);
    if (process.argv[1] === "exit") setTimeout(() => process.exit(0), 200);
    await owed;
  `;

  test.each([
    ["SIGKILL", null],
    ["SIGTERM", null],
    ["exit", 0],
  ] as const)("%s", async (how, status) => {
    const parent = spawn(process.execPath, ["--input-type=module", "-e", script, how], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise((resolve) => parent.once("exit", (code, signal) => resolve([code, signal])));
    const pid = await new Promise<number>((resolve) => parent.stdout.once("data", (text: Buffer) => resolve(Number(String(text)))));
    expect(isAlive(pid)).toBe(true);
    if (how !== "exit") parent.kill(how);
    expect(await ended).toEqual([status, how === "exit" ? null : how]);
    expect(await within(3_000, () => !isAlive(pid))).toBe(true);
    expect(folders()).toEqual([]);
  });
});

test("the user's environment is as it was", () => {
  expect(process.env).toEqual(ours);
});
