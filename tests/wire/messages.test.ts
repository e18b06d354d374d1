import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { decodeMessage, encodeMessage, type WireArray } from "../../src/wire/codec.ts";
import { arraysOf, type Message, messageJsonSchema, messageSchema } from "../../src/wire/messages.ts";

const golden = new URL("../golden/wire/", import.meta.url);
const read = (name: string) => JSON.parse(readFileSync(new URL(name, golden), "utf8"));

interface Content {
  /** without its arrays */
  message: Message;
  /** by field */
  arrays: Record<string, number[]>;
  /** of the arrays that the header does not hold */
  frames?: Record<string, number>;
}
const contents: Record<string, Content> = read("messages.json");
const written = { node: "node.json", python: "python.json" };

const arrayTypes = { f64: Float64Array, i32: Int32Array, u8: Uint8Array };

function encode({ message, arrays, frames = {} }: Content): Uint8Array[] {
  const whole: Record<string, unknown> = {};
  const behind: Uint8Array[] = [];
  for (const [field, value] of Object.entries(message)) whole[field] = value;
  for (const { field, dtype } of arraysOf(message.kind)) {
    const values = arrays[field];
    if (values === undefined) continue;
    const bytes = Buffer.from(arrayTypes[dtype].from(values).buffer);
    const frame = frames[field];
    whole[field] = frame ?? bytes;
    if (frame !== undefined) behind[frame - 1] = bytes;
  }
  return encodeMessage(inOrder(whole as Message), behind);
}

/** With the fields in the order of the schema, which is the one in which they are written. */
function inOrder(message: Message): Message {
  const shape = messageSchema.options.find((option) => option.shape.kind.value === message.kind)?.shape ?? {};
  return Object.fromEntries(Object.keys(shape).map((field) => [field, message[field as keyof Message]])) as unknown as Message;
}

const base64 = (frames: Uint8Array[]) => frames.map((frame) => Buffer.from(frame).toString("base64"));

if (process.env.WRITE_GOLDEN) {
  const frames = Object.fromEntries(Object.entries(contents).map(([name, content]) => [name, base64(encode(content))]));
  writeFileSync(new URL(written.node, golden), `${JSON.stringify(frames, null, 1)}\n`);
}

test("Python's JSON Schema is the one of src/wire/messages.ts (mend: npm run build && node scripts/wire-schema.mjs)", () => {
  const schema = new URL("../../python/painnless/wire_schema.json", import.meta.url);
  expect(JSON.parse(readFileSync(schema, "utf8"))).toEqual(JSON.parse(JSON.stringify(messageJsonSchema())));
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
  const decoded = decodeMessage(frames) as unknown as { message: Message; array(field: string): WireArray }; // which kind it is, is read
  const found = Object.fromEntries(Object.keys(arrays).map((field) => [field, [...decoded.array(field)]]));
  expect(found).toEqual(arrays);
  expect(Object.fromEntries(Object.entries(decoded.message).filter(([field]) => !(field in arrays)))).toEqual(message);
});
