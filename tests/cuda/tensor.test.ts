import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const run = promisify(execFile);
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
type Line = Readonly<Record<"found" | "expected" | "sizes" | "rows", number>> & { readonly name: string };

/** What tests/cuda/tensor.cpp prints for numbers in so many parts. */
async function lines(parts: number): Promise<readonly Line[]> {
  const folder = await mkdtemp(join(tmpdir(), "painnless-tensor-"));
  try {
    const program = join(folder, "tensor");
    const native = path("../../native");
    const options = [
      "-std=c++20",
      "-O1",
      "-w",
      "-ffp-contract=off",
      "-Dreal=float",
      `-DTENSOR=${parts}`,
      `-I${native}`,
      `-I${native}/cuda/kernels`,
    ];
    await run("c++", [
      ...options,
      path("tensor.cpp"),
      `${native}/cuda/emulator/fibers.cpp`,
      `${native}/cuda/emulator/place.cpp`,
      "-o",
      program,
    ]);
    const { stdout } = await run(program);
    const number = (word: string | undefined) => Number(word?.replace("inf", "Infinity"));
    return stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" "))
      .map(([name = "", ...words]) => ({
        name,
        found: number(words[0]),
        expected: number(words[1]),
        sizes: number(words[2]),
        rows: number(words[3]),
      }));
  } finally {
    await rm(folder, { recursive: true });
  }
}

const worst = (lines: readonly Line[], name: string, by: "sizes" | "rows") => {
  const own = lines.filter((line) => line.name === name);
  expect(own, name).toHaveLength(128);
  return Math.max(...own.map(({ found, expected, ...line }) => Math.abs(found - expected) / line[by]));
};
function checkExact(lines: readonly Line[]) {
  const exact = lines.filter(({ name }) => ["cut", "fp16", "beyond"].includes(name));
  expect(exact).toHaveLength(3 + 10 + 2 * 128);
  for (const { name, found, expected } of exact) expect(Math.fround(found), `${name}: ${expected}`).toBe(Math.fround(expected));
}

test("float32 on tensor cores: two parts have float's accuracy, and what is beyond their range is not a number", {
  timeout: 120_000,
}, async () => {
  const all = await lines(2);
  for (const name of ["usual,1", "usual,2", "usual,3"]) expect(worst(all, name, "sizes"), name).toBeLessThan(2 ** -22);
  // Below 2^-14 the last bit that the parts hold is worth 2^-35: as good as float's of what is above 2^-12.
  expect(worst(all, "tiny,2", "rows")).toBeLessThan(2 ** -36);
  checkExact(all);
});

test("mixed precision on tensor cores: one part has 11 bits, and what is beyond its range is not a number", {
  timeout: 120_000,
}, async () => {
  const all = await lines(1);
  for (const name of ["usual,1", "usual,2", "usual,3"]) {
    expect(worst(all, name, "sizes"), name).toBeLessThan(2 ** -10); // two factors, each off by up to 2^-12
    expect(worst(all, name, "sizes"), name).toBeGreaterThan(2 ** -14);
  }
  checkExact(all);
});
