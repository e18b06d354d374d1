import type { CudaEngine } from "../../engine/cuda.ts";
import { PainnlessError } from "../../errors.ts";

/** That what an engine was asked for so far is what it will be timed at.
 *  @throws {PainnlessError} UNSUPPORTED where another engine answered */
export async function assertInRange(engine: CudaEngine): Promise<void> {
  const { beyondRange } = await engine.activity();
  if (beyondRange > 0)
    throw new PainnlessError(
      "UNSUPPORTED",
      `${engine.name} is not timed: numbers of ${beyondRange} structures go beyond 65,504 and were computed without tensor cores; take a trained model, or structures whose atoms lie farther apart`,
    );
}
