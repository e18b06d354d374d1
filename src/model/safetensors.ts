import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import { disagreement } from "../system/disagreement.ts";

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

// The format's own limit on the header; that of the file is ours and Python's (painnless.model_file.MAX_BYTES).
const maxHeaderBytes = 100_000_000;
export const maxFileBytes = 2 ** 31;
const itemBytes = { F32: 4, F64: 8 } as const;

const entrySchema = z.strictObject({
  dtype: z.enum(["F32", "F64"]),
  shape: z.array(z.int().nonnegative()).max(8),
  data_offsets: z.tuple([z.int().nonnegative(), z.int().nonnegative()]),
});

/** Metadata and tensors of a safetensors file, copied out of `bytes`. Each byte of data belongs to exactly one tensor.
 *  @throws {PainnlessError} BAD_MODEL saying what of the container is wrong */
export function parseSafetensors(bytes: Uint8Array, where: string): Safetensors {
  const bad = (message: string, field: string | null = null) => new PainnlessError("BAD_MODEL", `${where}: ${message}`, { field });
  if (bytes.length < 8) throw bad(`${bytes.length} bytes are too few for a safetensors file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = Number(view.getBigUint64(0, true));
  if (!(headerBytes >= 2 && headerBytes <= Math.min(maxHeaderBytes, bytes.length - 8))) {
    throw bad(
      `not a safetensors file: the header claims ${headerBytes} bytes, expected 2 to ${Math.min(maxHeaderBytes, bytes.length - 8)}; ` +
        "a checkpoint of another program becomes a model file with painnless import",
    );
  }
  const header = parseHeader(bytes.subarray(8, 8 + headerBytes), bad);
  const { __metadata__, ...entries } = header;
  const metadata = z.record(z.string(), z.string()).safeParse(__metadata__ ?? {});
  if (!metadata.success) throw bad("__metadata__ is not a table of strings");

  // Not `bytes.subarray`: of a Buffer that is a Buffer, whose `slice` does not copy.
  const data = new Uint8Array(bytes.buffer, bytes.byteOffset + 8 + headerBytes, bytes.length - 8 - headerBytes);
  const tensors = new Map<string, Tensor>();
  const extents: { name: string; start: number; end: number }[] = [];
  for (const [name, raw] of Object.entries(entries)) {
    const entry = entrySchema.safeParse(raw);
    if (!entry.success) throw bad(`entry "${name}" is malformed: ${disagreement(entry.error)}`, name);
    const { dtype, shape, data_offsets } = entry.data;
    const [start, end] = data_offsets;
    const expected = shape.reduce((product, n) => product * n, itemBytes[dtype]);
    if (end > data.length) throw bad(`tensor "${name}" ends at byte ${end} of ${data.length} bytes of data`, name);
    if (end - start !== expected) throw bad(`tensor "${name}" of shape [${shape}] spans ${end - start} bytes, expected ${expected}`, name);
    extents.push({ name, start, end });
    tensors.set(name, { shape, data: copyOut(data, start, end, dtype) });
  }
  extents.sort((a, b) => a.start - b.start || a.end - b.end);
  let reached = 0;
  for (const { name, start, end } of extents) {
    if (start !== reached)
      throw bad(`tensor "${name}" starts at byte ${start}, expected ${reached}: tensors must neither overlap nor leave gaps`, name);
    reached = end;
  }
  if (reached !== data.length) throw bad(`${data.length - reached} bytes at the end belong to no tensor`);
  return { metadata: metadata.data, tensors };
}

function parseHeader(bytes: Uint8Array, bad: (message: string) => PainnlessError): Record<string, unknown> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw bad(`the header is not JSON (${cause instanceof Error ? cause.message : String(cause)})`);
  }
  const header = z.record(z.string(), z.unknown()).safeParse(parsed);
  if (!header.success) throw bad("the header is not a JSON object");
  return header.data;
}

/** Files are little-endian whatever the machine; a copy also takes care of alignment. */
function copyOut(data: Uint8Array, start: number, end: number, dtype: keyof typeof itemBytes): Float32Array | Float64Array {
  const copy = data.slice(start, end);
  if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) {
    const size = itemBytes[dtype];
    for (let k = 0; k < copy.length; k += size) copy.subarray(k, k + size).reverse();
  }
  return dtype === "F32" ? new Float32Array(copy.buffer) : new Float64Array(copy.buffer);
}
