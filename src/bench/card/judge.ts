import { movementOf, type OpenExact } from "../../crosscheck/conditioning.ts";
import { PainnlessError } from "../../errors.ts";
import type { ModelFile } from "../../model/model-file.ts";
import type { Evaluation, Potential, Property } from "../../system/potential.ts";
import { Random } from "../../system/random.ts";
import type { Structure } from "../../system/structure.ts";
import type { BaselineProcess } from "../baseline.ts";
import type { Answer, Inputs } from "../trial.ts";
import type { Sets } from "./rows.ts";

/** What is right on the inputs of a row. */
export interface Judgement {
  readonly judge: string;
  /** of each set */
  readonly answers: readonly Answer[];
  readonly inputs: Inputs;
  readonly want: readonly Property[];
  /** The part of our evaluations that is judged. */
  of(evaluations: readonly Evaluation[], set: number): Answer;
}

const whole = (evaluations: readonly Evaluation[]): Answer => ({
  energies: evaluations.map(({ netEnergy }) => netEnergy),
  forces: concatenate(evaluations.map(({ forces }) => forces ?? new Float64Array(0))),
});

function concatenate(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const want = ["energy", "forces"] as const satisfies readonly Property[];

/** What is asked of whole sets. */
function ofWhole(judge: string, sets: Sets, model: ModelFile, open: OpenExact) {
  const atoms = (sets[0] ?? []).map(({ numbers }) => numbers.length);
  const movement = movementOf(model, open, atoms, async (potential, set) => whole(await potential.evaluate(sets[set] ?? [], want)));
  return { judge, want, of: whole, inputs: { judge, sets: sets.length, atoms, cutoff: model.config.cutoff, movement } };
}

/** By PyTorch in float64, which has loaded the sets. @throws {PainnlessError} WORKER_FAILED where it cannot, for want of memory, say */
export async function judgeByTorch(process: BaselineProcess, sets: Sets, model: ModelFile, open: OpenExact): Promise<Judgement> {
  const answers: Answer[] = [];
  for (const set of sets.keys()) answers.push(await process.evaluate("eager", "f64", set));
  return { ...ofWhole("torch:cuda:f64", sets, model, open), answers };
}

/** Whole structures up to this size are judged whole. */
const wholeAtoms = 40_000;
const probes = 3;

/** By our engine on the processor in float64, which `painnless crosscheck` holds to PyTorch. Of larger structures some atoms are judged: a force
 *  depends on atoms within two cutoffs a layer, so those are cut out. */
export async function judgeByEngine(exact: Potential, sets: Sets, model: ModelFile, seed: number, open: OpenExact): Promise<Judgement> {
  const { cutoff, n_layers: layers } = model.config;
  const total = (sets[0] ?? []).reduce((sum, { numbers }) => sum + numbers.length, 0);
  if (total <= wholeAtoms) {
    const answers: Answer[] = [];
    for (const batch of sets) answers.push(whole(await exact.evaluate(batch, want)));
    return { ...ofWhole(exact.name, sets, model, open), answers };
  }
  const [first] = sets[0] ?? [];
  if (first === undefined || sets.some((batch) => batch.length !== 1) || first.pbc.includes(true))
    throw new PainnlessError("UNSUPPORTED", `batches, and periodic structures, of more than ${wholeAtoms} atoms cannot be judged in parts`);
  const random = new Random(seed, "bench/card/probes");
  const centres = Array.from({ length: probes }, () => random.integer(total));
  const radius = 2 * layers * cutoff;
  const answer = async (potential: Potential, set: number) => {
    const around = centres.map((centre) => cutOut((sets[set] ?? [])[0] as Structure, centre, radius));
    return partOf(await potential.evaluate(around, ["energy", "forces", "energies"]), (k) => [k, 0]);
  };
  const answers: Answer[] = [];
  for (const set of sets.keys()) answers.push(await answer(exact, set));
  const judge = `${exact.name}, of ${probes} atoms with what lies within ${radius} Å of them`;
  return {
    ...{ judge, answers, want: ["energy", "forces", "energies"] },
    inputs: {
      ...{ judge: exact.name, sets: sets.length, atoms: centres.map(() => 1), cutoff },
      movement: movementOf(model, open, [probes], answer), // of the one structure that they are of
    },
    of: (evaluations) => partOf(evaluations, (k) => [0, centres[k] as number]),
  };
}

/** Energy and force of each probe. @param place of probe k: its evaluation, and its atom there */
function partOf(evaluations: readonly Evaluation[], place: (k: number) => readonly [number, number]): Answer {
  const chosen = Array.from({ length: probes }, (_, k) => {
    const [e, atom] = place(k);
    const { forces, energies } = evaluations[e] as Evaluation;
    if (forces === null || energies === null) throw new PainnlessError("INTERNAL", "energies of atoms are missing");
    return { energy: energies[atom] ?? Number.NaN, force: forces.subarray(3 * atom, 3 * atom + 3) };
  });
  return { energies: chosen.map(({ energy }) => energy), forces: concatenate(chosen.map(({ force }) => force)) };
}

/** The atoms within a radius of one, which comes first. */
function cutOut({ name, numbers, positions }: Structure, centre: number, radius: number): Structure {
  const away = (k: number, axis: number) => (positions[3 * k + axis] as number) - (positions[3 * centre + axis] as number);
  const near = [centre];
  for (let k = 0; k < numbers.length; k++)
    if (k !== centre && away(k, 0) ** 2 + away(k, 1) ** 2 + away(k, 2) ** 2 < radius ** 2) near.push(k);
  return {
    ...{ name: `${name}, around atom ${centre}`, cell: null, pbc: [false, false, false] },
    numbers: near.map((k) => numbers[k] as number),
    positions: Float64Array.from(near.flatMap((k) => [...positions.subarray(3 * k, 3 * k + 3)])),
  };
}
