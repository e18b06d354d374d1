import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { planRun } from "../../src/cli/md-request.ts";
import { runPlan } from "../../src/cli/md-run.ts";
import { painnless } from "../cli/run.ts";
import { tinySystem } from "../cli/tiny.ts";
import { onCard, openCuda } from "./open.ts";

// `painnless md --side native:cuda:f32`: on a card the command itself, elsewhere its plan and its run with the emulated card behind that name.

let folder: string;
let tiny: Awaited<ReturnType<typeof tinySystem>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "painnless-md-"));
  tiny = await tinySystem(folder);
});
afterAll(() => rm(folder, { recursive: true }));

const side = "native:cuda:f32";
const options = { steps: "40", dt: "0.25", temperature: "300", seed: "3", every: "4", replicas: "2", ensemble: "langevin" } as const;
type Given = Parameters<typeof planRun>[0];

/** Runs it to its end, or until it was interrupted. */
async function md(args: Given, stopAt: number | null): Promise<void> {
  if (onCard) {
    const flags = Object.entries(args).flatMap(([name, value]) => (["model", "structure"].includes(name) ? [] : [`--${name}`, `${value}`]));
    const files = args.model === undefined || args.structure === undefined ? [] : [args.model, args.structure];
    const { status, err } = await painnless("md", ...files, ...flags, "--budget", "0");
    expect(status, err).toBeLessThanOrEqual(1); // 40 steps are too few for some checks
    return;
  }
  const plan = await planRun(args, [], null);
  const engine = await openCuda(plan.model, "f32");
  const ended = new AbortController();
  const open = async () => ({ potential: engine, note: null, versions: { card: "an emulated one" } });
  const settings = { command: "painnless md", checkpointEvery: stopAt, logJson: false, signal: ended.signal };
  if (stopAt !== null) setTimeout(() => ended.abort(), 0); // heard of at the end of the first step
  const { end, identity } = await runPlan(plan, { open, close: async () => undefined }, settings);
  expect(identity.side).toEqual({
    asked: side,
    name: side,
    kernels: [expect.stringMatching(/^painnless .* \(build \w+\), card an emulated one$/)],
  });
  expect(end.interrupted).toBe(stopAt !== null);
  if (stopAt !== null) expect(end.step).toBeLessThan(40);
  expect((await engine.activity()).schedule).toBe("resident");
}

test("a run on the card is interrupted, goes on from its checkpoint, and leaves the frames of one that was not", async () => {
  const [whole, cut] = [join(folder, "whole.xyz"), join(folder, "cut.xyz")];
  await md({ ...tiny, ...options, side, out: whole }, null);
  const frames = await readFile(whole, "utf8");
  expect(frames.match(/step=/g)?.length).toBe(11 * 2);
  if (onCard) return;
  await md({ ...tiny, ...options, side, out: cut }, 1);
  await md({ resume: join(folder, "cut.xyz.checkpoint") }, null);
  expect(await readFile(cut, "utf8")).toBe(frames);
});
