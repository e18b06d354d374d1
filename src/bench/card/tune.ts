import type { CudaEngine } from "../../engine/cuda.ts";
import type { Tuning } from "../../engine/tuning.ts";
import type { TuningFile } from "../../engine/tuning-file.ts";
import { PainnlessError } from "../../errors.ts";
import type { Structure } from "../../system/structure.ts";
import { ratioOf, timingOf } from "../statistics.ts";
import { type Contestant, interleave, type Schedule } from "../trial.ts";
import { assertInRange } from "./range.ts";
import { type Bound, bounds, type Choice, choices } from "./tune-settings.ts";

/** The search of `painnless tune`: which of the ways that lead to one result is the faster one, at which size. */

/** What a setting must win by, whatever the spread: engines of one configuration differ by less (docs/usage.md, --compare). */
const least = 1.02;

type Trial = TuningFile["trials"][number];

/** Is the one side faster than the other by more than both spread: a change needs that, and no median alone. */
export function verdictOf({ value, low, high }: Trial["ratio"]): Trial["verdict"] {
  if (low > 1 && value > least) return "faster";
  if (high < 1 && value < 1 / least) return "slower";
  return "even";
}

/** The bound, moved from where it is as far as each step on the way is won. @param compare the way below it against the way beyond, at a step */
export async function moveBound(
  bound: Bound,
  usual: number,
  compare: (step: Bound["steps"][number]) => Promise<Trial["verdict"]>,
): Promise<number> {
  const { steps, never } = bound;
  const start = steps.filter(({ value }) => value <= usual).length;
  let place = start;
  const verdictAt = async (k: number) => {
    const step = steps[k];
    return step === undefined ? "even" : compare(step);
  };
  while ((await verdictAt(place)) === "faster") place++;
  if (place === start) while ((await verdictAt(place - 1)) === "slower") place--;
  return place === start ? usual : (steps[place - 1]?.value ?? never);
}

export interface TuneRun {
  advance(steps: number): Promise<number>;
  state(): Float64Array;
  close(): Promise<void>;
}

export interface TuneOptions {
  /** An engine with such settings, and the rest as it comes. */
  open(tuning: Tuning): Promise<CudaEngine>;
  structures(atoms: number, structures: number): readonly Structure[];
  /** what is right, and whether an answer is as near as its precision is. @throws {PainnlessError} NOT_FINITE */
  verify(engine: CudaEngine, batch: readonly Structure[]): Promise<void>;
  /** A run whose seconds are asked for; `still`: of steps so short that it may go on for long, else of such as a few show what forces are. */
  openRun(engine: CudaEngine, structure: Structure, still: boolean): Promise<TuneRun>;
  readonly schedule: Schedule;
  readonly multiprocessors: number;
  /** seconds after which what is left keeps its usual value */
  readonly limit: number;
  readonly progress: (stage: string, done: number, total: number) => void;
}

export type Tuned = Pick<TuningFile, "usual" | "tuning" | "trials" | "leftOut">;

const want = ["energy", "forces"] as const;

/** All settings one after the other, each with those found before. @throws {PainnlessError} NOT_FINITE if a way is wrong, or not the same twice */
export async function tune(options: TuneOptions): Promise<Tuned> {
  const { open, progress, limit, schedule } = options;
  const began = schedule.now();
  progress("kernels", 0, 1);
  const usual = await withEngines([open({})], async ([engine]) => (engine as CudaEngine).plan(1, 0).tuning);
  const tile = await withEngines([open({ residentAtoms: 0 })], async ([engine]) => (engine as CudaEngine).plan(1, 0).tile);
  const found: { tuning: Tuning; trials: Trial[]; leftOut: string[] } = { tuning: {}, trials: [], leftOut: [] };
  const all = bounds(tile, options.multiprocessors);
  const total = all.length + choices.length;
  const late = () => schedule.now() - began > limit;
  for (const [k, bound] of all.entries()) {
    if (late()) found.leftOut.push(bound.name);
    else {
      progress(bound.name, k, total);
      let left = false;
      const value = await withEngines(
        [bound.always, bound.never].map((setting) => open({ ...found.tuning, ...bound.beside, [bound.name]: setting })),
        (engines) =>
          moveBound(bound, usual[bound.name], async (step) => {
            left = late();
            if (left) return "even";
            progress(`${bound.name}, ${step.atoms} atoms`, k, total);
            const trial = await compareAt(bound, step.atoms, engines as [CudaEngine, CudaEngine], options);
            if (trial !== null) found.trials.push(trial);
            return trial?.verdict ?? "even";
          }),
      );
      if (value !== usual[bound.name]) found.tuning[bound.name] = value;
      if (left) found.leftOut.push(bound.name);
    }
  }
  for (const [k, choice] of choices.entries()) {
    progress(choice.name, all.length + k, total);
    if (late()) found.leftOut.push(choice.name);
    else {
      const value = await choose(choice, usual[choice.name], found, options);
      if (value !== usual[choice.name]) found.tuning[choice.name] = value;
    }
  }
  return { usual, ...found };
}

async function withEngines<Result>(
  opening: readonly Promise<CudaEngine>[],
  work: (engines: CudaEngine[]) => Promise<Result>,
): Promise<Result> {
  const engines = await Promise.all(opening);
  try {
    return await work(engines);
  } finally {
    await Promise.all(engines.map((engine) => engine.close()));
  }
}

/** Null where both ways are one: this model, or this card, has no other (nothing can be spread over a cluster, say). */
async function compareAt(
  bound: Bound,
  atoms: number,
  [always, never]: [CudaEngine, CudaEngine],
  options: TuneOptions,
): Promise<Trial | null> {
  const batch = options.structures(atoms, 1);
  if ((await launchesOf(always, batch)) === (await launchesOf(never, batch))) return null;
  for (const engine of [always, never]) {
    await options.verify(engine, batch);
    await assertRepeats(engine, batch);
  }
  const contestant = (engine: CudaEngine): Contestant => ({
    ...{ name: engine.name, side: engine.name, evaluate: () => Promise.reject(new PainnlessError("INTERNAL", "has been verified")) },
    async time(_set, count) {
      const { network, search } = await engine.seconds(batch, want, count);
      return [network + search];
    },
  });
  const [mine = [], theirs = []] = await interleave([contestant(always), contestant(never)], options.schedule);
  return trialOf({ setting: bound.name, value: bound.always, against: bound.never, atoms, structures: 1 }, mine, theirs);
}

async function launchesOf(engine: CudaEngine, batch: readonly Structure[]): Promise<string> {
  const { launches } = await engine.profile(batch, want, 1);
  return launches
    .map(({ kernel, blocks, cluster, threads, sharedBytes }) => [kernel, blocks, cluster, threads, sharedBytes].join(" "))
    .join("\n");
}

function trialOf(
  about: Pick<Trial, "setting" | "value" | "against" | "atoms" | "structures">,
  mine: number[][],
  theirs: number[][],
): Trial {
  const ratio = ratioOf(theirs, mine);
  return { ...about, with: timingOf(mine.flat()), without: timingOf(theirs.flat()), ratio, verdict: verdictOf(ratio) };
}

const bitsOf = async (engine: CudaEngine, batch: readonly Structure[]): Promise<number[]> =>
  (await engine.evaluate(batch, want)).flatMap(({ netEnergy, forces }) => [netEnergy, ...(forces ?? [])]);

/** Twice the same bits, both times this engine's own. @throws {PainnlessError} NOT_FINITE, UNSUPPORTED */
async function assertRepeats(engine: CudaEngine, batch: readonly Structure[]): Promise<void> {
  assertSame(engine, await bitsOf(engine, batch), await bitsOf(engine, batch), "the second time");
  await assertInRange(engine);
}

function assertSame({ name }: CudaEngine, one: ArrayLike<number>, other: ArrayLike<number>, when: string): void {
  const at = Array.from(one).findIndex((x, k) => !Object.is(x, other[k]));
  if (at >= 0 || one.length !== other.length || one.length === 0)
    throw new PainnlessError("NOT_FINITE", `${name} is not tuned: number ${at} of ${one.length} is ${one[at]}, and ${other[at]} ${when}`);
}

/** What a choice is timed by: a run of dynamics, or whole sets from positions to forces. */
interface Subject {
  bits(): Promise<ArrayLike<number>>;
  seconds(count: number): Promise<readonly number[]>;
  close(): Promise<void>;
}

/** steps after which runs must stand at the same bits */
const comparedSteps = 64;

async function subjectOf(choice: Choice, engine: CudaEngine, batch: readonly Structure[], options: TuneOptions): Promise<Subject> {
  if (choice.name !== "chunkSteps")
    return {
      bits: () => bitsOf(engine, batch),
      seconds: async (count) => [...(await engine.time(batch, want, count + 1))].slice(1),
      close: async () => undefined,
    };
  const run = await options.openRun(engine, batch[0] as Structure, true);
  return {
    async bits() {
      const moving = await options.openRun(engine, batch[0] as Structure, false);
      try {
        await moving.advance(comparedSteps);
        return moving.state();
      } finally {
        await moving.close();
      }
    },
    seconds: async (count) => [(await run.advance(count)) / count],
    close: () => run.close(),
  };
}

/** The fastest of the values that are faster than what is usual; all must give its bits, which are verified. */
async function choose(
  choice: Choice,
  usual: number,
  found: { readonly tuning: Tuning; readonly trials: Trial[] },
  options: TuneOptions,
): Promise<number> {
  const { name, atoms, structures, evaluations } = choice;
  const batch = options.structures(atoms, structures);
  const values = [usual, ...choice.values.filter((value) => value !== usual)];
  return withEngines(
    values.map((value) => options.open({ ...found.tuning, [name]: value })),
    async (engines) => {
      const [first] = engines as [CudaEngine];
      await options.verify(first, batch);
      const subjects = await Promise.all(engines.map((engine) => subjectOf(choice, engine, batch, options)));
      try {
        const [right, ...others] = (await inTurn(subjects, (subject) => subject.bits())) as [ArrayLike<number>, ...ArrayLike<number>[]];
        for (const [k, other] of others.entries()) assertSame(first, right, other, `with ${name} ${values[k + 1]}`);
        const contestants = subjects.map((subject): Contestant => {
          const evaluate = () => Promise.reject(new PainnlessError("INTERNAL", "it has been verified"));
          return { name: first.name, side: first.name, evaluate, time: (_set, count) => subject.seconds(count) };
        });
        const [base = [], ...times] = await interleave(contestants, {
          ...options.schedule,
          evaluations: evaluations ?? options.schedule.evaluations ?? null,
        });
        const trials = times.map((mine, k) =>
          trialOf({ setting: name, value: values[k + 1] as number, against: usual, atoms, structures }, mine, base),
        );
        found.trials.push(...trials);
        const better = trials.filter(({ verdict }) => verdict === "faster").sort((a, b) => a.with.medianMs - b.with.medianMs);
        return better[0]?.value ?? usual;
      } finally {
        await Promise.all(subjects.map((subject) => subject.close()));
      }
    },
  );
}

async function inTurn<T, Result>(all: readonly T[], work: (one: T) => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  for (const one of all) results.push(await work(one));
  return results;
}
