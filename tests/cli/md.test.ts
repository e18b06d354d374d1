import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { quantile } from "../../src/bench/statistics.ts";
import { planRun } from "../../src/cli/md-request.ts";
import { readCheckpoint, writeCheckpoint } from "../../src/dynamics/checkpoint.ts";
import { mdResultSchema } from "../../src/dynamics/result.ts";
import { painnless, start } from "./run.ts";
import { tinySystem } from "./tiny.ts";

let folder: string;
let system: { model: string; structure: string };
const at = (name: string): string => join(folder, name);

/** One run of 300 steps with everything on, which the tests look at and go on with. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "painnless-md-"));
  system = await tinySystem(folder);
  const run = ["--steps", "300", "--dt", "0.2", "--every", "20", "--replicas", "2", "--equilibrate", "csvr:0.01", "--budget", "0"];
  const kept = ["--out", at("run.h5"), "--json", at("md.json"), "--shadow", "native:cpu:f32", "--shadow-every", "5", "--log", "json"];
  const { status, out, err } = await painnless("md", system.model, system.structure, ...run, ...kept);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  await writeFile(at("out.jsonl"), out);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a run leaves its frames, in the format asked for too, its log, its checkpoint and its result", async () => {
  expect((await readdir(folder)).sort()).toEqual(
    ["box.xyz", "md.json", "out.jsonl", "run.h5", "run.h5.xyz", "run.h5.xyz.checkpoint", "run.h5.xyz.log", "tiny.safetensors"].sort(),
  );
  const result = mdResultSchema.parse(JSON.parse(await readFile(at("md.json"), "utf8")));
  expect(result).toMatchObject({
    verdict: "pass",
    steps: 300,
    replicas: 2,
    atoms: 3,
    dt: 0.2,
    frames: 16,
    trajectory: at("run.h5"),
    stop: null,
  });
  expect(result.options).toMatchObject({ equilibration: 50, equilibrationEnsemble: "csvr", recordEvery: 1, frameEvery: 20 });
  expect(result.shadow).toMatchObject({ side: "native:cpu:f32", frames: 4, forces: { unit: "eV/Å" } });
  expect(result.shadow?.points.map(({ time }) => time)).toEqual([0, 20, 40, 60]);
  expect(result.shadow?.forces.maxAbs).toBeGreaterThan(0);
  expect(result.shadow?.forces.maxAbs).toBeLessThan(1e-5 * (result.shadow?.forces.largest ?? 0));
  expect(result.momentum).toMatchObject({ frames: 16 });
});

test("--log json: each line is JSON, the last is the result; nothing else is said", async () => {
  const lines = (await readFile(at("out.jsonl"), "utf8"))
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const line of lines.slice(0, -1))
    expect(Object.keys(line)).toEqual(["step", "steps", "temperature", "drift", "stepsPerSecond", "nsPerDay", "secondsLeft"]);
  expect(lines.at(-2)).toMatchObject({ step: 300, steps: 300, temperature: expect.any(Number), secondsLeft: 0 });
  expect(mdResultSchema.parse(lines.at(-1)).steps).toBe(300);
});

test("a run that nobody reads any more ends with a checkpoint, and says how it goes on", async () => {
  const more = ["--steps", "100000000", "--out", at("unread.xyz"), "--log", "json"];
  const { child, ended } = start(["md", system.model, system.structure, ...more]);
  child.stdout?.once("data", () => child.stdout?.destroy());
  const { status, err } = await ended;
  expect(status).toBe(128 + 13);
  expect(err).toMatch(/^painnless: stopped at step \d+; go on with: painnless md --resume .*\n$/);
  expect((await readCheckpoint(at("unread.xyz.checkpoint"))).state.step).toBeGreaterThan(1);
  for (const end of ["", ".log", ".checkpoint"]) await rm(`${at("unread.xyz")}${end}`);
});

const wrong: [string, Record<string, string>, string, RegExp][] = [
  ["steps", { steps: "1.5" }, "USAGE", /--steps is "1.5", expected a whole number of at least 1/],
  ["dt", { dt: "0" }, "USAGE", /--dt is "0", expected a number of fs above 0/],
  ["dt that is no number", { dt: "fast" }, "USAGE", /--dt is "fast"/],
  ["temperature", { temperature: "-1" }, "USAGE", /--temperature is "-1", expected a number of K of at least 0/],
  ["cold csvr", { temperature: "0", ensemble: "csvr" }, "USAGE", /temperature is 0 K, at which velocities cannot be rescaled/],
  ["ensemble", { ensemble: "npt" }, "USAGE", /--ensemble is "npt", expected nve, langevin, csvr/],
  ["equilibrate", { equilibrate: "berendsen:2" }, "USAGE", /--equilibrate is "berendsen", expected langevin, csvr/],
  ["equilibrate without time", { equilibrate: "csvr:" }, "USAGE", /--equilibrate is "", expected a number of ps above 0/],
  ["replicas", { replicas: "0" }, "USAGE", /--replicas is "0"/],
  ["too many replicas", { replicas: "100000" }, "USAGE", /"replicas".*65536/],
  ["seed", { seed: "-3" }, "USAGE", /--seed is "-3"/],
  ["skin", { skin: "NaN" }, "USAGE", /--skin is "NaN", expected a number of Å of at least 0/],
  ["every", { every: "0" }, "USAGE", /--every is "0"/],
  ["side", { side: "native:cpu:f16" }, "USAGE", /there is no side "native:cpu:f16"/],
  ["shadow", { shadow: "nobody" }, "USAGE", /there is no side "nobody"/],
  ["shadow-every alone", { "shadow-every": "2" }, "USAGE", /--shadow-every says how often a side is asked that --shadow must name/],
  ["out", { out: "run.dcd" }, "USAGE", /--out is "run.dcd", expected a name that ends in .xyz, .extxyz, .h5, .h5md or .traj/],
  ["model", { model: "none.safetensors" }, "NOT_FOUND", /none\.safetensors/],
  ["checkpoint", { resume: "none.checkpoint" }, "NOT_FOUND", /cannot read the checkpoint none.checkpoint/],
];
test.each(wrong)("a wrong %s is refused with what was found and expected", async (_, args, code, message) => {
  const request = planRun({ ...system, ...args }, [], null);
  await expect(request).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
});

test("a file of several structures is refused, and how to take one is said", async () => {
  await writeFile(at("two.xyz"), (await readFile(at("box.xyz"), "utf8")).repeat(2));
  const request = planRun({ ...system, structure: at("two.xyz") }, [], null);
  await expect(request).rejects.toMatchObject({
    code: "USAGE",
    message: expect.stringMatching(/two.xyz holds 2 structures.*two.xyz@INDEX/),
  });
});

test("a structure that is to be moved otherwise is refused", async () => {
  const fixed = at("fixed.xyz");
  await writeFile(fixed, "2\nProperties=species:S:1:pos:R:3:move_mask:L:1\nH 0 0 0 F\nH 0 0 0.8 T\n");
  await expect(planRun({ ...system, structure: fixed }, [], null)).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringMatching(/fixed.xyz has constraints \(FixAtoms\), expected none: md moves every atom/),
  });
});

const other: [string, Record<string, string>, RegExp][] = [
  ["dt", { dt: "0.25" }, /--dt gives 0.25, but the run in .* has 0.2; leave it out/],
  ["temperature", { temperature: "310" }, /--temperature gives 310, but the run in .* has 300/],
  ["replicas", { replicas: "3" }, /--replicas gives 3/],
  ["seed", { seed: "1" }, /--seed gives 1/],
  ["ensemble", { ensemble: "langevin" }, /--ensemble gives langevin/],
  ["equilibration", { equilibrate: "langevin:0.01" }, /--equilibrate gives langevin/],
  ["friction", { friction: "5" }, /--friction gives 5, but the run in .* has 10/],
  ["every", { every: "10" }, /--every gives 10/],
  ["fewer steps", { steps: "299" }, /--steps is 299, but the run in .* has come to step 300/],
  ["side", { side: "native:cpu:f32" }, /--side is native:cpu:f32, but the run in .* was made by native:cpu:f64/],
  ["shadow", { shadow: "torch:cpu:f64" }, /--shadow gives torch:cpu:f64, but the run in .* has native:cpu:f32/],
  ["out", { out: "other.h5" }, /--out is other.h5, but the frames of the run in .* go to .*run.h5/],
  ["checkpoint", { checkpoint: "other" }, /--checkpoint is other, but the run goes on in/],
  ["structure", { structure: "name:H2O" }, /STRUCTURE name:H2O is not where the run in .* began \("box.xyz"\)/],
];
test.each(other)("--resume refuses another %s by name", async (_, args, message) => {
  const request = planRun({ resume: at("run.h5.xyz.checkpoint"), ...args }, [], null);
  await expect(request).rejects.toMatchObject({ code: "USAGE", message: expect.stringMatching(message) });
});

test("--resume takes what the run has, said again, and refuses another model", async () => {
  const resume = at("run.h5.xyz.checkpoint");
  const same = { dt: "0.2", replicas: "2", equilibrate: "csvr:0.01", side: "auto", shadow: "native:cpu:f32", out: at("run.h5") };
  const plan = await planRun({ resume, ...system, ...same, steps: "400" }, [], null);
  expect(plan).toMatchObject({ side: "auto", converted: at("run.h5"), options: { steps: 400, timestep: 0.2 }, shadow: { every: 5 } });
  const bytes = await readFile(system.model);
  bytes.writeFloatLE(0.125, bytes.length - 4);
  await writeFile(at("other.safetensors"), bytes);
  await expect(planRun({ resume, model: at("other.safetensors") }, [], null)).rejects.toMatchObject({
    ...{
      code: "USAGE",
      message: expect.stringMatching(/MODEL .*other.safetensors has the hash \w{64}, but the run in .* was made with .*tiny/),
    },
  });
});

test("a run that another build goes on with says at once, and in the end, that its bits are of both", async () => {
  const begun = await readCheckpoint(at("run.h5.xyz.checkpoint"));
  const [own] = begun.side.kernels;
  expect(own).toMatch(/^painnless [\d.]+ \(build [0-9a-f]{12}\), instruction set (plain|avx2|avx512)$/);
  const other = own?.replace(/build \w+/, "build 0123456789ab") ?? "";
  const files = { log: { ...begun.log, path: "moved.log" }, trajectory: begun.trajectory && { ...begun.trajectory, path: "moved.xyz" } };
  await cp(at("run.h5.xyz.log"), at("moved.log"));
  await cp(at("run.h5.xyz"), at("moved.xyz"));
  const side = { ...begun.side, kernels: [other] };
  await writeCheckpoint(at("moved.checkpoint"), { ...begun, ...files, side, out: null });
  const again = (steps: string) =>
    painnless("md", "--resume", at("moved.checkpoint"), "--steps", steps, "--budget", "0", "--json", at("moved.json"));
  const note = `This run was resumed with ${own} instead of ${other}: it went on from the same state, but its bits may no longer be those of an unbroken run.`;
  expect(await again("320")).toMatchObject({ status: 0, err: `${note}\n` });
  expect((await readCheckpoint(at("moved.checkpoint"))).side.kernels).toEqual([other, own]);
  // Said when it happens; found for as long as the run lasts.
  expect(await again("340")).toMatchObject({ status: 0, err: "" });
  expect(mdResultSchema.parse(JSON.parse(await readFile(at("moved.json"), "utf8"))).findings).toContain(note);
}, 60_000);

test("a checkpoint of PyTorch's side says which PyTorch, and what it ran on", async () => {
  const out = at("torch.xyz");
  const { status, err } = await painnless(
    "md",
    system.model,
    system.structure,
    "--side",
    "torch:cpu:f64",
    "--steps",
    "2",
    "--budget",
    "0",
    "--out",
    out,
  );
  expect(status, err).toBeLessThanOrEqual(1); // 2 steps are too few for some checks
  expect((await readCheckpoint(`${out}.checkpoint`)).side.kernels).toEqual([
    expect.stringMatching(/^painnless .* \(build \w+\), python [\d.]+, torch \d\S+ \((DEFAULT|AVX2|AVX512)\)$/),
  ]);
  for (const end of ["", ".log", ".checkpoint"]) await rm(`${out}${end}`);
});

test("a run that a guard stopped says why, and that it cannot go on", async () => {
  const checkpoint = await readCheckpoint(at("run.h5.xyz.checkpoint"));
  const nobody = { replica: 1, atom: 2, other: null, value: 300, limit: 200, position: null };
  const stop = { reason: "force" as const, step: 301, ...nobody, message: "the force on atom 2 is too large" };
  await cp(at("run.h5.xyz.log"), at("stopped.log"));
  await writeCheckpoint(at("stopped.checkpoint"), { ...checkpoint, stop });
  await expect(planRun({ resume: at("stopped.checkpoint") }, [], null)).rejects.toMatchObject({
    ...{ code: "UNSTABLE", message: expect.stringMatching(/cannot go on: the force on atom 2 is too large/) },
  });
});

test("atoms that fly apart end the run with status 1, its reason, and the frames before", async () => {
  const golden = join(import.meta.dirname, "../golden/model-file/painn.safetensors");
  const { status, out } = await painnless(
    "md",
    golden,
    system.structure,
    "--steps",
    "50",
    "--out",
    at("wild.xyz"),
    "--json",
    at("wild.json"),
  );
  expect(out).toMatch(/Verdict: FAIL: step \d+ cannot be made: the force on atom \d \(\w+\).* the limit is 200 eV\/Å/);
  expect(status).toBe(1);
  const result = mdResultSchema.parse(JSON.parse(await readFile(at("wild.json"), "utf8")));
  expect(result).toMatchObject({ verdict: "fail", stop: { reason: "force" }, steps: result.stop === null ? -1 : result.stop.step - 1 });
  // What would explain the drift of a whole run is not measured, and that is said.
  expect(result).toMatchObject({ orderInDt: null, reversal: null, attribution: null });
  expect(result.findings).toContain("Order in the timestep, reversal and attribution were not measured: a guard stopped the run.");
  expect((await readFile(at("wild.xyz"), "utf8")).split("\n").length % 5).toBe(1);
});

test("a long run takes no more memory than a short one", async () => {
  const long = ["--steps", "400000", "--every", "20", "--record-every", "10", "--out", at("long.xyz"), "--budget", "0", "--threads", "1"];
  // A small heap, so that garbage is collected at once and what grows is what is kept.
  const heap = { NODE_OPTIONS: "--max-old-space-size=28 --max-semi-space-size=1" };
  const { child, ended } = start(["md", system.model, system.structure, ...long, "--log", "json"], heap);
  const resident: number[] = [];
  child.stdout?.on("data", async () => {
    const text = await readFile(`/proc/${child.pid}/status`, "utf8").catch(() => "");
    const kilobytes = /VmRSS:\s+(\d+) kB/.exec(text)?.[1];
    if (kilobytes !== undefined) resident.push(Number(kilobytes) / 1024);
  });
  const { status, err } = await ended;
  expect(err).toBe("");
  expect([0, 1]).toContain(status); // whether the tiny model's energy drifts is not asked here
  const during = resident.slice(1, -2); // what loading and the result at the end take is no growth
  expect(during.length).toBeGreaterThan(3);
  // MiB of the second half above the first, by their medians, as garbage comes and goes: 1 or 2, and 20 or more if the frames are kept.
  const half = Math.floor(during.length / 2);
  const growth = quantile(during.slice(half), 0.5) - quantile(during.slice(0, half), 0.5);
  expect(growth).toBeLessThan(6);
}, 120_000);
