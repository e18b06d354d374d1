import { Packr } from "msgpackr";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import { arraysOf, type Dtype, type Message, type MessageOf, messageSchema, type Packed, protocolVersion } from "./messages.ts";
import { type Predicate, predicateOf } from "./predicate.ts";

interface ArrayTypes {
  f64: Float64Array;
  i32: Int32Array;
  u8: Uint8Array;
}
export type WireArray = ArrayTypes[Dtype];

/** What is decoded is nobody else's. */
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

/** Of an array, from which on it has a frame of its own, which is handed on where it lies instead of being copied. */
export const largeBytes = 1 << 16;

/** The arrays of a message in the making. */
export class ArrayWriter {
  /** those that the header does not hold */
  readonly frames: Uint8Array[] = [];

  /** What the message says of an array. Whoever sends the message must leave the array as it is from then on. */
  add<D extends Dtype>(values: ArrayTypes[D]): Packed<D> {
    const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
    return (bytes.byteLength < largeBytes ? bytes : this.frames.push(bytes)) as unknown as Packed<D>;
  }
}

/** The frames of a message.
 *  @throws {PainnlessError} BAD_MESSAGE when the message does not follow its own schema */
export function encodeMessage(message: Message, arrays: readonly Uint8Array[] = []): Uint8Array[] {
  const frames = encodeUnchecked(message, arrays);
  checkArrays(checkHeader(message), frames);
  return frames;
}

/** As encodeMessage, for the answer to every evaluation: the message was made by types that hold, the arrays by its ArrayWriter. */
export function encodeUnchecked(message: Message, arrays: readonly Uint8Array[] = []): Uint8Array[] {
  return [packr.pack(message), ...arrays];
}

/** The arrays of a message, by field. */
type ArrayFieldOf<M> = { [F in keyof M]: M[F] extends Packed<Dtype> | null ? F : never }[keyof M] & string;
type ArrayOf<P> = P extends Packed<infer D> ? OwnArrayTypes[D] : P;

export class DecodedMessage<M extends Message = Message> {
  readonly message: M;
  readonly #frames: readonly Uint8Array[];

  constructor(message: M, frames: readonly Uint8Array[]) {
    this.message = message;
    this.#frames = frames;
  }

  /** The array of a field; null where the message has none. */
  array<F extends ArrayFieldOf<M>>(field: F): ArrayOf<M[F]> {
    const packed = this.message[field] as Packed<Dtype> | null;
    if (packed === null) return null as ArrayOf<M[F]>;
    const { dtype } = arraysOf(this.message.kind).find((array) => array.field === field) ?? bad(`${field} is no array`);
    return arrayFrom(dtype, bytesOf(packed, this.#frames) ?? bad(`${field}: frame ${packed} is not there`)) as ArrayOf<M[F]>;
  }

  is<K extends Message["kind"]>(kind: K): this is DecodedMessage<Extract<M, { kind: K }>> {
    return this.message.kind === kind;
  }
}

/** A message and its arrays, checked: schema, number of frames, and the extent of each against dtype and shape.
 *  @throws {PainnlessError} BAD_MESSAGE naming the field; UNSUPPORTED for a greeting of another protocol that cannot be read */
export function decodeMessage(frames: readonly Uint8Array[]): DecodedMessage {
  const message = checkHeader(unpackHeader(frames));
  checkArrays(message, frames);
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

const predicates = new Map<unknown, Predicate>(messageSchema.options.map((schema) => [schema.shape.kind.value, predicateOf(schema)]));
const isMessage = (header: unknown): header is Message => predicates.get((header as Partial<Message> | null)?.kind)?.(header) ?? false;

function checkHeader(header: unknown): Message {
  if (isMessage(header)) return header;
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

/** Each array has whole rows and, where the header does not hold it, a frame that is there and no other's; no frame is left over. */
function checkArrays(message: Message, frames: readonly Uint8Array[]): void {
  const owners = new Map<number, string>();
  for (const { field, rowBytes } of arraysOf(message.kind)) {
    const packed = message[field as keyof Message] as unknown as Packed<Dtype> | null;
    if (packed === null) continue;
    const bytes = bytesOf(packed, frames) ?? bad(`${field}: frame ${packed} is not there`, field);
    if (bytes.byteLength % rowBytes !== 0) bad(`${field} has ${bytes.byteLength} bytes, expected whole rows of ${rowBytes}`, field);
    if (typeof packed !== "number") continue;
    const owner = owners.get(packed);
    if (owner !== undefined) bad(`${field} and ${owner} share frame ${packed}, expected one each`, field);
    owners.set(packed, field);
  }
  if (frames.length !== owners.size + 1) bad(`${message.kind}: ${frames.length - 1} frames behind the header, expected ${owners.size}`);
}

const bytesOf = (packed: Packed<Dtype>, frames: readonly Uint8Array[]): Uint8Array | undefined =>
  typeof packed === "number" ? frames[packed] : packed;

/** The array that the bytes are: a view of them where they are large and lie as its type may, else a copy. */
function arrayFrom<D extends Dtype>(dtype: D, bytes: Uint8Array): OwnArrayTypes[D] {
  const type = arrayTypes[dtype];
  const { buffer, byteOffset, byteLength } = bytes;
  if (byteLength >= largeBytes && byteOffset % type.BYTES_PER_ELEMENT === 0)
    return new type(buffer as ArrayBuffer, byteOffset, byteLength / type.BYTES_PER_ELEMENT) as OwnArrayTypes[D];
  const copy = new type(byteLength / type.BYTES_PER_ELEMENT);
  new Uint8Array(copy.buffer).set(bytes);
  return copy as OwnArrayTypes[D];
}

/** As `array` of a decoded message gives the f64 that the bytes are, of which there are whole ones. */
export const floatsFrom = (bytes: Uint8Array): Float64Array<ArrayBuffer> => arrayFrom("f64", bytes);

/** @throws {PainnlessError} BAD_MESSAGE unless an array has as many rows as it must */
export function expectRows(field: string, found: unknown, expected: number): void {
  if (found !== expected) throw new PainnlessError("BAD_MESSAGE", `${field}: ${found} rows, expected ${expected}`, { field });
}
