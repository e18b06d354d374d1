import { describe, expect, test } from "vitest";
import { loadAddon } from "../../src/engine/addon.ts";
import type { NativePrecision } from "../../src/engine/native.ts";
import { nvrtcCandidates } from "../../src/engine/nvrtc.ts";
import { nativeConfig } from "../../src/engine/weights.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { resolvePython } from "../../src/python/environment.ts";
import { randomModel } from "../engine/models.ts";

process.env.CUDA_CACHE_DISABLE = "1"; // what NVRTC has in its own cache comes without registers and spills
const addon = loadAddon();
/** Shared memory that a block may ask for, kilobytes, by architecture. */
const shared = { 61: 48, 75: 64, 80: 163, 86: 99, 89: 99, 90: 227, 100: 227, 120: 99 } as const;
type Architecture = keyof typeof shared;

const painn = { n_features: 128, n_layers: 3, n_rbf: 20, readout_widths: [64, 1] } satisfies Partial<ModelConfig>;
const student = { n_features: 64, n_rbf: 12, readout_widths: [32, 16, 1] } satisfies Partial<ModelConfig>;
const model = (arch: ModelConfig["arch"], changes: Partial<ModelConfig>, precision: NativePrecision) =>
  ({ config: nativeConfig(randomModel(arch, changes)), precision }) as const;
const models = [
  model("painn-schnetpack", painn, "f32"),
  model("painn-schnetpack", painn, "f64"),
  model("painn-distiller", student, "f32"),
  model("painn-distiller", student, "f64"),
] as const;
/** PaiNN in float32 is what registers are counted out for, so it is compiled for every architecture. The rest has room (student) or may spill
 *  (float64): the oldest architecture and the one it has run on show that their texts compile. */
const rows = ([75, 80, 86, 89, 90, 100, 120] as const).map(
  (architecture) => [architecture, architecture === 75 || architecture === 90 ? models : models.slice(0, 1)] as const,
);
/** In float64, which is for exactness, two kernels spill registers. */
const spilling = ["painn_message_adjoint", "distiller_update_last_small"];

const python = await resolvePython().catch(() => null); // a machine without Python may have a toolkit
const nvrtc = await nvrtcCandidates(process.env, python?.sitePackages ?? null);
const compile = (architecture: Architecture, what: Parameters<typeof addon.compileKernels>[0]) =>
  addon.compileKernels(what, { architecture, sharedBytes: shared[architecture] * 1024 }, nvrtc);

/** Registers and bytes of spilled ones of each kernel in ptxas' words. */
function resourcesIn(log: string) {
  const kernels = [...log.matchAll(/Compiling entry function '(\w+)'[\s\S]*?(\d+) bytes spill stores[\s\S]*?Used (\d+) registers/g)];
  return kernels.map(([, name = "", spills, registers]) => ({ name, spills: Number(spills), registers: Number(registers) }));
}

const found = await compile(90, []).then(
  ({ compiler }) => compiler,
  (cause: Error) => cause.message,
);
const skipped = !found.startsWith("NVRTC");

describe.skipIf(skipped)("every kernel compiles", () => {
  // Two at once: one alone leaves a core idle while its largest text compiles.
  test.concurrent.for(rows)("for sm_%s, without spills in float32", { timeout: 240_000 }, async ([architecture, chosen], { expect }) => {
    const { parts } = await compile(architecture, chosen);
    let kernels = 0;
    for (const { source, options, log } of parts) {
      const exact = options.includes("-Dreal=double");
      for (const { name, spills, registers } of resourcesIn(log)) {
        kernels++;
        expect(registers, `${source}, ${name}`).toBeLessThanOrEqual(255);
        if (!(exact && spilling.includes(name))) expect(spills, `${source}, ${name}: bytes of spilled registers`).toBe(0);
      }
    }
    const resident = architecture === 90 || architecture === 100; // what has clusters, and memory for these weights
    expect(kernels).toBe((chosen.length === 1 ? 21 : 60) + (resident ? 1 : 0));
  });
});

test.skipIf(skipped)("a card older than the compiler knows is refused by name", async () => {
  await expect(compile(61, models.slice(0, 1))).rejects.toMatchObject({
    code: "UNSUPPORTED",
    message: expect.stringMatching(/sm_61.*native:cpu/),
  });
});

test.runIf(skipped)("kernels are compiled where there is NVRTC", ({ skip }) => skip(`skipped: ${found}`));
