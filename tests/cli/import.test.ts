import { cp, link, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "citty";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { importCommand } from "../../src/cli/import.ts";
import { inspectCommand } from "../../src/cli/inspect.ts";
import { readModelFile } from "../../src/model/model-file.ts";

const golden = (name: string) => fileURLToPath(new URL(`../golden/${name}`, import.meta.url));

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "painnless-import-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** What a command prints. */
async function printed(run: () => Promise<unknown>): Promise<{ out: string; err: string }> {
  const said = { out: "", err: "" };
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    said.out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said.err += String(text);
    return true;
  });
  await run();
  return said;
}
const importFile = (...rawArgs: string[]) => runCommand(importCommand, { rawArgs });

describe("import, then inspect", () => {
  test("a SchNetPack model with its unit", async () => {
    const target = join(directory, "m.safetensors");
    const { out, err } = await printed(() => importFile(golden("schnetpack/atomrefs.model"), "-o", target, "--energy-unit", "kcal/mol"));
    expect(err).toBe("");
    expect(out).toMatch(/kcal\/mol = 0\.04336410390059322 eV, as the user said/);
    expect(out).toMatch(/-1786\.226809289834 kcal\/mol an atom/);
    expect(out).toMatch(/schnetpack \(2\.1\.1\)/);
    const model = await readModelFile(target);
    expect(model.config.atom_refs?.[6]).toBe(-23786.123456789);

    const json = join(directory, "i.json");
    const seen = await printed(() => runCommand(inspectCommand, { rawArgs: [target, "--atoms", "9", "--json", json] }));
    expect(seen.out).toContain(model.sha256);
    expect(seen.out).toMatch(/native:cpu:f32 +\w+, \d+ threads?; filters tabulated in \d+ intervals; activations kept/);
    const result = JSON.parse(await readFile(json, "utf8"));
    expect(result).toMatchObject({
      format: "painnless.inspect/1",
      model: { sha256: model.sha256, config: { arch: "painn-schnetpack" } },
      findings: [expect.stringMatching(/^bends sharply.*1e-8/)],
      work: { atoms: 9, edges: 72 },
      plans: [
        { side: "native:cpu:f32" },
        { side: "native:cpu:f64", filters: "direct" },
        { side: "native:cuda:f32", schedule: "layered" },
        { side: "native:cuda:f64", device: "cuda" },
      ],
    });
  });

  test("a student without a unit: the guess is printed, and its defects are shown", async () => {
    const target = join(directory, "s.safetensors");
    const { out, err } = await printed(() => importFile(golden("distiller/student.onnx"), "-o", target));
    expect(err).toMatch(/energy unit was assumed to be eV/);
    expect(err).toMatch(/only the weights of the ONNX file are used/);
    expect(out).toMatch(/eV = 1 eV, assumed/);
    const seen = await printed(() => runCommand(inspectCommand, { rawArgs: [target] }));
    expect(seen.out).toMatch(/finding: not rotation equivariant/);
    expect(seen.out).toMatch(/100 atoms, 52 neighbours each/);
  });
});

describe("import refuses", () => {
  const model = golden("schnetpack/gaussian.model");
  test.each([
    ["an unknown unit", [model, "-o", "m", "--energy-unit", "Ha"], "USAGE", /--energy-unit is "Ha", expected one of eV/],
    ["no target", [model], "USAGE", /--out is missing/],
    ["the checkpoint as its own target", [model, "-o", model], "USAGE", /--out is ".*gaussian.model", which the command reads/],
    ["a file that is not there", ["nothing", "-o", "m"], "NOT_FOUND", /cannot read checkpoint nothing/],
    ["a file of another kind", [golden("schnetpack/expected.json"), "-o", "m"], "BAD_MODEL", /not a checkpoint painnless knows/],
  ])("%s", async (_, rawArgs, code, message) => {
    const failure = await importFile(...rawArgs).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

test.each([
  ["a symbolic link", symlink],
  ["another name", link],
])("import does not write over its checkpoint by %s of it", async (what, make) => {
  const [checkpoint, other] = [join(directory, "best_model"), join(directory, what)];
  await cp(golden("schnetpack/gaussian.model"), checkpoint);
  await make(checkpoint, other);
  const before = await readFile(checkpoint);
  for (const [from, to] of [
    [other, checkpoint],
    [checkpoint, other],
  ] as const)
    await expect(importFile(from, "-o", to, "--energy-unit", "eV")).rejects.toMatchObject({ code: "USAGE" });
  expect(await readFile(checkpoint)).toEqual(before);
});

test("inspect names the command that imports a foreign checkpoint", async () => {
  const file = golden("schnetpack/gaussian.model");
  await expect(runCommand(inspectCommand, { rawArgs: [file] })).rejects.toMatchObject({
    code: "BAD_MODEL",
    message: expect.stringContaining(`run painnless import ${file} -o MODEL`),
  });
});
