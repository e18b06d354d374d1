import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { decodeMessage, encodeMessage, type WireArray } from "../../src/wire/codec.ts";
import { type ArrayRef, type Message, messageSchema } from "../../src/wire/messages.ts";

const golden = new URL("../golden/wire/", import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, golden), "utf8"));

interface Content {
  message: Message;
  /** by field */
  arrays: Record<string, number[]>;
}
const contents: Record<string, Content> = read("messages.json");
const written = { node: "node.json", python: "python.json" };

const arrayTypes = { f64: Float64Array, i32: Int32Array, u8: Uint8Array };

function encode({ message, arrays }: Content): Uint8Array[] {
  const frames: WireArray[] = [];
  for (const [field, values] of Object.entries(arrays)) {
    const ref = (message as unknown as Record<string, ArrayRef>)[field];
    if (ref === undefined) throw new Error(`messages.json: no field ${field}`);
    frames[ref.frame - 1] = arrayTypes[ref.dtype].from(values);
  }
  return encodeMessage(message, frames);
}

const base64 = (frames: Uint8Array[]) => frames.map((frame) => Buffer.from(frame).toString("base64"));

if (process.env.WRITE_GOLDEN) {
  const frames = Object.fromEntries(Object.entries(contents).map(([name, content]) => [name, base64(encode(content))]));
  writeFileSync(new URL(written.node, golden), `${JSON.stringify(frames, null, 1)}\n`);
}

test("Python's JSON Schema is the one of src/wire/messages.ts (mend: npm run build && node scripts/wire-schema.mjs)", () => {
  const schema = new URL("../../python/painnless/wire_schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(schema, "utf8"))).toEqual(JSON.parse(JSON.stringify(z.toJSONSchema(messageSchema))));
});

test("every kind of message has a golden one", () => {
  const kinds = messageSchema.options.map((option) => option.shape.kind.value);
  expect(new Set(Object.values(contents).map(({ message }) => message.kind))).toEqual(new Set(kinds));
});

test.each(Object.keys(contents))("%s: what Node writes has not changed", (name) => {
  expect(base64(encode(contents[name] as Content))).toEqual(read(written.node)[name]);
});

test.each(Object.keys(contents))("%s: what Python wrote is read", (name) => {
  const { message, arrays } = contents[name] as Content;
  const frames = (read(written.python)[name] as string[]).map((text) => Buffer.from(text, "base64"));
  const decoded = decodeMessage(frames);
  expect(decoded.message).toEqual(message);
  for (const [field, values] of Object.entries(arrays)) {
    const found = decoded.array((decoded.message as unknown as Record<string, ArrayRef>)[field] as ArrayRef);
    expect([...found]).toEqual(values);
  }
});
