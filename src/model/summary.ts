import { z } from "zod";

/** What a result says of the model it was made with. */
export const modelSummarySchema = z.strictObject({
  name: z.string(),
  sha256: z.string(),
  architecture: z.string(),
  /** Å */
  cutoff: z.number(),
  energyUnit: z.string(),
  /** who said so: "file", "user" or "assumed" */
  unitsOrigin: z.string(),
});
export type ModelSummary = z.infer<typeof modelSummarySchema>;
