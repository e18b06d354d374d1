import { describe, expect, test } from "vitest";
import type { Property } from "../../src/system/potential.ts";
import { type Job, Schedule, type Slice } from "../../src/wire/batching.ts";

interface Named extends Job {
  readonly name: string;
}

const atomsAtOnce = 500;

/** A job of structures with so many atoms each. */
const job = (name: string, atoms: readonly number[], want: readonly Property[] = ["energy", "forces"]): Named => ({
  name,
  want,
  structures: atoms.map((n) => ({
    name,
    numbers: new Array<number>(n).fill(1),
    positions: new Float64Array(3 * n),
    cell: null,
    pbc: [false, false, false],
  })),
});

const owner = (name: string) => ({ name });
const told = (slices: readonly Slice<Named>[]) => slices.map(({ job, structures }) => `${job.name} ${structures.length}`);

/** Calls of the engine until nobody waits; of each job every structure once, in order. */
function runAll(schedule: Schedule<object, Named>): string[][] {
  const calls: string[][] = [];
  const done = new Map<Named, number>();
  while (schedule.isWaiting) {
    const slices = schedule.next();
    calls.push(told(slices));
    for (const { job, first, structures } of slices) {
      expect(first).toBe(done.get(job) ?? 0);
      done.set(job, first + structures.length);
    }
    expect(calls.length).toBeLessThan(100);
  }
  for (const [{ structures }, count] of done) expect(count).toBe(structures.length);
  return calls;
}

const big = 10 * atomsAtOnce;

// [what, owner letter + number -> atoms of its structures, in order of arrival; the calls of the engine]
const rows: readonly (readonly [string, readonly (readonly [string, readonly number[]])[], string[][]])[] = [
  ["nobody", [], []],
  [
    "what waits goes together",
    [
      ["a1", [9]],
      ["b1", [9, 9]],
      ["a2", [9]],
    ],
    [["a1 1", "a2 1", "b1 2"]],
  ],
  [
    "a batch ends where it is full, and the next begins with who has waited",
    [
      ["a1", [atomsAtOnce - 5]],
      ["a2", [9]],
      ["b1", [6]],
      ["c1", [5]],
    ],
    [
      ["a1 1", "c1 1"],
      ["b1 1", "a2 1"],
    ],
  ],
  [
    "a large structure takes small ones along, so that nobody waits for two of them",
    [
      ["a1", [big]],
      ["b1", [big]],
      ["c1", [9]],
    ],
    [["a1 1", "c1 1"], ["b1 1"]],
  ],
  [
    "one with large requests and one with small ones take turns",
    [
      ["a1", [big]],
      ["a2", [big]],
      ["a3", [big]],
      ["b1", [9]],
      ["b2", [9]],
    ],
    [["a1 1", "b1 1", "b2 1"], ["a2 1"], ["a3 1"]],
  ],
  [
    "a request of many structures is cut, and others come between",
    [
      ["a1", new Array(5).fill(atomsAtOnce / 2)],
      ["b1", [atomsAtOnce / 2]],
      ["b2", [atomsAtOnce / 2]],
    ],
    [["a1 2"], ["b1 1", "b2 1"], ["a1 2"], ["a1 1"]],
  ],
];

test.each(rows)("%s", (_, jobs, calls) => {
  const schedule = new Schedule<object, Named>(atomsAtOnce);
  const owners = new Map([...new Set(jobs.map(([name]) => name.slice(0, 1)))].map((name) => [name, owner(name)]));
  for (const [name, atoms] of jobs) schedule.add(owners.get(name.slice(0, 1)) ?? {}, job(name, atoms));
  expect(runAll(schedule)).toEqual(calls);
});

describe("a schedule", () => {
  const [a, b] = [owner("a"), owner("b")];

  test("puts different wishes in different calls, in any order of their words", () => {
    const schedule = new Schedule<object, Named>(atomsAtOnce);
    schedule.add(a, job("a1", [9], ["energy"]));
    schedule.add(b, job("b1", [9], ["forces", "energy"]));
    schedule.add(a, job("a2", [9], ["energy", "forces"]));
    expect(runAll(schedule)).toEqual([["a1 1"], ["b1 1", "a2 1"]]);
  });

  test("leaves out who is paused, and forgets what is removed", () => {
    const schedule = new Schedule<object, Named>(atomsAtOnce);
    const [first, second] = [job("a1", [9]), job("a2", [9])];
    schedule.add(a, first);
    schedule.add(a, second);
    schedule.pause(a, true);
    expect(schedule.isWaiting).toBe(false);
    expect(schedule.next()).toEqual([]);
    schedule.pause(a, false);
    schedule.remove(a, first);
    expect(told(schedule.next())).toEqual(["a2 1"]);
    expect(schedule.isWaiting).toBe(false);
    schedule.remove(a, second); // which is being computed
    expect(schedule.next()).toEqual([]);
  });

  test("hands out each structure once, though none of them has been computed, and forgets what is left of one that is removed", () => {
    const schedule = new Schedule<object, Named>(atomsAtOnce);
    const many = job("a1", new Array(5).fill(atomsAtOnce));
    schedule.add(a, many);
    schedule.add(b, job("b1", [9]));
    expect([1, 2, 3].map(() => schedule.next().map(({ job: { name }, first }) => `${name} ${first}`))).toEqual([
      ["a1 0"],
      ["b1 0"],
      ["a1 1"],
    ]);
    schedule.remove(a, many);
    expect(schedule.isWaiting).toBe(false);
  });

  test("a newcomer waits for one call at most, however many large requests were there before him", () => {
    const schedule = new Schedule<object, Named>(atomsAtOnce);
    const owners = new Map([..."abcdefgh"].map((name) => [name, owner(name)]));
    for (const [name, who] of owners) for (let k = 0; k < 5; k++) schedule.add(who, job(`${name}${k}`, [big]));
    for (let k = 0; k < 7; k++) schedule.next();
    const late = owner("z");
    schedule.add(late, job("z1", [9]));
    expect(told(schedule.next())).toContain("z1 1");
  });
});
