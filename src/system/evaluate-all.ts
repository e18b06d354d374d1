import { PainnlessError } from "../errors.ts";
import type { Evaluation, Potential, Property } from "./potential.ts";
import type { Structure } from "./structure.ts";

/** Atoms that one batch may hold: enough to keep a device busy, few enough to keep memory and the wait for a cancel small. */
const batchAtoms = 4096;

/** Consecutive structures in batches of at most 4,096 atoms; a larger structure is a batch of its own. */
export function* batches<T extends Structure>(structures: readonly T[]): Generator<T[]> {
  let batch: T[] = [];
  let atoms = 0;
  for (const structure of structures) {
    if (batch.length > 0 && atoms + structure.numbers.length > batchAtoms) {
      yield batch;
      batch = [];
      atoms = 0;
    }
    batch.push(structure);
    atoms += structure.numbers.length;
  }
  if (batch.length > 0) yield batch;
}

/** An evaluation of each of any number of structures, in order. */
export async function evaluateAll(
  potential: Potential,
  structures: readonly Structure[],
  want: readonly Property[],
): Promise<Evaluation[]> {
  const evaluations: Evaluation[] = [];
  for (const batch of batches(structures)) {
    const answers = await potential.evaluate(batch, want);
    if (answers.length !== batch.length)
      throw new PainnlessError("INTERNAL", `side "${potential.name}" answered ${answers.length} of ${batch.length} structures`);
    evaluations.push(...answers);
  }
  return evaluations;
}
