import { PainnlessError } from "../errors.ts";
import { loadAddon } from "./addon.ts";
import type { CudaCard, NativePrecision } from "./native.ts";
import { fromNative } from "./native-error.ts";

/** The cards the NVIDIA driver sees; nothing is done with them.
 *  @throws {PainnlessError} MISSING without the addon, a driver or a card, with the remedy */
export function cudaCards(): CudaCard[] {
  const addon = loadAddon();
  try {
    return addon.cudaCards();
  } catch (cause) {
    throw fromNative(cause);
  }
}

/** What "auto" takes: the card if there is one that the engine works on, else the CPU; and why.
 *  @param open makes the side; what it throws as MISSING or UNSUPPORTED is the reason for the CPU */
export async function automaticSide<Side>(
  precision: NativePrecision,
  open: (side: string) => Promise<Side>,
): Promise<{ readonly opened: Side; readonly reason: string }> {
  try {
    const [card] = cudaCards();
    return { opened: await open(`native:cuda:${precision}`), reason: `there is an ${card?.name}` };
  } catch (error) {
    if (!(error instanceof PainnlessError && ["MISSING", "UNSUPPORTED"].includes(error.code))) throw error;
    return { opened: await open(`native:cpu:${precision}`), reason: error.message };
  }
}
