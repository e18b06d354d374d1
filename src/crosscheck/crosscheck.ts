import { PainnlessError } from "../errors.ts";
import type { ModelSummary } from "../model/summary.ts";
import type { Machine } from "../system/machine.ts";
import { countEdges } from "../system/pairs.ts";
import type { Potential } from "../system/potential.ts";
import { assertComputable, type Structure } from "../system/structure.ts";
import { answer, type SideAnswers } from "./answers.ts";
import { budgetOf, isTeacher } from "./budget.ts";
import { type Answers, compare } from "./compare.ts";
import type { Movement } from "./conditioning.ts";
import { type AskMovements, askMovements, extrapolated, extrapolationFindings } from "./extrapolation.ts";
import { failuresOf, isFail } from "./failures.ts";
import { distinct, geometries } from "./geometries.ts";
import { kinksOf } from "./kinks.ts";
import { checkLaw, consequences, laws, measureLaw } from "./laws.ts";
import { type Replay, replayName } from "./replay.ts";
import type { BudgetEntry, Comparison, CrosscheckResult, LawName, LawResult } from "./result.ts";
import { accuracyOf, isFloat32 } from "./tolerances.ts";

export interface CrosscheckSide {
  readonly potential: Potential;
  /** are the laws tried on it, or is it only compared */
  readonly laws: boolean;
  /** shown in the result: what "auto" chose and why */
  readonly note: string | null;
}

export interface CrosscheckRequest {
  readonly structures: readonly Structure[];
  readonly reference: CrosscheckSide;
  readonly sides: readonly CrosscheckSide[];
  /** How far float64's own forces of structures go when the model's weights change by float32's rounding (movementsOf). Without it float32 keeps its usual
   *  bounds on structures far from the training as well */
  readonly movements?: AskMovements;
  /** PyTorch in float32, whose own error measures that of our float32; evaluated, not checked. null: only where it is among the sides */
  readonly yardstick: Potential | null;
  readonly model: ModelSummary;
  /** path of the model, for replays */
  readonly modelFile: string;
  readonly machine: Machine;
  /** the command that does it again */
  readonly command: string;
  readonly seed: number;
  /** displaced copies of each composition */
  readonly samples: number;
  /** are molecules also put into periodic cells, where every side can do that */
  readonly boxes: boolean;
  readonly laws: readonly LawName[];
  readonly onProgress?: (progress: Progress) => void;
  /** throws CANCELLED between two pieces of work */
  readonly signal?: AbortSignal;
}

export interface Progress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
}

/** Compositions on which laws are tried. */
const lawStructures = 3;

/** Do these sides agree with the reference and with each other, and does each obey the laws: everything found, and what replays each failure.
 *  A side that throws is an error entry and a failed verdict; the others go on.
 *  @throws {PainnlessError} USAGE without structures or sides; BAD_STRUCTURE for a structure that a side's domain does not hold or that the reference
 *  refuses (coincident atoms), and where the model's own forces jump at all of them; CANCELLED */
export async function crosscheck(request: CrosscheckRequest): Promise<{ result: CrosscheckResult; replays: Replay[] }> {
  const { sides, reference, model, seed } = request;
  if (request.structures.length === 0) throw new PainnlessError("USAGE", "there is nothing to check: 0 structures, expected at least 1");
  if (sides.length === 0) throw new PainnlessError("USAGE", "there is nothing to check: 0 sides, expected at least 1");
  const all = [reference, ...sides];
  for (const { potential } of all) for (const structure of request.structures) assertComputable(structure, potential.domain);
  const started = new Date();
  const potentials = all.map(({ potential }) => potential);
  const set = geometries(request.structures, potentials, request);
  const structures = set.map(({ structure }) => structure);
  const names = structures.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new PainnlessError("USAGE", `two structures are called "${twice}", expected a name of its own for each`);

  const tried = laws.filter(({ name }) => request.laws.includes(name));
  const subjects = distinct(request.structures).slice(0, lawStructures);
  const measure = request.yardstick !== null && !potentials.includes(request.yardstick) ? request.yardstick : null;
  const total = all.length + (measure === null ? 0 : 1) + sides.filter((side) => side.laws).length * tried.length * subjects.length;
  let done = 0;
  const step = (stage: string): void => {
    if (request.signal?.aborted) throw new PainnlessError("CANCELLED", "crosscheck was interrupted");
    request.onProgress?.({ stage, done: done++, total });
  };

  const answers: SideAnswers[] = [];
  for (const { potential } of all) {
    step(`${potential.name} evaluates ${structures.length} structures`);
    answers.push(await answer(potential, structures, potential === reference.potential));
  }
  let torch32 = answers.find(({ side }) => /^torch:.*:f32$/.test(side)) ?? null;
  if (measure !== null) {
    step(`${measure.name} evaluates ${structures.length} structures`);
    torch32 = await answer(measure, structures, false);
  }
  // What failed, and what laws are tried on, is asked of the reference again, nudged: is the model smooth there at all?
  const first = comparePairs(answers, torch32, structures, model.cutoff, new Map());
  const doubtful = doubtfulOf(first, structures);
  const kinks = await kinksOf(reference.potential, [...new Set([...doubtful, ...subjects])], seed);
  const smooth = doubtful.filter((structure) => !kinks.has(structure));
  const inexact = extrapolated(
    first.filter(isOfFloat32),
    smooth,
    (structure) => answers[0]?.evaluations[structures.indexOf(structure)] ?? null,
  );
  const { movements, unknown } = await askMovements(request, inexact, () =>
    request.onProgress?.({ stage: "how exact float32 can be", done, total }),
  );
  const kept = structures.map((structure) => !kinks.has(structure));
  if (!kept.includes(true) && answers.every(({ error }) => error === null))
    throw new PainnlessError(
      "BAD_STRUCTURE",
      `the model's own forces jump at ${names.join(", ")}: rounding decides what they are, and nothing is left to compare; take other geometries, or displaced copies of these (--samples)`,
    );
  const only = <T>(list: readonly T[]): T[] => list.filter((_, i) => kept[i]);
  const clean = (side: SideAnswers): SideAnswers => ({ ...side, evaluations: only(side.evaluations) });
  const budget = budgetOf(answers.map(clean), only(structures));
  const comparisons = comparePairs(answers.map(clean), torch32 === null ? null : clean(torch32), only(structures), model.cutoff, movements);

  const lawResults: LawResult[] = [];
  const unasked = laws.filter((law) => !tried.includes(law));
  const skipped: CrosscheckResult["skipped"] = unasked.map(({ name }) => ({ law: name, side: null, reason: "not asked for" }));
  for (const law of tried)
    for (const subject of subjects) {
      // A displaced copy stands in for a structure on a kink.
      const structure = (kinks.has(subject) ? structures.find(({ name }) => name === `${subject.name} displaced 1`) : null) ?? subject;
      const measured = once(() => measureLaw(law, reference.potential, structure, { seed, cutoff: model.cutoff, brief: true }));
      for (const { potential, laws: wanted } of sides) {
        if (!wanted) continue;
        step(`${law.name} on ${potential.name}`);
        const reason = kinks.has(structure) ? "the model's own forces jump there" : law.inapplicable(structure, potential);
        const context = { name: reference.potential.name, ask: measured };
        if (reason === null)
          lawResults.push(await checkLaw(law, potential, structure, { seed, cutoff: model.cutoff, brief: false }, context));
        else skipped.push({ law: law.name, side: potential.name, reason: `${structure.name}: ${reason}` });
      }
    }

  const replays = failuresOf(comparisons, lawResults, structures, {
    ...{ modelFile: request.modelFile, modelSha256: model.sha256, seed, reference: reference.potential.name },
  });
  const nothing = comparisons.length === 0 && budget.length === 0;
  const failed =
    nothing ||
    budget.some(isUnmeasured) ||
    comparisons.some(isFail) ||
    lawResults.some(isFail) ||
    answers.some(({ error }) => error !== null);
  request.onProgress?.({ stage: "done", done: total, total });
  return {
    result: {
      format: "painnless.crosscheck/1",
      verdict: failed ? "fail" : "pass",
      started: started.toISOString(),
      seconds: (Date.now() - started.getTime()) / 1000,
      seed,
      command: request.command,
      model,
      machine: request.machine,
      reference: reference.potential.name,
      structures: set.map(({ structure, origin }) => ({
        name: structure.name,
        atoms: structure.numbers.length,
        edges: countEdges(structure, model.cutoff),
        origin,
        pbc: structure.pbc,
      })),
      sides: all.map(({ potential, note }, i) => ({
        name: potential.name,
        seconds: answers[i]?.seconds ?? 0,
        error: answers[i]?.error ?? null,
        note,
      })),
      comparisons,
      budget,
      laws: lawResults,
      skipped,
      findings: [
        ...kinkFindings(kinks),
        ...unknown,
        ...extrapolationFindings(comparisons, movements, answers, structures, model.cutoff),
        ...findingsOf(lawResults, model),
      ],
      replays: replays.map((_, index) => replayName(index)),
    },
    replays,
  };
}

/** Without a single structure in common, or with a value that is not a number, nothing is known of the error. */
const isUnmeasured = ({ energy, forces }: BudgetEntry): boolean => energy.maxAbs === null || forces?.maxAbs === null;

/** The promise of the first call, again and again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make();
    return made;
  };
}

/** Every side that should equal the reference against it, then every two of those, the coarser against the finer. */
function comparePairs(
  answers: readonly SideAnswers[],
  torch32: SideAnswers | null,
  structures: readonly Structure[],
  cutoff: number,
  movements: ReadonlyMap<Structure, Movement>,
): Comparison[] {
  const [reference, ...others] = answers as [SideAnswers, ...SideAnswers[]];
  const sides = others.filter(({ side }) => !isTeacher(side));
  const exactness = ["f64", "fd-f64", "f32", "foreign-f32", "mixed", "fd-f32"];
  const rank = ({ side }: Answers) => exactness.indexOf(accuracyOf(side));
  const pairs: [SideAnswers, SideAnswers][] = sides.map((side) => [side, reference]);
  sides.forEach((a, i) => {
    for (const b of sides.slice(i + 1)) pairs.push(rank(a) > rank(b) ? [a, b] : [b, a]);
  });
  return pairs.map(([side, against]) => {
    const wanted = new Set((["forces", "stress"] as const).filter((p) => side.provides.has(p) && against.provides.has(p)));
    const yardstick = /^native:.*:f32$/.test(side.side) && against === reference && accuracyOf(reference.side) === "f64";
    return compare(side, against, structures, { cutoff, wanted, torch32: yardstick ? torch32 : null, movements });
  });
}

/** Structures that a comparison failed on. */
const doubtfulOf = (comparisons: readonly Comparison[], structures: readonly Structure[]): Structure[] =>
  structures.filter(({ name }) => comparisons.some(({ reasons }) => reasons.some((reason) => reason.startsWith(`${name}: `))));

const isOfFloat32 = ({ side, reference }: Comparison): boolean => isFloat32(side) || isFloat32(reference);

const kinkFindings = (kinks: ReadonlyMap<Structure, number>): string[] =>
  [...kinks].map(
    ([{ name }, jump]) =>
      `${name}: the model's own forces jump by ${jump.toPrecision(3)} eV/Å within 1e-7 Å; the structure was left out, as rounding decides what its forces are`,
  );

/** What the user should know although nothing failed. */
function findingsOf(results: readonly LawResult[], model: ModelSummary): string[] {
  const ofModel = results.filter(({ attribution }) => attribution === "model");
  const findings = [...new Set(ofModel.map(({ name }) => name))].map((name) => {
    const worst = ofModel.filter((law) => law.name === name).reduce((a, b) => ((b.value ?? Infinity) > (a.value ?? Infinity) ? b : a));
    const reference =
      worst.reference === null ? "" : `, ${worst.reference.side} by ${(worst.reference.value ?? Number.NaN).toPrecision(3)}`;
    const by = `${worst.side} by ${(worst.value ?? Number.NaN).toPrecision(3)} ${worst.unit}${reference}`;
    return `the model breaks the law "${name}" (${by}, ${worst.structure}): ${consequences[name]}`;
  });
  if (model.unitsOrigin === "assumed")
    findings.push(`the energy unit ${model.energyUnit} was assumed when the model was imported; no file and no user said so`);
  return findings;
}
