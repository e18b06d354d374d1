import type { MdResult } from "../../dynamics/result.ts";

/** The drift that the verdict allows to either side of zero, meV/atom/ns; it is stated in percent of the kinetic energy. Null where none is. */
export function allowedDrift({ checks, drift }: Pick<MdResult, "checks" | "drift">): number | null {
  const limit = checks.find(({ name }) => name === "drift")?.limit ?? null;
  if (limit === null || drift === null) return null;
  const { percentOfKineticPerNs: percent } = drift;
  // Both hold the same slopes; the largest of them tells their scale best.
  const scales = (["value", "low", "high"] as const).map((key) => [percent[key] ?? 0, drift[key] ?? 0] as const);
  const [inPercent, inMeV] = scales.reduce((a, b) => (Math.abs(b[0]) > Math.abs(a[0]) ? b : a));
  return inPercent === 0 ? null : Math.abs((limit * inMeV) / inPercent);
}
