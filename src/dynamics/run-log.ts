import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import type { EnergyRecords } from "./session.ts";

/** What a run leaves beside its frames, one JSON object a line: docs/formats.md, section 8. */

const columns = ["potential", "kinetic", "heat", "modified"] as const satisfies readonly Exclude<keyof EnergyRecords, "steps">[];

/** A second side on one frame: differences of force components over all replicas, eV/Å. What is not finite is null. */
const shadowPointSchema = z.strictObject({
  step: z.number(),
  /** fs since step 0 */
  time: z.number(),
  maxAbs: z.number().nullable(),
  rms: z.number().nullable(),
  /** largest force component of the run's own side */
  largest: z.number().nullable(),
});
export type ShadowPoint = z.infer<typeof shadowPointSchema>;

const perReplica = z.array(z.number().nullable());
const lineSchema = z.union([
  z.strictObject({ step: z.number(), potential: perReplica, kinetic: perReplica, heat: perReplica, modified: perReplica }),
  z.strictObject({ shadow: shadowPointSchema }),
]);
type Line = z.infer<typeof lineSchema>;

/** A line for each record. JSON keeps every bit of finite numbers but the sign of zero; what is not finite is null. */
export function recordLines(records: EnergyRecords, replicas: number): string {
  const line = (step: number, k: number): string => {
    const of = (column: (typeof columns)[number]) => [column, [...records[column].subarray(k * replicas, (k + 1) * replicas)]];
    return `${JSON.stringify({ step, ...Object.fromEntries(columns.map(of)) })}\n`;
  };
  return Array.from(records.steps, line).join("");
}

export const shadowLine = (point: ShadowPoint): string => `${JSON.stringify({ shadow: point })}\n`;

export interface LogPart {
  readonly records: EnergyRecords;
  readonly shadow: readonly ShadowPoint[];
}

/** Lines that are held at once. */
const partLines = 4096;

/** All that a run has logged, in order, in parts of bounded size.
 *  @throws {PainnlessError} NOT_FOUND, BAD_CHECKPOINT where a line is not ours */
export async function* readRunLog(path: string): AsyncGenerator<LogPart, void, void> {
  const stream = createReadStream(path);
  let number = 0;
  let part: Line[] = [];
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      number += 1;
      part.push(parseLine(path, number, text));
      if (part.length < partLines) continue;
      yield partOf(part);
      part = [];
    }
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw new PainnlessError("NOT_FOUND", `cannot read ${path}, the log of this run: ${cause.message}`, { cause });
  } finally {
    stream.destroy();
  }
  yield partOf(part);
}

function parseLine(path: string, number: number, text: string): Line {
  try {
    return lineSchema.parse(JSON.parse(text));
  } catch (cause) {
    const what = `"${text.length > 60 ? `${text.slice(0, 60)}...` : text}"`;
    throw new PainnlessError("BAD_CHECKPOINT", `${path}, line ${number}: ${what} is not what painnless logs there`, { cause });
  }
}

function partOf(lines: readonly Line[]): LogPart {
  const records = lines.flatMap((line) => ("step" in line ? [line] : []));
  const column = (name: (typeof columns)[number]) =>
    Float64Array.from(records.flatMap((record) => record[name].map((x) => x ?? Number.NaN)));
  return {
    records: {
      steps: Float64Array.from(records, ({ step }) => step),
      potential: column("potential"),
      kinetic: column("kinetic"),
      heat: column("heat"),
      modified: column("modified"),
    },
    shadow: lines.flatMap((line) => ("shadow" in line ? [line.shadow] : [])),
  };
}
