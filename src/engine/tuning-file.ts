import { createHash } from "node:crypto";
import { access, constants, readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import type { ModelFile } from "../model/model-file.ts";
import { jsonOf } from "../system/json.ts";
import { makeFolder } from "../system/make-folder.ts";
import { writeWhole } from "../system/write-whole.ts";
import { loadAddon } from "./addon.ts";
import type { CudaCard, CudaPrecision } from "./native.ts";
import { fromNative } from "./native-error.ts";
import { describeTuning, fullTuningSchema, shippedTuning, type Tuning, tuningSchema } from "./tuning.ts";
import { nativeConfig } from "./weights.ts";

/** What `painnless tune` has found for a model's shape on a card, kept in a file of its own and used by every engine of that shape there. */

const timing = z.strictObject({ medianMs: z.number(), p10Ms: z.number(), p90Ms: z.number(), evaluations: z.int() });

const formatName = "painnless.tuning/3";
const tunedForSchema = z.strictObject({
  card: z.string(),
  /** CUDA version of the driver */
  driver: z.string(),
  /** "NVRTC 13.2" */
  compiler: z.string(),
  precision: z.string(),
  shape: z.strictObject({
    ...{ arch: z.string(), features: z.int(), layers: z.int(), radial: z.int(), cutoff: z.number() },
    ...{ rbf: z.string(), readoutWidths: z.array(z.int()) },
  }),
  /** of all that the kernels are made of */
  kernels: z.string(),
});
export type TunedFor = z.infer<typeof tunedForSchema>;

export const tuningFileSchema = z.strictObject({
  format: z.literal(formatName),
  /** ISO 8601 */
  made: z.string(),
  seconds: z.number(),
  tunedFor: tunedForSchema,
  /** what was compared with, and what is better */
  usual: fullTuningSchema,
  tuning: tuningSchema,
  /** what was timed: with the setting at `value` on one side and at `against` on the other; `ratio`: the other's time over it */
  trials: z.array(
    z.strictObject({
      ...{ setting: z.string(), value: z.number(), against: z.number(), atoms: z.int(), structures: z.int() },
      ...{ with: timing, without: timing, ratio: z.strictObject({ value: z.number(), low: z.number(), high: z.number() }) },
      verdict: z.enum(["faster", "slower", "even"]),
    }),
  ),
  /** settings that there was no time to search, or to search to the end */
  leftOut: z.array(z.string()),
});
export type TuningFile = z.infer<typeof tuningFileSchema>;

/** What tells whether a file is of this card, driver, compiler, model shape and kernels. @throws {PainnlessError} MISSING without NVRTC */
export async function tunedFor(
  model: ModelFile,
  precision: CudaPrecision,
  card: Pick<CudaCard, "name" | "driver" | "architecture" | "sharedBytes">,
  nvrtc: readonly string[],
  addon = loadAddon(),
): Promise<TunedFor> {
  const config = nativeConfig(model);
  const { compiler, parts } = await addon.compileKernels([{ config, precision }], card, nvrtc, "all").catch((cause: unknown) => {
    throw fromNative(cause);
  });
  const { arch, features, layers, radial, cutoff, rbf, readoutWidths } = config;
  return {
    ...{ card: card.name, driver: card.driver, compiler: compiler.replace(/,.*/, ""), precision },
    shape: { arch, features, layers, radial, cutoff, rbf, readoutWidths: [...readoutWidths] },
    kernels: hash(parts.map(({ key }) => key).join("\n")),
  };
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** One for each card, model shape and precision: a file that is out of date is found, and said to be. */
export const tuningPath = (folder: string, { card, precision, shape }: TunedFor): string =>
  join(folder, `${hash(JSON.stringify([card, precision, shape]))}.json`);

export interface Found {
  readonly tuning: Tuning;
  /** which, or why not; null: there is no file */
  readonly note: string | null;
}

/** The settings for an engine: those of the file if it is of this very configuration, else the shipped ones. */
export async function findTuning(folder: string, wanted: TunedFor, architecture: number): Promise<Found> {
  const path = tuningPath(folder, wanted);
  const shipped = (why: string | null): Found => ({
    tuning: shippedTuning(architecture),
    note: why === null ? null : `${path} is not used: ${why}; painnless tune makes it anew`,
  });
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    return shipped((cause as NodeJS.ErrnoException).code === "ENOENT" ? null : String(cause));
  }
  const parsed = tuningFileSchema.safeParse(jsonOf(text));
  if (!parsed.success) return shipped(`it is no tuning of format ${formatName}`);
  const { tunedFor: has, tuning, made } = parsed.data;
  const differs = (["driver", "compiler", "kernels"] as const).filter((name) => has[name] !== wanted[name]);
  if (
    differs.length > 0 ||
    JSON.stringify([has.card, has.precision, has.shape]) !== JSON.stringify([wanted.card, wanted.precision, wanted.shape])
  )
    return shipped(`it was made for another ${differs.join(" and another ") || "card or model"}`);
  return { tuning, note: `tuned on ${made.slice(0, 10)}: ${describeTuning(tuning)}` };
}

/** The place for a file that takes minutes to make: told now if it cannot be written. @returns writes it, whole or not at all, and says where
 *  @throws {PainnlessError} NOT_FOUND where it cannot be written */
export async function claimTuning(folder: string, wanted: TunedFor): Promise<(file: TuningFile) => Promise<string>> {
  const path = tuningPath(folder, wanted);
  const unwritable = (cause: unknown): never => {
    throw new PainnlessError("NOT_FOUND", `cannot write tuning ${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  };
  await makeFolder(folder).catch(unwritable);
  await access(folder, constants.W_OK).catch(unwritable);
  return async (file) => {
    await writeWhole(path, `${JSON.stringify(file, null, 1)}\n`).catch(unwritable);
    return path;
  };
}
