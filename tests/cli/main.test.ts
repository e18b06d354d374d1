import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { painnless, start, startInto } from "./run.ts";

const model = "models/ethanol.safetensors";

describe("help and version", () => {
  test("--help lists commands and exits 0", async () => {
    const { status, out } = await painnless("--help");
    expect(status).toBe(0);
    for (const name of ["demo", "import", "inspect", "evaluate", "crosscheck", "bench", "profile", "tune", "doctor"])
      expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
  });
  test("no command shows the same and exits 2", async () => {
    expect(await painnless()).toMatchObject({ status: 2, out: expect.stringContaining("crosscheck") });
  });
  test("COMMAND --help shows its options", async () => {
    const { status, out } = await start(["crosscheck", "--help"], { TERM: "xterm", CI: "", TEST: "" }).ended;
    expect({ status, out }).toEqual({ status: 0, out: expect.stringContaining("--reference") });
    expect(out).not.toContain("\u001b"); // no colours in a pipe
  });
  test("--version", async () => {
    expect((await painnless("--version")).out).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

/** Each is refused with exit 2 before any Python starts, on one line of standard error that names what is wrong. */
test.each([
  [["tune", model, "--side", "native:cpu:f32"], /--side is "native:cpu:f32": a GPU's engine is tuned, native:cuda:f32/],
  [["tune", model, "--seed=-1"], /--seed is "-1"/],
  [["bench", "shim", "--side", "torch:cpu:f32"], /--side is "torch:cpu:f32", expected native:cpu:f32/],
  [["bench", "ase", "--sizes", "water"], /--sizes is "water", expected a whole number/],
  [["bench", "ase", "--model", model, "--checkpoint", "x"], /--model and --checkpoint both say/],
  [["bench", "ase", "--compare", "x.json"], /--compare is nothing to bench ase, which takes --model, --json, --sizes/],
  [["bench", "shim", "--compare=x.json"], /--compare is nothing to bench shim/],
  [["bench", "cpu", "--checkpoint", "x"], /--checkpoint is nothing to bench cpu/],
  [["bench", "gpu", "--side", "native:cuda:f64"], /--side is nothing to bench gpu/],
  [["bench", "ase", "--no-compile"], /--compile is nothing to bench ase/],
  [["bench", "ase", "--energy-unit", "eV"], /--energy-unit is of a checkpoint's energies/],
  [["bench", "toString"], /no suite "toString"; the suites are cpu, gpu, neighbours, md, shim, ase/],
  [["frobnicate"], /no command "frobnicate"; the commands are/],
  [["toString"], /no command "toString"/],
  [["crosscheck", model, "name:CH4", "--reprot", "x"], /Unknown option '--reprot'/],
  [["crosscheck", model, "name:CH4", "--json"], /'--json <value>' argument missing/],
  [["crosscheck", model, "name:CH4", "--boxes=maybe"], /boxes/],
  [["crosscheck"], /MODEL is missing/],
  [["crosscheck", model], /STRUCTURES are missing/],
  [
    ["crosscheck", model, "name:CH4", "--sides", "native:cpu:f16"],
    /there is no side "native:cpu:f16"; the sides are auto, auto:f32, auto:f64, native:cpu:f64/,
  ],
  [["crosscheck", model, "name:CH4", "--sides", "fd:gpu"], /there is no side "gpu"/],
  [["crosscheck", model, "name:CH4", "--sides", "torch:cpu:f64"], /the reference itself/],
  [["crosscheck", model, "name:CH4", "--sides", "native:cpu:f64,,"], /expected names between commas/],
  [["crosscheck", model, "name:CH4", "--seed", "x"], /--seed is "x"/],
  [["crosscheck", model, "name:CH4", "--samples", "-1"], /samples/],
  [["crosscheck", model, "name:CH4", "--laws", "gravity"], /--laws is "gravity", expected translation, rotation/],
  [["crosscheck", "nowhere.safetensors", "name:CH4"], /nowhere.safetensors/],
  [["crosscheck", "package.json", "name:CH4"], /package.json/],
  [["crosscheck", "--replay", "package.json"], /not a replay file/],
  [["crosscheck", "--replay", "nowhere.json"], /nowhere.json/],
  [["crosscheck", model, "name:CH4", "--checkpoint", "package.json"], /was imported from/],
  [["evaluate"], /MODEL is missing/],
  [["evaluate", model], /STRUCTURES is missing/],
  [["evaluate", model, "name:CH4", "--out", "x.cif"], /ends in .xyz/],
  [["inspect", "no\nsuch\u001b[2J.safetensors"], /no\\nsuch\\x1B\[2J\.safetensors/],
  [["inspect", model, "--atoms", "2000001"], /--atoms is "2000001", expected a whole number from 1 to 2000000/],
  [["evaluate", model, "name:CH4", "--json", ""], /--json is "", expected a value/],
  [["md", model, "name:CH4", "--report="], /--report is "", expected a value/],
  [["import", "", "-o", "x"], /FILE is "", expected a value/],
  [["doctor", "now"], /unexpected argument "now"/],
  [["demo", "--sides", "x"], /Unknown option '--sides'/],
])("%j is bad usage", async (argv, message) => {
  const { status, out, err } = await painnless(...argv);
  expect({ status, out }).toEqual({ status: 2, out: "" });
  expect(err).toMatch(message);
  expect(err).toMatch(/^painnless: .*\n$/);
});

test.each([["evaluate"], ["md"], ["crosscheck", "--reference", "native:cpu:f64", "--sides", "native:cpu:f32"]])(
  "coincident atoms are bad input to %s, named",
  async (command, ...options) => {
    const file = join(await mkdtemp(join(tmpdir(), "painnless-test-")), "bad.xyz");
    await writeFile(file, "3\n\nO 0 0 0\nH 0 0 1\nH 0 0 1\n");
    const { status, out, err } = await painnless(command, model, file, ...options);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toMatch(/^painnless: structure "bad.xyz": atoms 1 and 2 coincide.*\n$/);
    await rm(dirname(file), { recursive: true });
  },
);

test("a named pipe is not waited for where a model, a checkpoint or a structure is read", async () => {
  const pipe = join(await mkdtemp(join(tmpdir(), "painnless-test-")), "pipe");
  await promisify(execFile)("mkfifo", [pipe]);
  const refused = await Promise.all(
    [
      ["import", pipe, "-o", "m"],
      ["inspect", pipe],
      ["evaluate", pipe, "name:CH4"],
      ["crosscheck", model, "name:CH4", "--checkpoint", pipe],
      ["md", "--resume", pipe],
      ["md", model, "name:CH4", "--steps", "1", "--report", dirname(pipe), "--crosscheck", pipe],
      ["crosscheck", model, "--replay", pipe],
      ["bench", "cpu", "--compare", pipe],
      ["evaluate", model, pipe],
    ].map((argv) => painnless(...argv)),
  );
  for (const { status, out, err } of refused.slice(0, -1))
    expect({ status, out, err }).toEqual({
      status: 2,
      out: "",
      err: expect.stringMatching(/^painnless: cannot read .*pipe: it is a named pipe, .*\n$/),
    });
  expect(refused.at(-1)).toMatchObject({ status: 2, err: expect.stringMatching(/^painnless: no structure file .*pipe; .*\n$/) });
  await rm(dirname(pipe), { recursive: true });
}, 60_000);

test("a TMPDIR that is not there is bad usage, with the remedy", async () => {
  const { status, err } = await start(["evaluate", model, "name:CH4", "--side", "torch:cpu:f64"], { TMPDIR: "/nowhere" }).ended;
  expect({ status, err }).toEqual({
    status: 2,
    err: expect.stringMatching(/^painnless: cannot make a folder in \/nowhere: .*; set TMPDIR .*\n$/),
  });
});

test("variables that would keep Python from its own files or from its assertions keep nothing from us", async () => {
  const file = join(await mkdtemp(join(tmpdir(), "painnless-test-")), "plain.xyz");
  await writeFile(file, "2\nread by assertions\nH 0 0 0\nH 0 0 0.8\n");
  const { status, out, err } = await start(["evaluate", model, file], { PYTHONSAFEPATH: "1", PYTHONOPTIMIZE: "2" }).ended;
  expect({ status, err }).toEqual({ status: 0, err: expect.not.stringContaining("Error") });
  expect(out).toContain("plain.xyz");
  await rm(dirname(file), { recursive: true });
});

test("a TMPDIR whose path is too long for a socket's is no obstacle", async () => {
  const folder = await mkdtemp(join(tmpdir(), "painnless-test-"));
  const long = join(folder, "x".repeat(100));
  await mkdir(long);
  const found = await start(["evaluate", model, "name:CH4", "--side", "torch:cpu:f64"], { TMPDIR: long }).ended;
  expect(found).toMatchObject({ status: 0, out: expect.stringContaining("CH4") });
  await rm(folder, { recursive: true });
});

test("what this machine lacks is exit 3, with the remedy", async () => {
  const cuda = await painnless("evaluate", model, "name:CH4", "--side", "native:cuda:f32");
  expect(cuda).toMatchObject({ status: 3, err: expect.stringMatching(/no NVIDIA driver .*use native:cpu/) });
  const python = await start(["evaluate", model, "name:CH4"], { PAINNLESS_PYTHON: "/nowhere/python" }).ended;
  expect(python).toMatchObject({ status: 3, err: expect.stringContaining("PAINNLESS_PYTHON") });
});

test.runIf(process.platform === "linux")("standard output without room is an error, on one line", async () => {
  const ended = await startInto("/dev/full", ["--help"]).ended;
  expect(ended).toMatchObject({ status: 1, err: expect.stringMatching(/^painnless: cannot write to standard output: ENOSPC.*\n$/) });
});
