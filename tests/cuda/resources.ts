import { z } from "zod";
import type { CudaPrecision } from "../../src/engine/native.ts";
import { nativeConfig } from "../../src/engine/weights.ts";
import type { ModelConfig } from "../../src/model/config.ts";
import { randomModel } from "../engine/models.ts";

/** Shared memory that a block may ask for, kilobytes, by architecture. */
export const shared = { 61: 48, 70: 96, 75: 64, 80: 163, 86: 99, 89: 99, 90: 227, 100: 227, 120: 99 } as const;
export type Architecture = keyof typeof shared;

const painn = { n_features: 128, n_layers: 3, n_rbf: 20, readout_widths: [64, 1] } satisfies Partial<ModelConfig>;
const student = { n_features: 64, n_rbf: 12, readout_widths: [32, 16, 1] } satisfies Partial<ModelConfig>;
const model = (arch: ModelConfig["arch"], changes: Partial<ModelConfig>, precision: CudaPrecision) =>
  ({ config: nativeConfig(randomModel(arch, changes)), precision }) as const;
/** PaiNN in float32 and, where there are tensor cores for it, in mixed precision; of the whole the rest too. Of one layer, whose launches are apart where those of
 *  more are not (painn_layer.cu): most of its texts are the same. */
export const modelsFor = (architecture: number, isWhole: boolean) => [
  ...[painn, { ...painn, n_layers: 1 }].flatMap((changes) => [
    model("painn-schnetpack", changes, "f32"),
    ...(architecture >= 80 ? [model("painn-schnetpack", changes, "mixed")] : []),
  ]),
  ...(isWhole ? restFor(architecture) : []),
];
export const restFor = (architecture: number) => [
  model("painn-schnetpack", painn, "f64"),
  model("painn-distiller", student, "f32"),
  model("painn-distiller", student, "f64"),
  ...(architecture >= 80 ? [model("painn-distiller", student, "mixed")] : []),
];
/** Of every number of features that a lane may have. */
export const tabulated = [32, 64, 96, 128].map((features) => model("painn-distiller", { n_features: features }, "f32"));
/** Bytes of registers that a thread of a kernel may spill: in float32 a few words once a list or a product, where that many warps a multiprocessor are worth
 *  them (measured, docs/kernels.md); in float64, which is for exactness, those of one kernel. */
export const spillingAllowed = (name: string, real: string) => {
  if (real === "double") return name === "painn_message_adjoint" ? 320 : 0;
  return /^painn_update_(adjoint_|last_)?large$/.test(name) ? 16 : 0;
};

export const kernelSchema = z.strictObject({ name: z.string(), registers: z.int(), spilled: z.int(), shared: z.int() });
export type Kernel = z.infer<typeof kernelSchema>;

/** Of each kernel in ptxas' words. */
export function resourcesIn(log: string): Kernel[] {
  const kernels = log.matchAll(
    /Compiling entry function '(\w+)'[\s\S]*?(\d+) bytes spill stores[\s\S]*?Used (\d+) registers(?:.*?(\d+) bytes smem)?/g,
  );
  return [...kernels].map(([, name = "", spilled, registers, smem = "0"]) => {
    return { name, registers: Number(registers), spilled: Number(spilled), shared: Number(smem) };
  });
}
