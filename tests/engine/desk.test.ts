import { beforeEach, expect, test } from "vitest";
import { loadAddon } from "../../src/engine/addon.ts";
import { packBatch } from "../../src/engine/batch.ts";
import { fromNative } from "../../src/engine/native-error.ts";
import type { Structure } from "../../src/system/structure.ts";

// How evaluations that wait at an engine with halves follow each other; what one computes is tested elsewhere.

const addon = loadAddon("faulty");
const want = { forces: false, stress: false };
beforeEach(() => void addon.hollowNotes());

const asked = (name: number, { ms = 0, refused = false, hasHalves = true } = {}) =>
  packBatch([
    {
      name: `${name}`,
      numbers: [1],
      positions: Float64Array.of(ms, refused ? 1 : hasHalves ? 0 : 2, name),
      cell: null,
      pbc: [false, false, false],
    },
  ]);

/** Of more atoms than are known to be short; 100 ms. */
const many: Structure = {
  name: "many",
  numbers: [1, 1],
  positions: Float64Array.of(100, 0, 9, 0, 0, 0),
  cell: null,
  pbc: [false, false, false],
};

function open() {
  const engine = addon.createHollowEngine();
  const told = (batch: ReturnType<typeof asked>) =>
    engine.evaluate(batch, want).then(
      ({ netEnergy }) => netEnergy[0],
      (cause: unknown) => fromNative(cause).code,
    );
  /** Behind something else, so that all of them wait when the first is begun. */
  const stream = async (...batches: ReturnType<typeof asked>[]) => {
    const before = engine.time(asked(0), want, 1);
    const answers = batches.map(told);
    await before;
    return answers;
  };
  return { engine, told, stream };
}
/** Without those of 0, which is only to be waited for. */
const notes = () => addon.hollowNotes().filter((note) => !note.endsWith(" 0"));
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

test("each is begun before the one before is ended, and ended before the next but one is begun", async () => {
  const { stream } = open();
  const answers = await stream(asked(1, { ms: 2 }), asked(2), asked(3, { ms: 2 }), asked(4));
  expect(await Promise.all(answers)).toEqual([1, 2, 3, 4]);
  expect(notes()).toEqual(["begin 1", "begin 2", "end 1", "begin 3", "end 2", "begin 4", "end 3", "end 4"]);
});

test("one that comes while another is computed is begun at once", async () => {
  const { told } = open();
  const answers = [told(asked(1, { ms: 100 }))];
  await sleep(20);
  answers.push(told(asked(2)));
  await sleep(20);
  expect(notes()).toEqual(["begin 1", "begin 2"]);
  answers.push(told(asked(3)));
  expect(await Promise.all(answers)).toEqual([1, 2, 3]);
  expect(notes()).toEqual(["end 1", "begin 3", "end 2", "end 3"]);
});

test("one that is refused, or has no halves, has its turn alone, and nobody else hears of it", async () => {
  const { engine, stream } = open();
  const answers = await stream(asked(1), asked(2, { refused: true }), asked(3), asked(4, { hasHalves: false }), asked(5), asked(6));
  const other = engine.time(asked(7), want, 1);
  expect(await Promise.all(answers)).toEqual([1, "BAD_STRUCTURE", 3, 4, 5, 6]);
  await other;
  expect(notes()).toEqual([
    ...["begin 1", "begin 2", "end 1", "begin 2"],
    ...["begin 3", "begin 4", "end 3", "begin 4", "evaluate 4"],
    ...["begin 5", "begin 6", "end 5", "end 6", "evaluate 7"],
  ]);
});

test("short ones behind a short one come back together, but do not wait for a long one", async () => {
  const { told, stream } = open();
  await told(asked(0)); // so that one atom is known to be short
  const count = 200;
  const answers = await stream(...Array.from({ length: count }, (_, k) => asked(k + 1)));
  const turns = new Set<number>(); // of the event loop, in which answers came
  let now = 0;
  let left = count;
  const turn = () => {
    now++;
    if (left > 0) setImmediate(turn);
  };
  turn();
  for (const answer of answers)
    void answer.then(() => {
      turns.add(now);
      left--;
    });
  expect(await Promise.all(answers)).toEqual(Array.from({ length: count }, (_, k) => k + 1));
  expect(turns.size).toBeLessThan(count / 2);
  const [short, long] = await stream(asked(1), packBatch([many]));
  const start = performance.now();
  await short;
  expect(performance.now() - start).toBeLessThan(50);
  await long;
});

test("closed: what runs and what has been begun is answered, what waits is told", async () => {
  const { engine, stream, told } = open();
  const answers = await stream(asked(1, { ms: 300 }), asked(2), asked(3), asked(4));
  await sleep(100); // the second is begun meanwhile, also where the cores are busy
  engine.close();
  expect(await Promise.all(answers)).toEqual([1, 2, "CANCELLED", "CANCELLED"]);
  expect(notes()).toEqual(["begin 1", "begin 2", "end 1", "end 2"]);
  expect(() => told(asked(5))).toThrow("closed");
});
