import type { Structure } from "../system/structure.ts";
import type { Address } from "./batch.ts";
import { type DecodedMessage, floatsFrom } from "./codec.ts";
import type { MessageOf } from "./messages.ts";

/** A question that has been asked before, with these positions, which nobody has checked. */
export interface Repeat extends Address {
  readonly want: MessageOf<"evaluate">["want"];
  readonly structure: Structure;
}

/** Of a message, above which its sender's next one is not compared with it: so much is kept for each client. */
const mostBytes = 1 << 20;

/** What a client has asked of one structure. Who follows a trajectory asks the same over and over, of other positions and under another id. That
 *  it is the same is told by comparing bytes with those of the question that was read and checked, in a fraction of the time that this took. */
export class Question {
  readonly #frames: readonly Buffer[];
  readonly #address: { readonly epoch: number; readonly idAt: number; readonly idEnd: number };
  readonly #structure: Structure;
  /** where the header holds the positions; an empty range at its end where it does not */
  readonly #begin: number;
  readonly #end: number;
  /** the frame that is the positions; 0 where the header holds them */
  readonly #frame: number;
  readonly #want: MessageOf<"evaluate">["want"];

  private constructor(frames: readonly Buffer[], { message }: Asked, structure: Structure, idAt: number) {
    const header = frames[0] as Buffer;
    this.#frames = frames;
    this.#address = { epoch: message.epoch, idAt, idEnd: idAt + uintBytes(header[idAt]) };
    this.#structure = structure;
    this.#want = message.want;
    const { positions } = message;
    this.#frame = typeof positions === "number" ? positions : 0;
    this.#begin = typeof positions === "number" ? header.length : positions.byteOffset - header.byteOffset;
    this.#end = typeof positions === "number" ? header.length : this.#begin + positions.byteLength;
  }

  /** The question that the frames were, which has been accepted; null where it could not be recognised, or is too large to be kept. */
  static of(frames: readonly Buffer[], decoded: Asked, structures: readonly Structure[], bytes: number): Question | null {
    const [header] = frames;
    const [structure] = structures;
    const { positions } = decoded.message;
    if (header === undefined || structure === undefined || structures.length > 1 || bytes > mostBytes) return null;
    if (typeof positions !== "number" && positions.buffer !== header.buffer) return null;
    const idAt = findId(header);
    return idAt === null ? null : new Question(frames, decoded, structure, idAt);
  }

  /** null where the frames are another question, or none. */
  repeated(frames: readonly Buffer[]): Repeat | null {
    const header = frames[0];
    const known = this.#frames[0] as Buffer;
    if (header === undefined || frames.length !== this.#frames.length) return null;
    const { epoch, idAt, idEnd } = this.#address;
    const idBytes = uintBytes(header[idAt]);
    const shift = idAt + idBytes - idEnd;
    if (idBytes === 0 || header.length !== known.length + shift) return null;
    const isSame = (begin: number, end: number, by: number) => header.compare(known, begin, end, begin + by, end + by) === 0;
    if (!isSame(0, idAt, 0) || !isSame(idEnd, this.#begin, shift) || !isSame(this.#end, known.length, shift)) return null;
    for (let k = 1; k < frames.length; k++) {
      const [frame, other] = [frames[k] as Buffer, this.#frames[k] as Buffer];
      if (k === this.#frame ? frame.length !== other.length : frame.compare(other) !== 0) return null;
    }
    const bytes = this.#frame > 0 ? (frames[this.#frame] as Buffer) : header.subarray(this.#begin + shift, this.#end + shift);
    const { name, numbers, cell, pbc } = this.#structure;
    return { epoch, id: uintAt(header, idAt), want: this.#want, structure: { name, numbers, positions: floatsFrom(bytes), cell, pbc } };
  }
}

type Asked = DecodedMessage<MessageOf<"evaluate">>;

// The header begins with its kind, its epoch and its id, as both our clients write it: only then are the bytes behind the last key the id, and not
// some that look like it. A map of ten is 8a, or de 00 0a.

const openings = ["8a", "de000a"].map((map) =>
  Buffer.concat([Buffer.from(map, "hex"), Buffer.from("\xa4kind\xa8evaluate\xa5epoch", "latin1")]),
);
const idKey = Buffer.from("\xa2id", "latin1");

/** Where the id is in the header of an evaluate message; null where it does not begin as ours do. */
function findId(header: Buffer): number | null {
  const opening = openings.find((bytes) => header.subarray(0, bytes.length).equals(bytes));
  if (opening === undefined) return null;
  const epochBytes = uintBytes(header[opening.length]);
  const at = opening.length + epochBytes;
  const idAt = at + idKey.length;
  return epochBytes > 0 && header.subarray(at, idAt).equals(idKey) && uintBytes(header[idAt]) > 0 ? idAt : null;
}

/** Of an integer of msgpack that begins so; 0 where that is none, or one that may have more than 32 bits. */
function uintBytes(first: number | undefined): number {
  if (first === undefined) return 0;
  if (first < 0x80) return 1;
  return first === 0xcc ? 2 : first === 0xcd ? 3 : first === 0xce ? 5 : 0;
}

function uintAt(header: Buffer, at: number): number {
  const size = uintBytes(header[at]);
  return size === 1 ? (header[at] as number) : header.readUIntBE(at + 1, size - 1);
}
