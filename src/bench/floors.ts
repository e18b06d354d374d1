import type { CudaCard } from "../engine/native.ts";
import type { ModelConfig } from "../model/config.ts";
import { workOf } from "../model/work.ts";

/** float32 units of a multiprocessor by architecture; 128 of those that are not here. */
const lanes: Readonly<Record<number, number>> = { 70: 64, 75: 64, 80: 64 };

/** Operations a second of the ordinary float32 units at the highest clock: an addition and a multiplication in each, each clock. Tensor cores can be
 *  faster, so a time below what this says is possible is one of theirs. */
export const peakOf = ({ architecture, multiprocessors, clock }: CudaCard): number =>
  2 * (lanes[architecture] ?? 128) * multiprocessors * clock;

/** Seconds that energy and forces take at that rate. */
export function floorOf(config: ModelConfig, atoms: number, edges: number, card: CudaCard): number {
  const { forward, reverse } = workOf(config, atoms, edges);
  return (forward + reverse) / peakOf(card);
}
