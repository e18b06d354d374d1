import type { ModelFile } from "../model/model-file.ts";
import { loadAddon } from "./addon.ts";
import { createNativeEngine } from "./engine.ts";
import type { CudaCard, CudaPlan, CudaPrecision, NativePlan, NativePrecision } from "./native.ts";
import { fromNative } from "./native-error.ts";
import { settingsOf, type Tuning } from "./tuning.ts";
import { nativeConfig, nativeTensors } from "./weights.ts";

/** How the CUDA engine would work on one structure of so many atoms and pairs, on a card of this kind; needs none.
 *  @throws {PainnlessError} MISSING where the addon is not built, UNSUPPORTED for a model that does not fit such a card */
export function cudaPlanFor(
  model: ModelFile,
  precision: CudaPrecision,
  card: Pick<CudaCard, "architecture" | "multiprocessors" | "sharedBytes">,
  atoms: number,
  pairs: number,
  tuning: Tuning = {},
): { readonly side: string; readonly plan: CudaPlan } {
  try {
    const plan = loadAddon().planCuda(nativeConfig(model), nativeTensors(model), precision, settingsOf(tuning), card, atoms, pairs);
    return { side: `native:cuda:${precision}`, plan };
  } catch (cause) {
    throw fromNative(cause);
  }
}

/** How the CPU engine, with its defaults, would work on one structure of so many atoms and pairs; nothing is computed.
 *  @throws {PainnlessError} MISSING where the addon is not built */
export async function planFor(
  model: ModelFile,
  precision: NativePrecision,
  atoms: number,
  pairs: number,
): Promise<{ readonly side: string; readonly plan: NativePlan }> {
  const engine = createNativeEngine(model, { device: "cpu", precision });
  try {
    return { side: engine.name, plan: engine.plan(atoms, pairs) };
  } finally {
    await engine.close();
  }
}
