import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
type Line = readonly [name: string, found: number, expected: number, sizes: number];

/** What tests/cuda/tensor.cpp prints: on the emulated card, as the kernels' text has them. */
async function lines(): Promise<readonly Line[]> {
  const folder = await mkdtemp(join(tmpdir(), "painnless-tensor-"));
  try {
    const program = join(folder, "tensor");
    const native = path("../../native");
    const options = ["-std=c++20", "-O1", "-w", "-ffp-contract=off", "-Dreal=float", `-I${native}`, `-I${native}/cuda/kernels`];
    await run("c++", [...options, path("tensor.cpp"), `${native}/cuda/emulator/fibers.cpp`, "-o", program]);
    const { stdout } = await run(program);
    const number = (word: string | undefined) => Number(word?.replace("inf", "Infinity"));
    return stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([name = "", ...words]) => [name, number(words[0]), number(words[1]), number(words[2])]);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("products on tensor cores: numbers split into parts have float's accuracy, sums are cut off", { timeout: 120_000 }, async () => {
  const all = await lines();
  const worst = (name: string) =>
    Math.max(...all.filter((line) => line[0] === name).map(([, found, expected, sizes]) => Math.abs(found - expected) / sizes));
  for (const name of ["bf16x3,16", "bf16x3,8", "fp16x2,16", "fp16x2,8"]) expect(worst(name), name).toBeLessThan(2 ** -22);
  expect(worst("bf16x1,16")).toBeGreaterThan(2 ** -10); // what the other parts are for
  expect(worst("tf32,cut")).toBeLessThan(2 ** -9); // two factors, each off by up to 2^-10
  expect(worst("tf32,cut")).toBeGreaterThan(2 ** -11);
  expect(worst("tf32,exact")).toBeLessThan(2 ** -22);
  const exact = all.filter(([name]) => ["cut", "fp16", "bf16"].includes(name));
  expect(exact).toHaveLength(17);
  for (const [name, found, expected] of exact) expect(Math.fround(found), `${name}: ${expected}`).toBe(Math.fround(expected));
  expect(all).toHaveLength(7 * 128 + exact.length);
});
