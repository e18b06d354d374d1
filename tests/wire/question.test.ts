import fc from "fast-check";
import { pack } from "msgpackr";
import { expect, test } from "vitest";
import type { Structure } from "../../src/system/structure.ts";
import { decodeEvaluate, encodeEvaluate } from "../../src/wire/batch.ts";
import { decodeMessage } from "../../src/wire/codec.ts";
import { Question } from "../../src/wire/question.ts";
import { withDealer, withServer } from "./in-process.ts";

const uint32 = fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000));
const coordinate = fc.double({ noDefaultInfinity: false });

const sample = (atoms: number): Structure => ({
  name: "some \xa2id of atoms",
  numbers: Array.from({ length: atoms }, (_, k) => [1, 6, 8][k % 3] as number),
  positions: Float64Array.from({ length: 3 * atoms }, (_, k) => Math.sin(k)),
  cell: Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 9),
  pbc: [true, false, true],
});
/** the header holds all; a frame for the positions; one for the numbers as well */
const sizes = [3, 3_000, 17_000] as const;

function read(frames: readonly Uint8Array[]) {
  const decoded = decodeMessage(frames);
  if (!decoded.is("evaluate")) throw new Error(decoded.message.kind);
  return { decoded, structures: decodeEvaluate(decoded) };
}

const framesOf = (structure: Structure, epoch: number, id: number): Buffer[] =>
  encodeEvaluate({ epoch, id }, [structure], ["energy", "forces"]).map((frame) => Buffer.from(frame));

/** As Python writes it: a map that says its length in its first byte. */
function shortened([header, ...arrays]: readonly Buffer[]): Buffer[] {
  expect(header?.subarray(0, 3)).toEqual(Buffer.from("de000a", "hex"));
  return [Buffer.concat([Buffer.of(0x8a), (header as Buffer).subarray(3)]), ...arrays];
}

function questionOf(frames: readonly Buffer[]): Question {
  const { decoded, structures } = read(frames);
  const question = Question.of(frames, decoded, structures, 1000);
  if (question === null) throw new Error("not recognised");
  return question;
}

/** What is recognised is what reading it anew says. */
function expectAsRead(question: Question, frames: readonly Buffer[]): boolean {
  const repeat = question.repeated(frames);
  if (repeat === null) return false;
  const { decoded, structures } = read(frames);
  const { epoch, id, want } = decoded.message;
  expect(repeat).toEqual({ epoch, id, want, structure: structures[0] });
  return true;
}

test.each(sizes)("a question of %s atoms is recognised with other positions under another id, from either client", (atoms) => {
  fc.assert(
    fc.property(uint32, uint32, uint32, coordinate, fc.nat(3 * atoms - 1), fc.boolean(), (epoch, first, second, x, at, isPython) => {
      const written = isPython ? shortened : (frames: Buffer[]) => frames;
      const structure = sample(atoms);
      const question = questionOf(written(framesOf(structure, epoch, first)));
      const moved = { ...structure, positions: structure.positions.with(at, x) };
      expect(expectAsRead(question, written(framesOf(moved, epoch, second)))).toBe(true);
    }),
    { numRuns: atoms > 1000 ? 4 : 200, seed: 1 },
  );
});

test("any other bytes are not taken for it, unless to read them says the same", () => {
  const frames = shortened(framesOf(sample(3), 4_000_000_000, 300));
  const header = frames[0] as Buffer;
  const question = questionOf(frames);
  const recognised = new Set<number>();
  for (let k = 0; k < header.length; k++)
    for (const by of [1, 0x80, 0xff]) {
      const altered = Buffer.from(header);
      altered[k] = (altered[k] as number) ^ by;
      if (expectAsRead(question, [altered])) recognised.add(k);
    }
  expect(recognised.size).toBe(2 + 8 * 9); // an id of two bytes, nine coordinates
  for (const other of [[], [header.subarray(0, -1)], [header.subarray(0, 20)], [Buffer.concat([header, Buffer.of(0)])], [header, header]])
    expect(question.repeated(other)).toBeNull();
});

test.each(sizes)("another element, cell, name, number of atoms or wish is another question, of %s atoms", (atoms) => {
  const structure = sample(atoms);
  const question = questionOf(framesOf(structure, 1, 2));
  const others = [
    framesOf({ ...structure, numbers: structure.numbers.with(-1, 7) }, 1, 3),
    framesOf({ ...structure, cell: Float64Array.of(9, 0, 0, 0, 9, 0, 0, 0, 8) }, 1, 3),
    framesOf({ ...structure, pbc: [true, true, true] }, 1, 3),
    framesOf({ ...structure, name: "other \xa2id of atoms" }, 1, 3),
    framesOf(sample(atoms + 1), 1, 3),
    framesOf(structure, 2, 3),
    encodeEvaluate({ epoch: 1, id: 3 }, [structure], ["energy", "stress"]).map((frame) => Buffer.from(frame)),
    encodeEvaluate({ epoch: 1, id: 3 }, [structure, structure], ["energy", "forces"]).map((frame) => Buffer.from(frame)),
  ];
  for (const frames of others) expect(question.repeated(frames)).toBeNull();
});

test("what does not begin as ours do, holds several structures or is very large is not remembered", () => {
  const reordered = (structure: Structure) => {
    const { decoded } = read(framesOf(structure, 1, 2));
    const { id, ...rest } = decoded.message;
    return [Buffer.from(pack({ ...rest, id }))];
  };
  const frames = reordered(sample(3));
  const { decoded, structures } = read(frames);
  expect(Question.of(frames, decoded, structures, 1000)).toBeNull();
  const usual = framesOf(sample(3), 1, 2);
  const known = read(usual);
  expect(Question.of(usual, known.decoded, [...known.structures, ...known.structures], 1000)).toBeNull();
  expect(Question.of(usual, known.decoded, known.structures, 2 ** 20 + 1)).toBeNull();
});

test("a server answers the same question of other positions as it answers a new one, and refuses the same", () =>
  withServer({}, ({ endpoint }) =>
    withDealer(endpoint, (often) =>
      withDealer(endpoint, async (anew) => {
        let id = 0;
        const ask = async (dealer: typeof often, name: string, x: number) => {
          const structure = { ...sample(4), name, positions: sample(4).positions.with(0, 0.01).with(5, x) };
          await dealer.send(framesOf(structure, 1, id));
          return decodeMessage(await dealer.receive()).message;
        };
        for (const x of [0, 0.5, Number.NaN, 0.25, 2e6, -1]) {
          id++;
          const answer = await ask(often, "s", x);
          expect(answer.kind).toBe(Math.abs(x) <= 1 ? "result" : "error");
          if (answer.kind === "error") expect(answer).toMatchObject({ id, code: "BAD_STRUCTURE", field: "positions" });
          await ask(anew, "other", 0); // so that the next is no repetition
          expect(answer).toEqual(await ask(anew, "s", x));
        }
      }),
    ),
  ));
