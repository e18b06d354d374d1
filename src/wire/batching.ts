import type { Intake, Property } from "../system/potential.ts";
import type { Structure } from "../system/structure.ts";

/** One request that waits, whole or in part. */
export interface Job {
  readonly want: readonly Property[];
  readonly structures: readonly Structure[];
}

/** A run of one job's structures, computed in one call of the engine together with those of others. */
export interface Slice<J extends Job> {
  readonly job: J;
  /** which of them is the first */
  readonly first: number;
  readonly structures: readonly Structure[];
}

/** Of what does not say: atoms enough to keep every core busy, few enough that a newcomer does not wait long. */
export const usualIntake: Intake = { atoms: 2_048, calls: 1 };

/** A job, and how many of its structures have been handed out. */
interface Begun<J extends Job> {
  readonly job: J;
  begun: number;
}

/** Who is next. Owners (clients) take turns and wait in a ring; what fits beside the first is computed with it, so that nobody waits longer
 *  than one call of the engine for each owner before him. A large request is worked on in slices, between which others have their turn. */
export class Schedule<O extends object, J extends Job> {
  /** owners that wait, next first; the jobs of each, oldest first */
  readonly #waiting = new Map<O, Begun<J>[]>();
  readonly #paused = new Set<O>();
  readonly #atoms: number;

  /** @param atoms of one call. A structure that has more is computed whole, and takes so many of others along, who would otherwise wait for it and
   *  then for the next like it */
  constructor(atoms: number) {
    this.#atoms = atoms;
  }

  add(owner: O, job: J): void {
    const jobs = this.#waiting.get(owner);
    if (jobs === undefined) this.#waiting.set(owner, [{ job, begun: 0 }]);
    else jobs.push({ job, begun: 0 });
  }

  /** Forgets what waits of the job; what is being computed of it is computed for nobody. */
  remove(owner: O, job: J): void {
    const jobs = this.#waiting.get(owner);
    const at = jobs?.findIndex((waiting) => waiting.job === job) ?? -1;
    if (jobs === undefined || at < 0) return;
    jobs.splice(at, 1);
    if (jobs.length === 0) this.#waiting.delete(owner);
  }

  /** Leaves out an owner, whose jobs keep their places, or takes him in again. */
  pause(owner: O, paused: boolean): void {
    if (paused) this.#paused.add(owner);
    else this.#paused.delete(owner);
  }

  /** Is there something to compute next. */
  get isWaiting(): boolean {
    for (const owner of this.#waiting.keys()) if (!this.#paused.has(owner)) return true;
    return false;
  }

  /** What to compute next, all with the same `want`: slices of jobs, whose rest stays here. Empty when nobody waits. */
  next(): Slice<J>[] {
    const slices: Slice<J>[] = [];
    const served: O[] = [];
    let want: string | null = null;
    let room = this.#atoms;
    for (const [owner, jobs] of this.#waiting) {
      if (this.#paused.has(owner)) continue;
      for (const waiting of jobs) {
        const { job, begun: first } = waiting;
        const wanted = wantKey(job);
        want ??= wanted;
        if (wanted !== want) break;
        const structures = takeUpTo(room, waiting, slices.length === 0);
        if (structures.length === 0) break;
        slices.push({ job, first, structures });
        waiting.begun += structures.length;
        if (served.at(-1) !== owner) served.push(owner);
        const atoms = structures.reduce((sum, { numbers }) => sum + numbers.length, 0);
        if (atoms <= this.#atoms) room -= atoms;
        if (isLeft(waiting)) break;
      }
      if (room <= 0) break;
    }
    for (const owner of served) this.#toBack(owner);
    return slices;
  }

  /** With what is left of his. */
  #toBack(owner: O): void {
    const jobs = this.#waiting.get(owner)?.filter(isLeft) ?? [];
    this.#waiting.delete(owner);
    if (jobs.length > 0) this.#waiting.set(owner, jobs);
  }
}

/** The next structures of a job that fit; at least one if it `must` be so. */
function takeUpTo(room: number, { job, begun: first }: Begun<Job>, must: boolean): readonly Structure[] {
  let end = first;
  for (let left = room; end < job.structures.length; end++) {
    left -= job.structures[end]?.numbers.length ?? 0;
    if (left < 0 && !(must && end === first)) break;
  }
  return first === 0 && end === job.structures.length ? job.structures : job.structures.slice(first, end);
}

const isLeft = ({ job, begun }: Begun<Job>): boolean => begun < job.structures.length;

const wantKey = ({ want }: Job): string => (want.length === 1 ? (want[0] ?? "") : [...want].sort().join());
