import { cp, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCheckpoint } from "../../src/dynamics/checkpoint.ts";
import { Random } from "../../src/system/random.ts";
import { moments } from "../moments.ts";
import { painnless, start, startLimited } from "./run.ts";
import { tinySystem } from "./tiny.ts";

/** Runs that are killed leave files that go on to what they would have been, byte for byte. */

/** Of a run that is killed again and again, some twenty times on its way. */
const steps = Math.max(4_000, 400 * moments);
const pace = ["--every", "10", "--record-every", "5", "--dt", "0.2", "--replicas", "2", "--ensemble", "langevin", "--threads", "1"];

let folder: string;
/** In the folder: `whole`, a run that nothing disturbed, and `begun`, the same, killed at its first words. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "painnless-kill-"));
  const { model, structure } = await tinySystem(folder);
  const fresh = (name: string) => ["md", model, structure, ...pace, "--steps", String(steps), "--out", join(folder, name, "run.xyz")];
  expect((await painnless(...fresh("whole"))).status).toBe(0);
  const { child, ended } = start([...fresh("begun"), "--log", "json"]);
  child.stdout?.once("data", () => child.kill("SIGKILL"));
  await ended;
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A copy of what was begun. @returns how to go on with it */
async function copy(name: string): Promise<string[]> {
  await cp(join(folder, "begun"), join(folder, name), { recursive: true });
  return ["md", "--resume", join(folder, name, "run.xyz.checkpoint")];
}

/** What a run leaves, but for wall clocks. */
async function remains(name: string) {
  const path = join(folder, name, "run.xyz");
  const { state, log, trajectory } = await readCheckpoint(`${path}.checkpoint`);
  return {
    state,
    log: log.mark,
    frames: trajectory?.frames,
    files: await Promise.all([path, `${path}.log`].map((file) => readFile(file))),
  };
}

const expectSame = async (name: string, whole: string): Promise<void> => {
  const [found, expected] = await Promise.all([remains(name), remains(whole)]);
  expect(found.state).toEqual(expected.state);
  expect({ ...found, files: found.files.map((file) => file.length) }).toEqual({
    ...expected,
    files: expected.files.map((file) => file.length),
  });
  found.files.forEach((file, k) => void expect(file.equals(expected.files[k] as Buffer)).toBe(true));
};

/** Starts a run and kills it after some time. @returns whether it had not ended by itself before */
async function kill(argv: readonly string[], random: Random): Promise<boolean> {
  // Half of them with checkpoints close together, which are soon being written at any moment; half with none, so that all their steps are in vain.
  const every = random.uniform() < 0.5 ? 150 : steps;
  const { child, ended } = start([...argv, "--log", "json", "--checkpoint-every", String(every)]);
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms * random.uniform()));
  // A quarter of them at any moment, also before there is a step; the others while it surely runs.
  if (random.uniform() < 0.25) await wait(450);
  else {
    await new Promise((resolve) => {
      child.stdout?.once("data", resolve);
      child.once("close", resolve);
    });
    await wait(40);
  }
  const killed = child.kill("SIGKILL");
  const { status, err } = await ended;
  if (status !== null) expect({ status, err }).toEqual({ status: 0, err: "" });
  return killed && status === null;
}

/** Goes on with what was begun again and again, killing it until so many kills are counted; each time it comes to its end it
 *  must have become what is in `whole`, and the next begins. */
async function killOften(kills: number, worker: number): Promise<void> {
  const random = new Random(worker, "kills");
  for (let left = kills, run = 0; left > 0; run++) {
    const own = `${worker}-${run}`;
    const again = await copy(own);
    for (let killed = true; killed && left > 0; ) {
      killed = await kill(again, random);
      if (killed) left -= 1;
    }
    expect((await painnless(...again)).status).toBe(0);
    await expectSame(own, "whole");
  }
}

test(`killed ${moments} times with SIGKILL and resumed each time: no frame twice, none missing, bit for bit`, async () => {
  await Promise.all([killOften(Math.ceil(moments / 2), 1), killOften(Math.floor(moments / 2), 2)]);
}, 360_000);

test("a run that another process is making is refused, also while that one stands still, and free once it is dead", {
  timeout: 60_000,
}, async () => {
  const again = await copy("shared");
  const { child, ended } = start([...again, "--log", "json"]);
  await new Promise((resolve) => child.stdout?.once("data", resolve));
  child.kill("SIGSTOP");
  expect(await painnless(...again)).toMatchObject({
    status: 2,
    err: expect.stringMatching(
      /shared\/run\.xyz\.checkpoint is that of a run which another process is making; wait for it to end, or end it\n$/,
    ),
  });
  child.kill("SIGKILL");
  await ended;
  expect(await painnless(...again)).toMatchObject({ status: 0, err: "" });
  await expectSame("shared", "whole");
});

test("a full disk ends a run with its reason and what is kept; with space again it goes on", { timeout: 60_000 }, async () => {
  const again = await copy("full");
  const { size } = await stat(join(folder, "whole/run.xyz"));
  // A limit on the size of a file, as a quota has: beyond it nothing is written. In units of 1,024 bytes.
  const limit = Math.floor(size / 2 / 1024);
  const { status, err } = await startLimited(limit, [...again, "--checkpoint-every", "500"]).ended;
  expect(err).toMatch(
    /^painnless: cannot write ".*full\/run\.xyz": EFBIG: file too large.*; the run is saved at step \d+ and goes on from there with: painnless md --resume .*full\/run\.xyz\.checkpoint\n$/,
  );
  expect(status).toBe(1);
  // What could not be written whole is not there.
  expect((await readFile(join(folder, "full/run.xyz"), "utf8")).trimEnd().split("\n").length % 5).toBe(0);
  expect((await painnless(...again)).status).toBe(0);
  await expectSame("full", "whole");
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s ends a run at once with a checkpoint, exit status %i", { timeout: 60_000 }, async (signal, expected) => {
  const [whole, broken] = [`unbroken${expected}`, `broken${expected}`];
  const again = await copy(broken);
  const { child, ended } = start([...again, "--log", "json", "--steps", "100000"]);
  child.stdout?.once("data", () => setTimeout(() => child.kill(signal), 150));
  const { status, err } = await ended;
  expect(err).toMatch(/^painnless: stopped at step \d+; go on with: painnless md --resume .*\.checkpoint\n$/);
  expect(status).toBe(expected);
  const step = Number(/step (\d+)/.exec(err)?.[1]);
  expect((await readCheckpoint(join(folder, broken, "run.xyz.checkpoint"))).state.step).toBe(step);
  // A longer run is what it would have been had it been asked for at first.
  const longer = ["--steps", String(step + 500)];
  expect((await painnless(...again, ...longer)).status).toBe(0);
  expect((await painnless(...(await copy(whole)), ...longer)).status).toBe(0);
  await expectSame(broken, whole);
});
