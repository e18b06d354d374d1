import { PainnlessError } from "../errors.ts";
import type { Potential } from "../system/potential.ts";

/** What is said of a process that is gone, or that stands still. */
const lost: readonly string[] = ["WORKER_DIED", "TIMEOUT"];

/** A potential of another process, which is opened again at the call after the one that found it gone. That one fails: whether to repeat it is
 *  for whoever asked to say. */
export function reviving(first: Potential, open: () => Promise<Potential>): Potential {
  const { name, provides, domain } = first;
  let current: Potential | null = first;
  return {
    ...{ name, provides, domain },
    async evaluate(batch, want) {
      current ??= await open();
      try {
        return await current.evaluate(batch, want);
      } catch (cause) {
        if (cause instanceof PainnlessError && lost.includes(cause.code)) current = null;
        throw cause;
      }
    },
    async close() {
      await current?.close();
    },
  };
}
