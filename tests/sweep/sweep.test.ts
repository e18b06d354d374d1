import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { compare } from "../../src/crosscheck/compare.ts";
import { largestOf } from "../../src/crosscheck/metrics.ts";
import { loadAddon } from "../../src/engine/addon.ts";
import { createNativeEngine } from "../../src/engine/engine.ts";
import type { InstructionSet, NativePrecision } from "../../src/engine/native.ts";
import { type ModelFile, readModelFile } from "../../src/model/model-file.ts";
import { resolvePython } from "../../src/python/environment.ts";
import type { Evaluation } from "../../src/system/potential.ts";
import { assertClose } from "../close.ts";
import { askPyTorch, type Subject } from "./answers.ts";

/** Every hyper-parameter a model file can have, on every instruction set of this processor, against PyTorch: the promises of docs/accuracy.md. */
const folder = await mkdtemp(join(tmpdir(), "painnless-sweep-"));
const subjects = askPyTorch(await resolvePython(), folder);
const sets = loadAddon().instructionSets();
afterAll(() => rm(folder, { recursive: true, force: true }));

async function evaluate(
  file: ModelFile,
  subject: Subject,
  instructionSet: InstructionSet,
  precision: NativePrecision,
): Promise<Evaluation[]> {
  const engine = createNativeEngine(file, { device: "cpu", precision, threads: 1, instructionSet });
  try {
    return await engine.evaluate(subject.structures, ["energy", "forces", "stress", "energies"]);
  } finally {
    await engine.close();
  }
}

/** Everything `painnless crosscheck` would ask of these answers. */
function crosscheckReasons(file: ModelFile, subject: Subject, precision: NativePrecision, evaluations: Evaluation[]): string[] {
  const torch = (name: string, answers: readonly Evaluation[]) => ({ side: `torch:cpu:${name}`, evaluations: answers });
  const wanted = new Set(["forces", "stress"] as const);
  const torch32 = precision === "f32" ? torch("f32", subject.float32) : null;
  const side = { side: `native:cpu:${precision}`, evaluations };
  return compare(side, torch("f64", subject.float64), subject.structures, {
    cutoff: file.config.cutoff,
    wanted,
    torch32,
    movements: new Map(),
  }).reasons;
}

describe.each(subjects.map((subject) => [subject.name, subject] as const))("%s", (_, subject) => {
  test.each(sets)("%s f64: forces within 1e-10 eV/Å, net energies within 1e-12 eV/atom", async (set) => {
    const file = await readModelFile(subject.file);
    const found = await evaluate(file, subject, set, "f64");
    subject.float64.forEach((exact, i) => {
      const ours = found[i] as Evaluation;
      const atoms = subject.structures[i]?.numbers.length ?? 0;
      assertClose(ours.forces ?? [], exact.forces ?? [], 1e-10);
      assertClose([ours.netEnergy], [exact.netEnergy], 1e-12, atoms);
      assertClose(ours.energies ?? [], exact.energies ?? [], 1e-12, Math.max(1, largestOf(exact.energies ?? [])));
    });
    expect(crosscheckReasons(file, subject, "f64", found)).toEqual([]);
  });

  test.each(sets)("%s f32: forces within 1e-5 eV/Å and 5e-6 of the largest, and no further than PyTorch's allow", async (set) => {
    const file = await readModelFile(subject.file);
    const found = await evaluate(file, subject, set, "f32");
    subject.float64.forEach((exact, i) => {
      // Below 1 eV/Å the terms of a force do not shrink with it.
      const largest = Math.max(1, largestOf(exact.forces ?? []));
      assertClose(found[i]?.forces ?? [], exact.forces ?? [], Math.min(1e-5, 5e-6 * largest));
    });
    expect(crosscheckReasons(file, subject, "f32", found)).toEqual([]);
  });
});

test("every kind of model was asked", () => {
  const names = subjects.map(({ name }) => name);
  for (const kind of [
    "random: Bessel",
    "random: student, default",
    "random: at random 0",
    "golden: gaussian",
    "golden: student",
    "shipped: ethanol",
  ])
    expect(names).toContain(kind);
  expect(subjects.length).toBeGreaterThan(90);
});
