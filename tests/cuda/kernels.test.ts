import { describe, expect, test } from "vitest";
import { loadAddon } from "../../src/engine/addon.ts";
import { nvrtcCandidates } from "../../src/engine/nvrtc.ts";
import { nativeConfig } from "../../src/engine/weights.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { resolvePython } from "../../src/python/environment.ts";
import { randomModel } from "../engine/models.ts";

const addon = loadAddon();
const architectures = [75, 80, 86, 89, 90, 100, 120] as const;
/** Shared memory that a block may ask for, kilobytes. */
const shared: Readonly<Record<number, number>> = { 61: 48, 70: 96, 75: 64, 80: 163, 86: 99, 89: 99, 90: 227, 100: 227, 120: 99 };

const painn = { n_features: 128, n_layers: 3, n_rbf: 20, readout_widths: [64, 1] } satisfies Partial<ModelConfig>;
const student = { n_features: 64, n_rbf: 12, readout_widths: [32, 16, 1] } satisfies Partial<ModelConfig>;
/** What no kernel of these may do: spill registers. In float64, which is for exactness, two do. */
const spilling = { f32: [], f64: ["painn_message_adjoint", "distiller_update_last_small"] } as const;

/** Registers, bytes of spilled ones, and static shared memory of each kernel in ptxas' words. */
function resourcesIn(log: string) {
  const kernels = [...log.matchAll(/Compiling entry function '(\w+)'[\s\S]*?(\d+) bytes spill stores[\s\S]*?Used (\d+) registers/g)];
  return kernels.map(([, name = "", spills, registers]) => ({ name, spills: Number(spills), registers: Number(registers) }));
}

async function nvrtc(): Promise<string[]> {
  const python = await resolvePython().catch(() => null); // a machine without Python may have a toolkit
  return nvrtcCandidates(process.env, python?.sitePackages ?? null);
}

async function compile(arch: ModelConfig["arch"], changes: Partial<ModelConfig>, precision: "f32" | "f64", architecture: number) {
  const card = { architecture, sharedBytes: (shared[architecture] ?? 0) * 1024 };
  return addon.compileKernels(nativeConfig(randomModel(arch, changes)), precision, card, await nvrtc());
}

const found = await compile("painn-distiller", { ...student, n_features: 32 }, "f32", 90).then(
  ({ compiler }) => compiler,
  (cause: Error) => cause.message,
);
const skipped = !found.startsWith("NVRTC");

describe.skipIf(skipped)("every kernel compiles", () => {
  test.each(architectures)(
    "PaiNN in float32 for sm_%i, without spills",
    async (architecture) => {
      const { parts } = await compile("painn-schnetpack", painn, "f32", architecture);
      const kernels = parts.flatMap(({ log }) => resourcesIn(log));
      expect(kernels.length).toBeGreaterThanOrEqual(18);
      for (const { name, spills, registers } of kernels) {
        expect(registers, name).toBeLessThanOrEqual(255);
        expect(spills, `${name}: bytes of spilled registers`).toBe(0);
      }
    },
    120_000,
  );

  test.each([75, 90])(
    "PaiNN in float64 and the student in both for sm_%i",
    async (architecture) => {
      for (const [arch, changes, precision] of [
        ["painn-schnetpack", painn, "f64"],
        ["painn-distiller", student, "f32"],
        ["painn-distiller", student, "f64"],
      ] as const) {
        const { parts } = await compile(arch, changes, precision, architecture);
        const spills = parts.flatMap(({ log }) => resourcesIn(log)).filter((kernel) => kernel.spills > 0);
        expect(spills.map(({ name }) => name).filter((name) => !(spilling[precision] as readonly string[]).includes(name))).toEqual([]);
      }
    },
    120_000,
  );
});

test.skipIf(skipped)("a card older than the compiler knows is refused by name", async () => {
  await expect(compile("painn-schnetpack", {}, "f32", 61)).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringMatching(/sm_61.*native:cpu/),
  });
});

test.runIf(skipped)("kernels are compiled where there is NVRTC", ({ skip }) => skip(`skipped: ${found}`));
