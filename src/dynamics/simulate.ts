import { PainnlessError } from "../errors.ts";
import type { Frame } from "../system/frame.ts";
import type { Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import { type OpenOptions, openSession } from "./open.ts";
import type { SimulationRequest } from "./options.ts";

/** Steps at a time where no frames are asked for. */
const unseen = 1000;

/** The frames of a run, one after the other, each as soon as it is there. The run ends early when the consumer stops asking.
 *  @throws {PainnlessError} UNSTABLE when a guard ends it, after the last good frame; CANCELLED when `signal` is aborted; what `openSession`
 *  and the potential throw */
export async function* simulate(
  potential: Potential,
  structure: Structure,
  request: SimulationRequest,
  start: OpenOptions & { readonly signal?: AbortSignal } = {},
): AsyncGenerator<Frame, void, void> {
  const session = await openSession(potential, structure, request, start);
  const { frameEvery, steps: last } = session.options;
  try {
    do {
      const { frames, stop } = await session.advance(frameEvery === 0 ? unseen : frameEvery, start.signal);
      yield* frames;
      if (stop !== null) throw new PainnlessError("UNSTABLE", stop.message);
      if (start.signal?.aborted) throw new PainnlessError("CANCELLED", `the simulation was cancelled at step ${session.step}`);
    } while (session.step < last);
  } finally {
    await session.close();
  }
}
