import { z } from "zod";
import type { CudaTuning } from "./native.ts";

/** What may be given of the settings in native/engine.h (CudaTuning), which has the rest. */
export const tuningSchema = z.strictObject({
  residentAtoms: z.int().min(0).max(64).optional(),
  spreadWaves: z.number().min(0).max(1024).optional(),
  smallWaves: z.number().min(0).max(1024).optional(),
  earlyLaunches: z.int().min(0).max(1).optional(),
  portionAtoms: z
    .int()
    .min(1)
    .max(2 ** 30)
    .optional(),
  chunkSteps: z.int().min(1).max(65_536).optional(),
});
export type Tuning = z.infer<typeof tuningSchema>;

/** Without those that are undefined, which C++ would take for numbers. */
export const settingsOf = (tuning: Tuning): Partial<CudaTuning> =>
  Object.fromEntries(Object.entries(tuning).filter(([, value]) => value !== undefined));

/** What cards are known to do better with than with what C++ has, by architecture: on sm_90 by `painnless tune` on an H200. Of sm_80 and sm_89 nobody has
 *  measured anything; they have what C++ has, without the resident schedule, for which they have no clusters. */
const shipped: Readonly<Record<number, Tuning>> = {
  80: {},
  89: {},
  90: { spreadWaves: 0.25, earlyLaunches: 1, portionAtoms: 16_384 },
};

export const shippedTuning = (architecture: number): Tuning => shipped[architecture] ?? {};

/** In one line. */
export const describeTuning = (tuning: Tuning): string =>
  Object.entries(tuning)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ") || "as it comes";

/** Also as results hold it that were made before there was spreadWaves, when nothing was spread, a ring or early launches, or while slices had a bound: what they say stays, so
 *  that `--compare` tells that such a run went another way. */
export const fullTuningSchema = tuningSchema.required().extend({
  spreadWaves: z.number().default(0),
  earlyLaunches: z.int().default(0),
  slicesAtoms: z.int().optional(),
  ringWeights: z.int().optional(),
}) satisfies z.ZodType<CudaTuning>;
