import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import { makeFolder } from "../system/make-folder.ts";
import { readRegular } from "../system/regular-file.ts";
import type { Structure } from "../system/structure.ts";
import { assertWritable, writeWhole } from "../system/write-whole.ts";
import { lawNames } from "./result.ts";

/** One failure, with all that is needed to see it again. JSON keeps every bit of a finite float64. */
const replaySchema = z.strictObject({
  format: z.literal("painnless.replay/1"),
  /** path of the model file when it failed, and its hash */
  modelFile: z.string(),
  modelSha256: z.string(),
  side: z.string(),
  reference: z.string(),
  /** the law that was broken; null for a comparison */
  law: z.enum(lawNames).nullable(),
  seed: z.int(),
  reason: z.string(),
  structure: z.strictObject({
    name: z.string(),
    numbers: z.array(z.int()).min(1),
    positions: z.array(z.number()),
    cell: z.array(z.number()).length(9).nullable(),
    pbc: z.tuple([z.boolean(), z.boolean(), z.boolean()]),
  }),
});
export type Replay = z.infer<typeof replaySchema>;

export const packStructure = (structure: Structure): Replay["structure"] => ({
  ...structure,
  numbers: [...structure.numbers],
  positions: [...structure.positions],
  cell: structure.cell === null ? null : [...structure.cell],
});

export const unpackStructure = (packed: Replay["structure"]): Structure => ({
  ...packed,
  positions: Float64Array.from(packed.positions),
  cell: packed.cell === null ? null : Float64Array.from(packed.cell),
});

/** File name of a failure inside the report's folder. */
export const replayName = (index: number): string => `failures/${String(index + 1).padStart(3, "0")}.json`;

/** Of the names that `replayName` gives. */
const replayNames = /^\d{3,}\.json$/;

/** Removes the failures of an earlier report under the folder, which would pass for those of the next one.
 *  @throws {PainnlessError} WRITE_FAILED */
export async function removeReplays(folder: string): Promise<void> {
  const failures = join(folder, "failures");
  try {
    const names = await readdir(failures).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return null; // none were written
      throw cause;
    });
    if (names === null) return;
    await assertWritable(join(failures, replayName(0).replace(/^.*\//, "")));
    for (const name of names.filter((found) => replayNames.test(found))) await rm(join(failures, name), { force: true });
  } catch (cause) {
    throw new PainnlessError("WRITE_FAILED", `cannot remove the failures of an earlier report from ${failures}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Writes each failure under the folder, by `replayName`. @throws {PainnlessError} WRITE_FAILED */
export async function writeReplays(folder: string, replays: readonly Replay[]): Promise<void> {
  if (replays.length === 0) return;
  try {
    await makeFolder(join(folder, "failures"));
    for (const [index, replay] of replays.entries())
      await writeWhole(join(folder, replayName(index)), `${JSON.stringify(replay, null, 1)}\n`);
  } catch (cause) {
    throw new PainnlessError("WRITE_FAILED", `cannot write the failures under ${folder}: ${messageOf(cause)}`, { cause });
  }
}

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** @throws {PainnlessError} NOT_FOUND without the file, USAGE if it is no replay file */
export async function readReplay(file: string): Promise<Replay> {
  const text = (await readRegular(file, "a replay file, as crosscheck --report DIR writes them to DIR/failures,")).toString("utf8");
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (cause) {
    throw new PainnlessError("USAGE", `replay file "${file}" is not JSON`, { cause });
  }
  const parsed = replaySchema.safeParse(data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new PainnlessError("USAGE", `"${file}" is not a replay file: ${issue?.message} (at "${issue?.path.join(".")}")`);
  }
  return parsed.data;
}
