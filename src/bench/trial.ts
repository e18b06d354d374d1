import { conditioned, type StructureMovement } from "../crosscheck/conditioning.ts";
import { largestOf, rms } from "../crosscheck/metrics.ts";
import { isFloat32, pairTolerances } from "../crosscheck/tolerances.ts";
import { PainnlessError } from "../errors.ts";
import { worse } from "../system/finite.ts";

/** What a side says of one input set, per structure: net energies (eV), and all forces (eV/Å). */
export interface Answer {
  readonly energies: readonly number[];
  readonly forces: Float64Array;
}

/** One way to evaluate the same inputs. */
export interface Contestant {
  readonly name: string;
  /** its side, e.g. "torch:cpu:f32": what its tolerance follows from */
  readonly side: string;
  evaluate(set: number): Promise<Answer>;
  /** Seconds of each of `count` evaluations of one input set; one more, not timed, goes before. */
  time(set: number, count: number): Promise<readonly number[]>;
}

export interface Accuracy {
  /** eV/Å, and what was allowed */
  readonly forces: number;
  readonly tolerance: number;
  /** eV/atom */
  readonly energyPerAtom: number;
}

export interface Inputs {
  /** whose answers are right, "torch:cpu:f64" */
  readonly judge: string;
  readonly sets: number;
  /** atoms of each structure of the batch */
  readonly atoms: readonly number[];
  readonly cutoff: number;
  /** of each structure of a set, where float32 is beyond its usual bound: could anybody's forces be within it (conditioning.ts) */
  movement(set: number): Promise<readonly StructureMovement[]>;
}

/** How far a contestant is from the judge on every input set. @param allowance eV/Å, and eV/atom, where it need not be as exact as its side
 *  @throws {PainnlessError} NOT_FINITE if it is further than rounding explains: a wrong answer is not timed */
export async function verify(
  contestant: Contestant,
  judged: readonly Answer[],
  inputs: Inputs,
  allowance: ((largestForce: number) => number) | null = null,
): Promise<Accuracy> {
  let worst = { forces: 0, tolerance: 0, energyPerAtom: 0 };
  const atoms = inputs.atoms.reduce((sum, n) => sum + n, 0);
  for (const [set, judge] of judged.entries()) {
    const answer = await contestant.evaluate(set);
    if (answer.forces.length !== 3 * atoms || answer.energies.length !== inputs.atoms.length)
      throw wrong(contestant, `gave ${answer.forces.length} force components, expected ${3 * atoms}`);
    const energy = largestOf(answer.energies.map((e, i) => (e - (judge.energies[i] as number)) / (inputs.atoms[i] as number)));
    const errors = Array.from(answer.forces, (f, k) => f - (judge.forces[k] as number));
    const forces = largestOf(errors);
    const perAtom = largestOf(judge.energies.map((e, i) => e / (inputs.atoms[i] as number)));
    const scale = {
      atoms: Math.max(...inputs.atoms),
      perAtom,
      largestForce: largestOf(judge.forces),
      virialPerAtom: 0,
      volume: 0,
      cutoff: inputs.cutoff,
    };
    const coarse = allowance?.(scale.largestForce);
    const rounding = pairTolerances(contestant.side, "torch:cpu:f64", scale);
    const allowed = coarse === undefined ? rounding : { forces: coarse, energy: coarse };
    let tolerance = allowed.forces;
    if (forces > tolerance && coarse === undefined && isFloat32(contestant.side)) {
      let end = 0;
      for (const [k, { components, ...movement }] of (await inputs.movement(set)).entries()) {
        const begin = end;
        end += components;
        const of = errors.slice(begin, end);
        const [furthest, spread] = [largestOf(of), rms(of)];
        if (furthest <= allowed.forces) continue;
        const most = conditioned(movement, largestOf(judge.forces.subarray(begin, end)));
        if (!(furthest <= most.largest && spread <= most.rms))
          throw wrong(
            contestant,
            `forces of structure ${k} are ${furthest} eV/Å from ${inputs.judge}, rms ${spread}; allowed is ${allowed.forces}, or ${most.largest}, rms ${most.rms}`,
          );
        tolerance = worse(tolerance, most.largest);
      }
    }
    if (!(forces <= tolerance)) throw wrong(contestant, `forces are ${forces} eV/Å from ${inputs.judge}, allowed is ${tolerance}`);
    if (!(energy <= allowed.energy))
      throw wrong(contestant, `energies are ${energy} eV/atom from ${inputs.judge}, allowed is ${allowed.energy}`);
    if (set === 0 || forces > worst.forces) worst = { ...worst, forces, tolerance };
    worst = { ...worst, energyPerAtom: Math.max(worst.energyPerAtom, energy) };
  }
  if (judged.length === 0) throw wrong(contestant, "there is no input to verify it on");
  return worst;
}

const wrong = ({ name }: Contestant, what: string) => new PainnlessError("NOT_FINITE", `${name} is not timed: its ${what}`);

export interface Schedule {
  /** seconds to spend on all contestants together, about */
  readonly seconds: number;
  readonly minimumRounds: number;
  /** seconds that a contestant's turn should last at least */
  readonly turn: number;
  readonly sets: number;
  /** of a turn; as many as last so long, where it is left out */
  readonly evaluations?: number | null;
  /** the clock, seconds */
  readonly now: () => number;
}

/** Seconds of every contestant by round. Each round times all of them on one input set, in an order that rotates, so that what the machine
 *  does meanwhile (clocks, caches, neighbours) meets all alike. */
export async function interleave(contestants: readonly Contestant[], schedule: Schedule): Promise<number[][][]> {
  const { seconds, minimumRounds, turn, sets, now, evaluations = null } = schedule;
  // Warm up: the first turn of each, thrown away, also says how many evaluations fill a turn.
  const counts: number[] = [];
  for (const contestant of contestants) {
    const first = Math.min(...(await contestant.time(0, 2)));
    counts.push(evaluations ?? Math.max(1, Math.min(1000, Math.ceil(turn / Math.max(first, 1e-9)))));
  }
  const times: number[][][] = contestants.map(() => []);
  const start = now();
  for (let round = 0; round < minimumRounds || now() - start < seconds; round++) {
    for (let k = 0; k < contestants.length; k++) {
      const i = (k + round) % contestants.length;
      const measured = await (contestants[i] as Contestant).time(round % sets, counts[i] as number);
      (times[i] as number[][]).push([...measured]);
    }
  }
  return times;
}
