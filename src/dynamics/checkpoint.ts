import { createHash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import { readRegular } from "../system/regular-file.ts";
import { markSchema, writeFailed } from "./append-file.ts";
import { simulationOptionsSchema } from "./options.ts";
import { dynamicsStateSchema, stopSchema } from "./session.ts";

/** A run that can go on: docs/formats.md, section 9. */

/** Every bit of the numbers, which decimal JSON keeps of all but -0 and NaN. */
const float64s = z.codec(z.base64(), z.instanceof(Float64Array), {
  decode: (text) => new Float64Array(new Uint8Array(Buffer.from(text, "base64")).buffer),
  encode: (array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString("base64"),
});

const checkpointSchema = z.strictObject({
  format: z.literal("painnless.checkpoint/1"),
  /** of painnless */
  version: z.string(),
  /** the command that began the run, and when: ISO 8601 */
  command: z.string(),
  started: z.string(),
  /** path of the model file, and what the run depends on: its hash */
  model: z.strictObject({ path: z.string(), sha256: z.string() }),
  /** the side as it was asked for, and the potential that answered; all that made steps, "painnless 0.1.0 (build 1f2e3d4c5b6a), instruction set
   *  avx512", each in the order in which it came to the run: one where the bits are those of an unbroken run */
  side: z.strictObject({ asked: z.string(), name: z.string(), kernels: z.array(z.string()) }),
  structure: z.strictObject({
    name: z.string(),
    numbers: z.array(z.int()).min(1),
    positions: float64s,
    cell: float64s.nullable(),
    pbc: z.tuple([z.boolean(), z.boolean(), z.boolean()]),
  }),
  options: simulationOptionsSchema,
  /** a second side on every so manieth frame; null without one */
  shadow: z.strictObject({ side: z.string(), every: z.int().min(1) }).nullable(),
  /** where the files were at this step; paths relative to the checkpoint's folder */
  log: z.strictObject({ path: z.string(), mark: markSchema }),
  trajectory: z.strictObject({ path: z.string(), mark: markSchema, frames: z.int() }).nullable(),
  /** what the run was asked to leave beside the stream of frames, e.g. an H5MD file; null: the stream itself */
  out: z.string().nullable(),
  /** why it cannot go on beyond this step; null where it can */
  stop: stopSchema.nullable(),
  /** wall clock of all steps so far, and neighbour searches */
  seconds: z.number(),
  rebuilds: z.int().nullable(),
  state: z.strictObject({
    ...dynamicsStateSchema.shape,
    positions: float64s,
    velocities: float64s,
    forces: float64s,
    potential: float64s,
    heat: float64s,
  }),
});
export type Checkpoint = z.infer<typeof checkpointSchema>;

/** One line of JSON, one line with its hash. */
export function encodeCheckpoint(checkpoint: Checkpoint): string {
  const body = `${JSON.stringify(z.encode(checkpointSchema, checkpoint))}\n`;
  return `${body}sha256 ${sha256(body)}\n`;
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** @param path for messages @throws {PainnlessError} BAD_CHECKPOINT if a byte is missing, added or changed */
export function decodeCheckpoint(path: string, text: string): Checkpoint {
  const refuse = (why: string, cause?: unknown): never => {
    throw new PainnlessError("BAD_CHECKPOINT", `${path} ${why}, expected a checkpoint of painnless md (painnless.checkpoint/1)`, { cause });
  };
  if (!text.startsWith('{"format":"painnless.checkpoint/')) refuse("is no checkpoint");
  const end = text.indexOf("\n") + 1;
  if (end === 0 || text.slice(end) !== `sha256 ${sha256(text.slice(0, end))}\n`)
    refuse(`is damaged: its ${text.length} characters do not end in the hash of what they hold`);
  const { data, error } = checkpointSchema.safeParse(JSON.parse(text.slice(0, end)));
  return data ?? refuse(`is of another version: ${error?.issues[0]?.path.join(".")}: ${error?.issues[0]?.message}`, error);
}

/** @throws {PainnlessError} NOT_FOUND, BAD_CHECKPOINT */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  return decodeCheckpoint(path, (await readRegular(path, "the checkpoint")).toString("utf8"));
}

/** Replaces the file: whatever happens meanwhile, also to the power, either the old or the new one is there, whole.
 *  @throws {PainnlessError} WRITE_FAILED; the old one is then untouched */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const temporary = `${path}.tmp`;
  try {
    const file = await open(temporary, "w");
    try {
      await file.writeFile(encodeCheckpoint(checkpoint));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    const folder = await open(dirname(path), "r");
    await folder.sync().finally(() => folder.close());
  } catch (cause) {
    await rm(temporary, { force: true });
    throw writeFailed(path, cause);
  }
}
