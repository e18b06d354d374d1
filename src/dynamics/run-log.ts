import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import type { EnergyRecords } from "./session.ts";

/** What a run leaves beside its frames, one JSON object a line: docs/formats.md, section 8. */

const columns = ["potential", "kinetic", "heat"] as const satisfies Exclude<keyof EnergyRecords, "steps">[];

/** A second side on one frame: differences of force components over all replicas, eV/Å. */
export const shadowPointSchema = z.strictObject({
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
  z.strictObject({ step: z.number(), potential: perReplica, kinetic: perReplica, heat: perReplica }),
  z.strictObject({ shadow: shadowPointSchema }),
]);

/** A line for each record. JSON keeps every bit of finite numbers but the sign of zero; what is not finite is null. */
export function recordLines(records: EnergyRecords, replicas: number): string {
  const line = (step: number, k: number): string => {
    const of = (column: (typeof columns)[number]) => [column, [...records[column].subarray(k * replicas, (k + 1) * replicas)]];
    return `${JSON.stringify({ step, ...Object.fromEntries(columns.map(of)) })}\n`;
  };
  return Array.from(records.steps, line).join("");
}

export const shadowLine = (point: ShadowPoint): string => `${JSON.stringify({ shadow: point })}\n`;

export interface RunLog {
  readonly records: EnergyRecords;
  readonly shadow: readonly ShadowPoint[];
}

/** All that a run has logged. @throws {PainnlessError} NOT_FOUND, BAD_CHECKPOINT where a line is not ours */
export async function readRunLog(path: string): Promise<RunLog> {
  const steps: number[] = [];
  const values = columns.map((): number[] => []);
  const shadow: ShadowPoint[] = [];
  const stream = createReadStream(path);
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
      const line = lineSchema.parse(JSON.parse(text));
      if ("shadow" in line) shadow.push(line.shadow);
      else {
        steps.push(line.step);
        columns.forEach((column, c) => {
          for (const value of line[column]) values[c]?.push(value ?? Number.NaN);
        });
      }
    }
  } catch (cause) {
    const missing = cause instanceof Error && "syscall" in cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw missing
      ? new PainnlessError("NOT_FOUND", `cannot read ${path}, the log of this run: ${why}`, { cause })
      : new PainnlessError("BAD_CHECKPOINT", `${path}, line ${steps.length + shadow.length + 1} is not what painnless logged: ${why}`, {
          cause,
        });
  } finally {
    stream.destroy();
  }
  const [potential, kinetic, heat] = values.map((column) => Float64Array.from(column)) as [Float64Array, Float64Array, Float64Array];
  return { records: { steps: Float64Array.from(steps), potential, kinetic, heat }, shadow };
}
