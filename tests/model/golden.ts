import { readFileSync } from "node:fs";
import { z } from "zod";

/** Small model files written by Python, and tables that Python's tests read too (tests/golden/make_model_files.py). */
export const folder = new URL("../golden/model-file/", import.meta.url);

const schema = z.object({
  configs: z.record(z.string(), z.record(z.string(), z.unknown())),
  tensors: z.record(z.string(), z.record(z.string(), z.array(z.int()))),
  optional: z.record(z.string(), z.array(z.string())),
  cases: z.array(z.object({ config: z.string(), change: z.record(z.string(), z.unknown()), valid: z.boolean() })),
  files: z.record(z.string(), z.object({ sha256: z.string(), values: z.record(z.string(), z.array(z.number())) })),
});

export const expected = schema.parse(JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")));

export const bytesOf = (name: string): Uint8Array => new Uint8Array(readFileSync(new URL(`${name}.safetensors`, folder)));

export type Header = Record<string, unknown>;

export function unpack(bytes: Uint8Array): { header: Header; body: Uint8Array } {
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  const header: unknown = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size)));
  return { header: z.record(z.string(), z.unknown()).parse(header), body: bytes.slice(8 + size) };
}

export function pack(header: unknown, body: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + body.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  bytes.set(body, 8 + text.length);
  return bytes;
}
