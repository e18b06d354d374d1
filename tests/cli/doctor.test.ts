import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "citty";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Finding, isMissing } from "../../src/cli/doctor/finding.ts";
import { probeGpu } from "../../src/cli/doctor/gpu.ts";
import { doctorCommand } from "../../src/cli/doctor.ts";
import { PainnlessError } from "../../src/errors.ts";

let bin: string;
let printed: string;
beforeEach(() => {
  bin = mkdtempSync(join(tmpdir(), "painnless-doctor-"));
  printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    printed += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(bin, { recursive: true, force: true });
});

function tool(name: string, body: string): string {
  const file = join(bin, name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

async function examine(): Promise<{ findings: Map<string, Finding>; error: unknown }> {
  const error = await runCommand(doctorCommand, { rawArgs: ["--json"] }).then(
    () => null,
    (error: unknown) => error,
  );
  const { format, ready, findings } = JSON.parse(printed) as { format: string; ready: boolean; findings: Finding[] };
  expect(format).toBe("painnless.doctor/1");
  expect(ready).toBe(error === null);
  return { findings: new Map(findings.map((finding) => [finding.name, finding])), error };
}

test("finds what this repository's set-up made", async () => {
  const { findings, error } = await examine();
  expect(error).toBeNull();
  expect(findings.get("Python")?.found).toMatch(/^3\.\d+/);
  expect(findings.get("torch")?.found).toMatch(/^\d+\./);
  expect(findings.get("native addon")?.found).toContain("plain");
  expect(findings.get("instruction sets")?.found).toMatch(/^plain/);
});

test("an interpreter without packages: each is named with the command that installs it, status MISSING", async () => {
  const packages = {
    numpy: "2.0.0",
    ase: null,
    pyzmq: null,
    msgspec: null,
    safetensors: null,
    torch: null,
    schnetpack: null,
    "nvalchemi-toolkit-ops": null,
    tblite: null,
  };
  const python = tool(
    "python",
    `echo '${JSON.stringify({ executable: join(bin, "python"), version: "3.12.1", packages, sitePackages: bin })}'`,
  );
  vi.stubEnv("PAINNLESS_PYTHON", python);
  const { findings, error } = await examine();
  expect(error).toBeInstanceOf(PainnlessError);
  expect(error).toMatchObject({ code: "MISSING", message: expect.stringContaining("ase, pyzmq, msgspec, safetensors, torch") });
  expect(findings.get("torch")).toMatchObject({ found: null, remedy: `${python} -m pip install torch` });
  expect(findings.get("schnetpack")).toMatchObject({ found: null, needed: false });
});

test("no interpreter", async () => {
  vi.stubEnv("PAINNLESS_PYTHON", join(bin, "absent"));
  const { findings, error } = await examine();
  expect(error).toMatchObject({ code: "MISSING" });
  expect(findings.get("Python")).toMatchObject({ found: null, remedy: expect.stringContaining("PAINNLESS_PYTHON") });
});

test("a GPU is reported and never needed", async () => {
  tool("nvidia-smi", 'case "$1" in *driver*) echo 580.1;; *) echo "NVIDIA H100, 9.0, 80000 MiB";; esac');
  vi.stubEnv("PATH", `${bin}:${process.env.PATH}`);
  const { findings, error } = await examine();
  expect(error).toBeNull();
  expect(findings.get("GPU")?.found).toBe("NVIDIA H100, 9.0, 80000 MiB");
  expect(findings.get("driver")?.found).toBe("580.1");
});

test("without a compiler only an absent addon is a lack", async () => {
  vi.stubEnv("CXX", join(bin, "absent"));
  const { findings } = await examine();
  const compiler = findings.get("C++ compiler");
  expect(compiler).toMatchObject({ found: null, needed: findings.get("native addon")?.found === null });
  expect(compiler?.remedy).toContain("apt install g++");
});

test("as text, each lack stands with its remedy", async () => {
  vi.stubEnv("PAINNLESS_PYTHON", join(bin, "absent"));
  await expect(runCommand(doctorCommand, { rawArgs: [] })).rejects.toMatchObject({ code: "MISSING" });
  expect(printed).toMatch(/python\n {2}Python +missing\n +-> /);
  expect(isMissing({ group: "gpu", name: "GPU", found: null, needed: false, remedy: null })).toBe(false);
});

test("a folder of kernels that cannot be is told; one that will be made is named", async () => {
  const model = fileURLToPath(new URL("../../models/ethanol.safetensors", import.meta.url));
  const cacheRow = async (folder: string) => {
    vi.stubEnv("PAINNLESS_KERNEL_CACHE", folder);
    return (await probeGpu(null, model)).find(({ name }) => name === "kernel cache");
  };
  try {
    expect(await cacheRow(`${model}/kernels`)).toMatchObject({
      found: null,
      remedy: expect.stringMatching(/cannot be written \(ENOTDIR at .*PAINNLESS_KERNEL_CACHE/),
    });
    const folder = fileURLToPath(new URL("../../build/not/made/yet", import.meta.url));
    expect(await cacheRow(folder)).toMatchObject({ found: folder, remedy: null });
  } finally {
    vi.unstubAllEnvs();
  }
});
