import { driftOfShare } from "../../dynamics/drift.ts";
import type { MdResult } from "../../dynamics/result.ts";

/** The drift that the verdict allows to either side of zero, meV/atom/ns; it is stated in percent of the kinetic energy. Null where none is. */
export function allowedDrift({ checks, drift }: Pick<MdResult, "checks" | "drift">): number | null {
  const limit = checks.find(({ name }) => name === "drift")?.limit ?? null;
  return limit === null || drift === null ? null : driftOfShare(limit, drift);
}
