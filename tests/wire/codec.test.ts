import fc from "fast-check";
import { pack } from "msgpackr";
import { describe, expect, test } from "vitest";
import { PainnlessError } from "../../src/errors.ts";
import type { Evaluation } from "../../src/system/potential.ts";
import type { Structure } from "../../src/system/structure.ts";
import { decodeEvaluate, decodeResult, encodeEvaluate, encodeResult } from "../../src/wire/batch.ts";
import { ArrayWriter, addressOf, decodeMessage, encodeMessage } from "../../src/wire/codec.ts";

const anyFloat = fc.double({ noDefaultInfinity: false });
const floats = (length: number) => fc.array(anyFloat, { minLength: length, maxLength: length }).map((list) => Float64Array.from(list));

const structure: fc.Arbitrary<Structure> = fc.integer({ min: 1, max: 6 }).chain((n) =>
  fc.record({
    name: fc.string(),
    numbers: fc.array(fc.integer({ min: 1, max: 118 }), { minLength: n, maxLength: n }),
    positions: floats(3 * n),
    cell: fc.option(floats(9).filter((cell) => cell.some((x) => x !== 0))),
    pbc: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  }),
);
const batches = fc.array(structure, { minLength: 1, maxLength: 5 });

/** Evaluations of a batch: forces and energies for all or for none, stress for some. */
const evaluated = batches.chain((batch) =>
  fc
    .tuple(fc.boolean(), fc.boolean())
    .chain(([forces, energies]) =>
      fc.tuple(
        ...batch.map(({ numbers }) =>
          fc.record({
            energy: anyFloat,
            netEnergy: anyFloat,
            forces: forces ? floats(3 * numbers.length) : fc.constant(null),
            stress: fc.option(floats(6)),
            energies: energies ? floats(numbers.length) : fc.constant(null),
          }),
        ),
      ),
    )
    .map((evaluations: Evaluation[]) => ({ batch, evaluations })),
);

const address = fc.record({ epoch: fc.integer({ min: 0, max: 2 ** 32 - 1 }), id: fc.integer({ min: 0, max: 2 ** 32 - 1 }) });

/** As the network gives it: each frame a view at some offset of a larger buffer. */
function scattered(frames: readonly Uint8Array[], offset: number): Uint8Array[] {
  return frames.map((frame) => {
    const larger = new Uint8Array(frame.byteLength + offset + 3);
    larger.set(frame, offset);
    return larger.subarray(offset, offset + frame.byteLength);
  });
}

describe("what is written is read", () => {
  test("structures, at any alignment", () => {
    fc.assert(
      fc.property(batches, address, fc.integer({ min: 0, max: 9 }), (batch, at, offset) => {
        const decoded = decodeMessage(scattered(encodeEvaluate(at, batch, ["energy", "stress"]), offset));
        if (!decoded.is("evaluate")) throw new Error(decoded.message.kind);
        expect(decoded.message).toMatchObject({ ...at, want: ["energy", "stress"] });
        expect(decodeEvaluate(decoded)).toEqual(batch);
      }),
      { numRuns: 150, seed: 1 },
    );
  });

  test("evaluations, NaN and infinity included", () => {
    fc.assert(
      fc.property(evaluated, address, ({ batch, evaluations }, at) => {
        const decoded = decodeMessage(encodeResult(at, evaluations));
        if (!decoded.is("result")) throw new Error(decoded.message.kind);
        expect(decodeResult(decoded, batch)).toEqual(evaluations);
      }),
      { numRuns: 150, seed: 2 },
    );
  });

  test.each([0, 1, 3, 32, 2_800, 9_000])(
    "the answer to one structure of %s atoms is written byte for byte as msgpackr writes it",
    (atoms) => {
      const array = (length: number) => Float64Array.from({ length }, (_, k) => Math.sin(k));
      for (const id of [0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000, 2 ** 32 - 1])
        for (const forces of [null, array(3 * atoms)])
          for (const stress of [null, array(6)])
            for (const energies of [null, array(atoms)]) {
              const writer = new ArrayWriter();
              const message = encodeMessage(
                {
                  ...{ kind: "result", epoch: 2 ** 32 - 1 - id, id },
                  ...{ energy: writer.add(Float64Array.of(-1.5)), net: writer.add(Float64Array.of(Number.NaN)) },
                  ...{ forces: forces && writer.add(forces), stress: stress && writer.add(stress), stressed: stress ? [0] : [] },
                  energies: energies && writer.add(energies),
                },
                writer.frames,
              );
              const evaluation = { energy: -1.5, netEnergy: Number.NaN, forces, stress, energies };
              const written = encodeResult({ epoch: 2 ** 32 - 1 - id, id }, [evaluation]);
              expect(written.map((frame) => frame.byteLength)).toEqual(message.map((frame) => frame.byteLength));
              expect(Buffer.concat(written).equals(Buffer.concat(message))).toBe(true);
            }
    },
  );

  test("a large array has a frame of its own, and is read without a copy where it lies as its type may", () => {
    const batch = [large()];
    const frames = encodeEvaluate({ epoch: 1, id: 2 }, batch, ["energy"]);
    expect(frames.map((frame) => frame.byteLength > 1 << 16)).toEqual([false, true]);
    for (const offset of [0, 8, 4, 1]) {
      const shifted = scattered(frames, offset);
      const decoded = decodeMessage(shifted);
      if (!decoded.is("evaluate")) throw new Error(decoded.message.kind);
      expect(decodeEvaluate(decoded)).toEqual(batch);
      expect(decoded.array("positions").buffer === shifted[1]?.buffer).toBe(offset % 8 === 0);
    }
  });

  test("a request is a copy, also of the library's own buffer: what is written afterwards does not change what is sent", () => {
    for (const batch of [[sample()], [large()]]) {
      const frames = encodeEvaluate({ epoch: 1, id: 2 }, batch, ["energy"]);
      const before = frames.map((frame) => [...frame]);
      for (const { positions } of batch) positions.fill(255);
      for (let k = 0; k < 1000; k++) encodeMessage({ kind: "bye", epoch: k });
      expect(frames.map((frame) => [...frame])).toEqual(before);
    }
  });
});

function sample(): Structure {
  return { name: "s", numbers: [8, 1], positions: Float64Array.of(0, 0, 0, 0, 0, 1), cell: null, pbc: [false, false, false] };
}

const large = (): Structure => ({
  ...sample(),
  numbers: new Array<number>(3_000).fill(1),
  positions: Float64Array.from({ length: 9_000 }, (_, k) => k),
});

// biome-ignore lint/suspicious/noExplicitAny: messages that break the protocol have no type
type Header = any;

const whole = () => encodeEvaluate({ epoch: 1, id: 2 }, [sample()], ["energy"]);

/** A valid evaluate with its header changed. */
function changed(change: (header: Header) => void, frames: readonly Uint8Array[] = []): Uint8Array[] {
  const header: Header = { ...decodeMessage(whole()).message };
  change(header);
  return [pack(header), ...frames];
}

/** The same with numbers in frame 1 and positions in frame 2, as long as they should be unless said otherwise. */
const framed = (change: Header, sizes: readonly number[] = [8, 48]) =>
  changed(
    (h) => Object.assign(h, { numbers: 1, positions: 2 }, change),
    sizes.map((size) => new Uint8Array(size)),
  );

// [what, frames, field of the error, part of its message]
const refused: readonly (readonly [string, () => Uint8Array[], string | null, string])[] = [
  ["no frames", () => [], null, "expected a header"],
  ["no msgpack", () => [Uint8Array.of(0xd9, 200, 97)], null, "not msgpack"],
  ["half a header", () => [(whole()[0] as Uint8Array).subarray(0, 30)], null, ""],
  ["nothing but nesting", () => [new Uint8Array(100_000).fill(0x91)], null, ""],
  ["a header of 5 MB", () => [pack({ kind: "bye", epoch: 1, x: "x".repeat(5 << 20) })], null, "at most"],
  ["an unknown kind", () => changed((h) => Object.assign(h, { kind: "shout" })), "kind", ""],
  ["an unknown key", () => changed((h) => Object.assign(h, { colour: "red" })), null, "colour"],
  ["a missing key", () => changed((h) => delete h.names), "names", ""],
  ["an id of 64 bits", () => changed((h) => Object.assign(h, { id: 2n ** 60n })), "id", ""],
  ["a fractional id", () => changed((h) => Object.assign(h, { id: 1.5 })), "id", ""],
  ["an unknown property", () => changed((h) => Object.assign(h, { want: ["charge"] })), "want.0", ""],
  ["numbers instead of bytes", () => changed((h) => Object.assign(h, { positions: [0, 0, 0] })), "positions", "bytes"],
  ["no positions", () => changed((h) => Object.assign(h, { positions: null })), "positions", "bytes"],
  [
    "half a row",
    () => changed((h) => Object.assign(h, { positions: new Uint8Array(40) })),
    "positions",
    "40 bytes, expected whole rows of 24",
  ],
  ["half a row in a frame", () => framed({}, [8, 40]), "positions", "40 bytes"],
  ["half a number", () => framed({}, [7, 48]), "numbers", "7 bytes, expected whole rows of 4"],
  ["the header's own frame", () => framed({ positions: 0 }), "positions", "number of a frame"],
  ["a frame that is not there", () => framed({ positions: 3 }), "positions", "frame 3 is not there"],
  ["a shared frame", () => framed({ counts: 1 }), "numbers", "share"],
  ["a frame too many", () => framed({}, [8, 48, 1]), null, "3 frames behind the header, expected 2"],
  ["a frame too few", () => framed({}, [8]), "positions", "not there"],
];

describe("what does not follow the protocol is refused", () => {
  test.each(refused)("%s", (_, frames, field, part) => {
    const error = expectRefusal(() => decodeMessage(frames()));
    expect(error.code).toBe("BAD_MESSAGE");
    expect(error.field).toBe(field);
    expect(error.message).toContain(part);
  });

  test("extents that disagree between arrays", () => {
    const short = changed((h) => Object.assign(h, { names: ["a", "b"] }));
    const decoded = decodeMessage(short);
    const error = expectRefusal(() => decoded.is("evaluate") && decodeEvaluate(decoded));
    expect(error).toMatchObject({ code: "BAD_MESSAGE", field: "counts" });
  });

  test("an answer of another size than the question", () => {
    const none = { forces: null, stress: null, energies: null };
    const decoded = decodeMessage(encodeResult({ epoch: 1, id: 1 }, [{ energy: 1, netEnergy: 1, ...none }]));
    const error = expectRefusal(() => decoded.is("result") && decodeResult(decoded, [sample(), sample()]));
    expect(error).toMatchObject({ code: "BAD_MESSAGE", field: "energy" });
  });

  test("whatever bytes come, the error is ours, and the address is found where it is readable", () => {
    const [header, ...arrays] = framed({}) as [Uint8Array, ...Uint8Array[]];
    const damage = fc.record({ at: fc.nat(header.byteLength - 1), bytes: fc.uint8Array({ minLength: 1, maxLength: 4 }) });
    fc.assert(
      fc.property(damage, fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), ({ at, bytes }, noise) => {
        const bent = Uint8Array.from(header);
        bent.set(bytes.subarray(0, bent.byteLength - at), at);
        for (const frames of [[bent, ...arrays], noise, [header, ...noise]]) {
          try {
            decodeMessage(frames);
          } catch (error) {
            expect(error).toBeInstanceOf(PainnlessError);
            expect(error).toMatchObject({ code: "BAD_MESSAGE" });
          }
          addressOf(frames);
        }
        expect(addressOf([header, ...noise])).toEqual({ epoch: 1, id: 2 });
      }),
      { numRuns: 300, seed: 3 },
    );
  });
});

function expectRefusal(run: () => unknown): PainnlessError {
  try {
    run();
  } catch (error) {
    if (error instanceof PainnlessError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
