import { Packr } from "msgpackr";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import { type ArrayRef, type Dtype, type Message, type MessageOf, messageSchema, protocolVersion } from "./messages.ts";

interface ArrayTypes {
  f64: Float64Array;
  i32: Int32Array;
  u8: Uint8Array;
}
export type WireArray = ArrayTypes[Dtype];

/** What is decoded has memory of its own. */
interface OwnArrayTypes {
  f64: Float64Array<ArrayBuffer>;
  i32: Int32Array<ArrayBuffer>;
  u8: Uint8Array<ArrayBuffer>;
}

const arrayTypes = { f64: Float64Array, i32: Int32Array, u8: Uint8Array } as const;

/** A header holds names and numbers; what is larger is not one of ours. */
export const maxHeaderBytes = 1 << 22;

// useRecords would need msgpackr on the other side. A 64-bit integer becomes a number and not a BigInt; one that a number cannot hold
// exactly is refused by the schema's z.int().
const packr = new Packr({ useRecords: false, int64AsType: "number" });

const bad = (message: string, field: string | null = null, cause?: unknown): never => {
  throw new PainnlessError("BAD_MESSAGE", message, { field, cause });
};

/** The arrays of a message in the making. `add` gives what the header says of each. */
export class ArrayWriter {
  readonly arrays: WireArray[] = [];

  add<D extends Dtype, const S extends readonly number[]>(
    dtype: D,
    values: ArrayTypes[D],
    shape: S,
  ): { dtype: D; shape: [...S]; frame: number } {
    this.arrays.push(values);
    return { dtype, shape: [...shape], frame: this.arrays.length };
  }
}

/** The frames of a message. Every buffer is a fresh copy: zeromq sends large ones later, from where they lie.
 *  @throws {PainnlessError} BAD_MESSAGE when the message does not follow its own schema */
export function encodeMessage(message: Message, arrays: readonly WireArray[] = []): Uint8Array[] {
  checkArrays(
    checkHeader(message),
    arrays.map((array) => array.byteLength),
  );
  return encodeUnchecked(message, arrays);
}

/** As encodeMessage, for the answer to every evaluation: the message was made by types that hold, the arrays by its ArrayWriter. */
export function encodeUnchecked(message: Message, arrays: readonly WireArray[] = []): Uint8Array[] {
  const header = Buffer.from(packr.pack(message));
  return [header, ...arrays.map((array) => Buffer.from(new Uint8Array(array.buffer, array.byteOffset, array.byteLength)))];
}

export class DecodedMessage<M extends Message = Message> {
  readonly message: M;
  readonly #frames: readonly Uint8Array[];

  constructor(message: M, frames: readonly Uint8Array[]) {
    this.message = message;
    this.#frames = frames;
  }

  /** The array that `ref` describes, copied to where its type may lie. */
  array<D extends Dtype>(ref: { dtype: D; frame: number }): OwnArrayTypes[D] {
    const bytes = this.#frames[ref.frame] ?? bad(`frame ${ref.frame} is missing`);
    const aligned = Uint8Array.prototype.slice.call(bytes); // Buffer's own slice would be a view
    return new arrayTypes[ref.dtype](aligned.buffer) as OwnArrayTypes[D];
  }

  is<K extends Message["kind"]>(kind: K): this is DecodedMessage<Extract<M, { kind: K }>> {
    return this.message.kind === kind;
  }
}

/** A message and its arrays, checked: schema, number of frames, and the extent of each against dtype and shape.
 *  @throws {PainnlessError} BAD_MESSAGE naming the field; UNSUPPORTED for a greeting of another protocol that cannot be read */
export function decodeMessage(frames: readonly Uint8Array[]): DecodedMessage {
  const message = checkHeader(unpackHeader(frames));
  checkArrays(
    message,
    frames.slice(1).map((frame) => frame.byteLength),
  );
  return new DecodedMessage(message, frames);
}

/** Whose a message is, as far as can be told of one that may be damaged. */
export function addressOf(frames: readonly Uint8Array[]): { epoch: number | null; id: number | null } {
  const unknown = { epoch: null, id: null };
  let header: unknown;
  try {
    header = unpackHeader(frames);
  } catch (error) {
    if (error instanceof PainnlessError) return unknown;
    throw error;
  }
  const uint32 = z.int().min(0).max(0xffffffff);
  const address = z.object({ epoch: uint32, id: uint32 }).safeParse(header);
  return address.success ? address.data : unknown;
}

/** What to tell the sender of a message that is refused. */
export function errorMessage(address: { epoch: number | null; id: number | null }, error: PainnlessError): MessageOf<"error"> {
  const { code, message, field } = error;
  return { kind: "error", epoch: address.epoch, id: address.id, code, message, field };
}

function unpackHeader(frames: readonly Uint8Array[]): unknown {
  const header = frames[0] ?? bad("a message without frames, expected a header");
  if (header.byteLength > maxHeaderBytes) bad(`the header has ${header.byteLength} bytes, expected at most ${maxHeaderBytes}`);
  try {
    return packr.unpack(header);
  } catch (cause) {
    return bad(`the header is not msgpack: ${cause instanceof Error ? cause.message : cause}`, null, cause);
  }
}

function checkHeader(header: unknown): Message {
  const parsed = messageSchema.safeParse(header);
  if (parsed.success) return parsed.data;
  assertProtocol(header);
  const issue = parsed.error.issues[0];
  const field = issue?.path.join(".") || null;
  return bad(`the header does not follow the protocol: ${field === null ? "" : `${field}: `}${issue?.message}`, field, parsed.error);
}

const greeting = z.object({ kind: z.enum(["hello", "welcome"]), protocol: z.int().min(1) });

/** A greeting of another version may have other fields: that is why it is not understood, and what its sender must hear. */
function assertProtocol(header: unknown): void {
  const found = greeting.safeParse(header);
  if (found.success && found.data.protocol !== protocolVersion) throw otherProtocol(found.data.protocol);
}

export function otherProtocol(found: number): PainnlessError {
  return new PainnlessError("UNSUPPORTED", `protocol ${found}, this end speaks ${protocolVersion}; use the same release on both ends`, {
    field: "protocol",
  });
}

/** Each array of the message has a frame of its own, of the size that its dtype and shape say, and no frame is left over. */
function checkArrays(message: Message, bytes: readonly number[]): void {
  const refs = Object.entries(message).filter((entry): entry is [string, ArrayRef] => isArrayRef(entry[1]));
  if (refs.length !== bytes.length) bad(`${message.kind}: ${bytes.length} array frames, expected ${refs.length}`);
  const owners = new Map<number, string>();
  for (const [field, { dtype, shape, frame }] of refs) {
    const found = bytes[frame - 1];
    const expected = shape.reduce((product, extent) => product * extent, arrayTypes[dtype].BYTES_PER_ELEMENT);
    if (found !== expected)
      bad(`${field}: frame ${frame} has ${found ?? "no"} bytes, expected ${expected} for ${dtype} of shape (${shape.join(", ")})`, field);
    const owner = owners.get(frame);
    if (owner !== undefined) bad(`${field} and ${owner} share frame ${frame}, expected one each`, field);
    owners.set(frame, field);
  }
}

function isArrayRef(value: unknown): value is ArrayRef {
  return typeof value === "object" && value !== null && "dtype" in value && "frame" in value;
}

/** @throws {PainnlessError} BAD_MESSAGE unless an array has as many rows as it must */
export function expectRows(field: string, found: unknown, expected: number): void {
  if (found !== expected) throw new PainnlessError("BAD_MESSAGE", `${field}: ${found} rows, expected ${expected}`, { field });
}
