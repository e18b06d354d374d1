import type { ModelFile } from "../model/model-file.ts";
import { createNativeEngine } from "./engine.ts";
import type { NativePlan, NativePrecision } from "./native.ts";

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
