import { isCrystal } from "../system/cell.ts";
import { batches } from "../system/evaluate-all.ts";
import type { Evaluation, Potential, Property } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";
import type { Answers } from "./compare.ts";
import { asPainnlessError } from "./laws.ts";
import type { CrosscheckResult } from "./result.ts";

export interface SideAnswers extends Answers {
  readonly provides: ReadonlySet<Property>;
  readonly seconds: number;
  readonly error: CrosscheckResult["sides"][number]["error"];
}

type SideError = NonNullable<SideAnswers["error"]>;

/** All that a side has to say of every structure. Where a batch throws, its structures are tried one by one, so that one bad
 *  structure costs its own answer only.
 *  @param judges does the side say what can be computed at all, as a reference does
 *  @throws {PainnlessError} CANCELLED; BAD_STRUCTURE of a side that judges */
export async function answer(potential: Potential, structures: readonly Structure[], judges: boolean): Promise<SideAnswers> {
  const evaluations = new Map<Structure, Evaluation>();
  const errors: SideError[] = [];
  const started = performance.now();
  const ask = async (batch: readonly Structure[], want: readonly Property[]): Promise<void> => {
    try {
      const answers = await potential.evaluate(batch, want);
      if (answers.length !== batch.length) throw new RangeError(`answered ${answers.length} of ${batch.length} structures`);
      batch.forEach((structure, i) => {
        evaluations.set(structure, answers[i] as Evaluation);
      });
    } catch (thrown) {
      const error = asPainnlessError(thrown, potential.name);
      if (error.code === "CANCELLED" || (judges && error.code === "BAD_STRUCTURE")) throw error;
      if (batch.length === 1) errors.push({ code: error.code, message: error.message, structure: batch[0]?.name ?? null });
      else for (const structure of batch) await ask([structure], want);
    }
  };
  for (const crystals of [false, true]) {
    const want = (["energy", "forces", "energies", "stress"] as const).filter(
      (p) => potential.provides.has(p) && (p !== "stress" || crystals),
    );
    for (const batch of batches(structures.filter((structure) => isCrystal(structure) === crystals))) await ask(batch, want);
  }
  return {
    side: potential.name,
    provides: potential.provides,
    evaluations: structures.map((structure) => evaluations.get(structure) ?? null),
    seconds: (performance.now() - started) / 1000,
    error: errors[0] ?? null,
  };
}
