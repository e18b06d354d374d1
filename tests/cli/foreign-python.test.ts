import { existsSync } from "node:fs";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { foreignPythons } from "../../src/cli/arguments.ts";
import { sidesOf } from "../../src/cli/sides.ts";
import { readModelFile } from "../../src/model/model-file.ts";
import { resolvePython } from "../../src/python/environment.ts";
import { water } from "../systems.ts";

const model = await readModelFile(fileURLToPath(new URL("../../models/ethanol.safetensors", import.meta.url)));
const side = "ase:ase.calculators.lj:LennardJones";

describe("--python", () => {
  test.each([
    [undefined, { package: null, ase: null }],
    ["/p/python", { package: "/p/python", ase: "/p/python" }],
    ["package=/p/python", { package: "/p/python", ase: null }],
    ["package=/p/python, ase=/q=r/python", { package: "/p/python", ase: "/q=r/python" }],
  ])("%s", (text, expected) => {
    expect(foreignPythons("python", text)).toEqual(expected);
  });

  test.each(["/p,/q", "package=/p,/q", "package=/p,package=/q", "", "ase="])("refuses %j", (text) => {
    expect(() => foreignPythons("python", text)).toThrow(/--python is/);
  });
});

describe("the interpreter of a foreign side", () => {
  let folder = "";
  let wrapper = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "painnless-test-"));
    wrapper = join(folder, "python");
    const { executable } = await resolvePython();
    await writeFile(wrapper, `#!/bin/sh\ntouch "${folder}/used"\nexec "${executable}" "$@"\n`);
    await chmod(wrapper, 0o755);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("is the one that was named", async () => {
    const sides = sidesOf({ model, checkpoint: null, threads: 1, pythons: { package: "/nowhere/python", ase: wrapper } });
    try {
      const { potential } = await sides.open(side);
      expect(existsSync(join(folder, "used"))).toBe(true);
      expect((await potential.evaluate([water]))[0]?.forces).toHaveLength(9);
    } finally {
      await sides.close();
    }
  });

  test("is missed by its name", async () => {
    const sides = sidesOf({ model, checkpoint: null, threads: 1, pythons: { package: null, ase: "/nowhere/python" } });
    await expect(sides.open(side)).rejects.toMatchObject({ code: "MISSING", message: expect.stringMatching(/nowhere.*--python/) });
    await sides.close();
  });
});
