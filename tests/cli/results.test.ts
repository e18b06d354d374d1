import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { benchResultSchema } from "../../src/bench/result.ts";
import { assertOwnFiles, claimOutput } from "../../src/cli/output.ts";
import type { Replay } from "../../src/crosscheck/replay.ts";
import { crosscheckResultSchema } from "../../src/crosscheck/result.ts";
import { painnless, start } from "./run.ts";

const model = "models/ethanol.safetensors";
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "painnless-cli-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const json = async (name: string): Promise<unknown> => JSON.parse(await readFile(join(folder, name), "utf8"));

describe("an output file", () => {
  test("of an earlier run is gone from the start, and appears whole", async () => {
    const path = join(folder, "made", "x.json");
    const first = await claimOutput(path);
    await first.write("one");
    const second = await claimOutput(path);
    expect(existsSync(path)).toBe(false);
    await second.write("two");
    expect(await readFile(path, "utf8")).toBe("two");
    expect(await readdir(join(folder, "made"))).toEqual(["x.json"]);
  });
  test.runIf(process.platform === "linux")("that is a device stays one, and a full one is said", async () => {
    await (await claimOutput("/dev/null")).write("gone");
    expect((await stat("/dev/null")).isCharacterDevice()).toBe(true);
    const full = await claimOutput("/dev/full");
    await expect(full.write("no room")).rejects.toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining("ENOSPC") });
    expect((await stat("/dev/full")).isCharacterDevice()).toBe(true);
  });
  test("that cannot be written is refused at once", async () => {
    await writeFile(join(folder, "file"), "");
    await expect(claimOutput(join(folder, "file", "x.json"))).rejects.toMatchObject({ code: "NOT_FOUND" });
    await expect(claimOutput(folder)).rejects.toMatchObject({ code: "NOT_FOUND" });
    if (existsSync("/proc/self")) await expect(claimOutput("/proc/self/x/y.json")).rejects.toMatchObject({ code: "NOT_FOUND" });
    if (existsSync("/sys/kernel")) await expect(claimOutput("/sys/kernel/x.json")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});

describe("files to write", () => {
  const refusal = (message: string) => ({ code: "USAGE", message: expect.stringContaining(message) });
  const place = (name: string) => join(folder, "own", name);
  beforeAll(async () => {
    await mkdir(place("made"), { recursive: true });
    await writeFile(place("in.xyz"), "");
    await symlink(place("made"), place("link"));
  });
  test.each(["in.xyz", "made/../in.xyz", "link/../in.xyz"])("may not be read too: %s", async (name) => {
    for (const source of ["in.xyz", "in.xyz@0", "in.xyz@:"])
      await expect(assertOwnFiles({ "--out": place(name) }, ["name:H2O", undefined, place(source)])).rejects.toMatchObject(
        refusal("which the command reads"),
      );
  });
  test("may not be one", async () => {
    await expect(assertOwnFiles({ "--out": place("made/x"), "--json": place("link/x") }, [])).rejects.toMatchObject(
      refusal("is --out too"),
    );
    await expect(assertOwnFiles({ "--out": place("new/x"), "--json": place("made/../new/x") }, [])).rejects.toMatchObject({
      code: "USAGE",
    });
  });
  test("may be a device, and others of the same name elsewhere", async () => {
    await assertOwnFiles({ "--out": "/dev/null", "--json": "/dev/null", "a report": null, "a log": undefined }, [place("in.xyz")]);
    await assertOwnFiles({ "--out": place("x"), "--json": place("made/x") }, [place("in.xyz"), place("made/in.xyz")]);
  });
  test("may have the name of one that is read, up to its @; not its whole name", async () => {
    await writeFile(place("m@1"), "");
    await assertOwnFiles({ "--out": place("m") }, [place("m@1")]);
    await expect(assertOwnFiles({ "--out": place("m@1") }, [place("m@1")])).rejects.toMatchObject(refusal("which the command reads"));
    await expect(assertOwnFiles({ "--out": place("m@1") }, [place("m@1@0")])).rejects.toMatchObject(refusal("which the command reads"));
  });
  test.each([
    ["evaluate", ["MODEL", "IN", "--out", "IN"]],
    ["inspect", ["MODEL", "--json", "MODEL"]],
    ["crosscheck", ["MODEL", "IN", "--json", "IN"]],
    ["bench", ["--model", "MODEL", "--json", "MODEL"]],
    ["md", ["MODEL", "IN", "--out", "IN"]],
    ["md", ["MODEL", "IN", "--out", "OUT", "--json", "OUT"]],
  ])("are refused by %s %j before anything is lost", async (command, words) => {
    const files = { MODEL: place("model.safetensors"), IN: place("ethanol.xyz"), OUT: place("out.xyz") };
    await copyFile(model, files.MODEL);
    await writeFile(files.IN, "1\n\nH 0 0 0\n");
    const before = [await readFile(files.MODEL), await readFile(files.IN)];
    const ended = await painnless(command, ...words.map((word) => files[word as keyof typeof files] ?? word));
    expect(ended).toMatchObject({ status: 2, out: "", err: expect.stringMatching(/^painnless: .* name another file\n$/) });
    const after = [await readFile(files.MODEL), await readFile(files.IN)];
    expect(before.map((bytes, k) => bytes.equals(after[k] ?? Buffer.of()))).toEqual([true, true]); // byte by byte, toEqual takes seconds
    expect(existsSync(files.OUT)).toBe(false);
  });
});

test.each([
  ["a checkpoint", ["bench", "ase", "--checkpoint"]],
  ["an earlier result", ["bench", "cpu", "--compare"]],
])(
  "bench writes no result over %s that it reads",
  async (_, argv) => {
    const path = join(folder, "both.json");
    await writeFile(path, "{}");
    const ended = await painnless(...argv, path, "--json", path);
    expect(ended).toMatchObject({ status: 2, err: expect.stringContaining("which the command reads") });
    expect(await readFile(path, "utf8")).toBe("{}");
  },
  60_000,
);

test("bench --compare: status 1 where a ratio has fallen, 0 where none has, 2 for what cannot be compared", async () => {
  const timed = ["bench", "cpu", "--model", model, "--sizes", "9", "--precisions", "f32", "--seconds", "1", "--no-compile"];
  const at = (name: string) => join(folder, name);
  expect((await painnless(...timed, "--json", at("bench.json"))).status).toBe(0);
  const measured = benchResultSchema.parse(await json("bench.json"));
  const write = (name: string, change: object) => writeFile(at(name), JSON.stringify({ ...measured, ...change }));
  /** As if the opponent had been so many times as slow. */
  const ratios = (factor: number) => ({
    trials: measured.trials.map((trial) => ({
      ...trial,
      spread: Object.fromEntries(
        Object.entries(trial.spread).map(([name, { value, low, high }]) => [
          name,
          { value: factor * value, low: factor * low, high: factor * high },
        ]),
      ),
    })),
  });
  await Promise.all([
    ...[write("better.json", ratios(100)), write("worse.json", ratios(0.01))],
    ...[write("card.json", { card: "another" }), write("format.json", { format: "painnless.bench/0" })],
  ]);
  const [fell, kept] = await Promise.all(["better.json", "worse.json"].map((name) => painnless(...timed, "--compare", at(name))));
  expect(fell).toMatchObject({ status: 1, out: expect.stringMatching(/torch-eager .* fell/) });
  expect(kept).toMatchObject({ status: 0, out: expect.stringMatching(/torch-eager .* kept/) });
  for (const [name, why] of [
    ["card.json", 'was on "another"'],
    ["format.json", "its format is painnless.bench/0"],
  ] as const)
    expect(await painnless(...timed, "--compare", at(name))).toMatchObject({ status: 2, out: "", err: expect.stringContaining(why) });
}, 120_000);

test("evaluate writes JSON and frames", async () => {
  const ended = await painnless(
    "evaluate",
    model,
    "name:CH3CH2OH",
    "name:H2O",
    "--json",
    join(folder, "e.json"),
    "--out",
    join(folder, "e.xyz"),
  );
  expect(ended).toMatchObject({ status: 0, out: expect.stringContaining("CH3CH2OH") });
  expect(ended.err).toContain("auto chose native:cpu:f64");
  expect(await json("e.json")).toMatchObject({
    format: "painnless.evaluate/1",
    side: "native:cpu:f64",
    results: [
      { structure: "CH3CH2OH", stress: null, forces: expect.any(Array) },
      { structure: "H2O", numbers: [8, 1, 1], energies: [expect.any(Number), expect.any(Number), expect.any(Number)] },
    ],
  });
  expect((await readFile(join(folder, "e.xyz"), "utf8")).split("\n")[0]).toBe("9");
}, 60_000);

test("a run that fails leaves no file, not even an old one", async () => {
  await writeFile(join(folder, "old.json"), "{}");
  const ended = await painnless("evaluate", model, "no-such-file.xyz", "--json", join(folder, "old.json"));
  expect(ended).toMatchObject({ status: 2, err: expect.stringContaining("no-such-file.xyz") });
  expect(existsSync(join(folder, "old.json"))).toBe(false);
}, 60_000);

test("an element the model does not know is bad input", async () => {
  const ended = await painnless("crosscheck", model, "name:SiH4", "--sides", "native:cpu:f32", "--reference", "native:cpu:f64");
  expect(ended).toMatchObject({ status: 2, err: expect.stringContaining("atomic number 14") });
}, 60_000);

test("crosscheck passes with exit 0, and its JSON follows the schema", async () => {
  const argv = ["crosscheck", model, "name:CH3OH", "--sides", "native:cpu:f32", "--reference", "native:cpu:f64"];
  const ended = await painnless(...argv, "--samples", "1", "--report", join(folder, "report"), "--json", join(folder, "c.json"));
  expect(ended).toMatchObject({ status: 0, out: expect.stringContaining("Verdict: pass"), err: "" });
  const result = crosscheckResultSchema.parse(await json("c.json"));
  expect(result.command).toContain("painnless crosscheck models/ethanol.safetensors name:CH3OH");
  expect(result.structures.map(({ origin }) => origin)).toEqual(["given", "displaced", "boxed"]);
  expect(await json("report/crosscheck.json")).toEqual(await json("c.json"));
  expect(await readFile(join(folder, "report", "index.html"), "utf8")).toContain("<!doctype html>");
}, 60_000);

test("sides that disagree are exit 1, and each failure replays alone with the same outcome", async () => {
  // A distorted geometry's energies by quite another method: nothing can agree.
  const argv = ["crosscheck", model, "name:CH3OH", "--sides", "native:cpu:f64", "--reference", "ase:ase.calculators.lj:LennardJones"];
  const ended = await painnless(...argv, "--samples", "0", "--no-boxes", "--report", join(folder, "bad"));
  expect(ended).toMatchObject({ status: 1, out: expect.stringContaining("Verdict: FAIL") });
  const files = await readdir(join(folder, "bad", "failures"));
  expect(files.length).toBeGreaterThan(0);
  const replay = (await json(`bad/failures/${files[0]}`)) as Replay;
  expect(replay).toMatchObject({ format: "painnless.replay/1", side: "native:cpu:f64", structure: { name: "CH3OH" } });
  const again = await painnless("crosscheck", "--replay", join(folder, "bad", "failures", files[0] as string));
  expect(again).toMatchObject({ status: 1, out: expect.stringContaining("CH3OH: ") });

  const report = join(folder, "bad");
  const onItself = await painnless("crosscheck", "--replay", join(report, "failures", files[0] as string), "--report", report);
  expect(onItself).toMatchObject({ status: 2, err: expect.stringContaining("name another folder") });
  expect(await readdir(join(report, "failures"))).toEqual(files);
  const passing = ["crosscheck", model, "name:CH4", "--sides", "native:cpu:f64", "--reference", "native:cpu:f32", "--laws", "none"];
  await painnless(...passing, "--samples", "0", "--no-boxes", "--report", report);
  expect((await json("bad/crosscheck.json")) as object).toMatchObject({ structures: [{ name: "CH4" }] });
  const left = (await readdir(join(report, "failures"))).map((file) => readFile(join(report, "failures", file), "utf8"));
  expect((await Promise.all(left)).filter((text) => text.includes("CH3OH"))).toEqual([]);
}, 60_000);

test("an output and structures that are not there are one error, on one line", async () => {
  const { status, err } = await painnless("crosscheck", model, join(folder, "none.xyz"), "--json", folder);
  expect({ status, err }).toEqual({ status: 2, err: expect.stringMatching(/^painnless: cannot write .*\n$/) });
});

test("an interrupted run exits 130, leaves no file and no process", async () => {
  const argv = ["crosscheck", model, "name:CH3CH2OH", "--samples", "200", "--json", join(folder, "i.json")];
  const { child, ended } = start([...argv, "--sides", "fd:native:cpu:f64", "--reference", "native:cpu:f64"]);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  child.kill("SIGINT");
  expect(await ended).toMatchObject({ status: 130, err: "painnless: interrupted\n" });
  expect(existsSync(join(folder, "i.json"))).toBe(false);
}, 60_000);
