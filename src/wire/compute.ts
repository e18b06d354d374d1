import { PainnlessError } from "../errors.ts";
import type { Evaluation, Potential } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import type { Job, Slice } from "./batching.ts";

export type Outcome = readonly Evaluation[] | PainnlessError;

/** What the potential says of each slice, computed in one call. Where it refuses them together, each is computed alone, so that only those
 *  at fault are refused. */
export async function computeTogether<J extends Job>(potential: Potential, slices: readonly Slice<J>[]): Promise<Outcome[]> {
  const together = await compute(potential, slices);
  if (!(together instanceof PainnlessError)) {
    let first = 0;
    return slices.map(({ structures }) => {
      const own = together.slice(first, first + structures.length);
      first += structures.length;
      return own;
    });
  }
  if (slices.length === 1) return [together];
  const outcomes: Outcome[] = [];
  for (const slice of slices) outcomes.push(await compute(potential, [slice]));
  return outcomes;
}

async function compute<J extends Job>(potential: Potential, slices: readonly Slice<J>[]): Promise<Outcome> {
  const [first] = slices;
  if (first === undefined) return [];
  const structures = slices.length === 1 ? first.structures : slices.flatMap((slice) => slice.structures);
  try {
    const evaluations = await potential.evaluate(structures, first.job.want);
    return misfit(potential.name, structures, evaluations) ?? evaluations;
  } catch (cause) {
    return failureOf(potential.name, cause);
  }
}

/** What a side threw, as an error that can cross the wire. */
export function failureOf(side: string, cause: unknown): PainnlessError {
  if (cause instanceof PainnlessError) return cause;
  const why = cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause);
  return new PainnlessError("WORKER_FAILED", `${side} failed: ${why}`, { cause });
}

/** What does not fit in an answer would be taken for a part of its neighbour's. */
function misfit(side: string, structures: readonly Structure[], evaluations: readonly Evaluation[]): PainnlessError | null {
  const failed = (message: string, field: string | null) => new PainnlessError("WORKER_FAILED", `${side} gave ${message}`, { field });
  if (evaluations.length !== structures.length)
    return failed(`${evaluations.length} evaluations for ${structures.length} structures`, null);
  for (const [s, { name, numbers }] of structures.entries()) {
    const sizes = { forces: 3 * numbers.length, stress: 6, energies: numbers.length };
    for (const field of ["forces", "stress", "energies"] as const) {
      const found = evaluations[s]?.[field]?.length ?? sizes[field];
      if (found !== sizes[field]) return failed(`${found} numbers as ${field} of structure "${name}", expected ${sizes[field]}`, field);
    }
  }
  return null;
}
