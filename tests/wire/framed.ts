import { pack } from "msgpackr";
import { decodeMessage } from "../../src/wire/codec.ts";
import { arraysOf } from "../../src/wire/messages.ts";

/** A message whose header holds its arrays, with each in a frame of its own instead, as large ones are sent. */
export function framed(message: readonly Uint8Array[]): [header: Uint8Array, ...arrays: Uint8Array[]] {
  const header = { ...decodeMessage(message).message } as Record<string, unknown>;
  const frames: Uint8Array[] = [];
  for (const { field } of arraysOf(decodeMessage(message).message.kind))
    if (header[field] instanceof Uint8Array) header[field] = frames.push(Uint8Array.from(header[field]));
  return [pack(header), ...frames];
}
