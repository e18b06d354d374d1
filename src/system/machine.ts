import { z } from "zod";

/** Where a result was made. */
export const machineSchema = z.strictObject({
  platform: z.string(),
  arch: z.string(),
  cpu: z.string(),
  cores: z.int(),
  /** of painnless, node, and where asked torch, ase ... */
  versions: z.record(z.string(), z.string()),
});
export type Machine = z.infer<typeof machineSchema>;
