import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import type { PythonEnvironment } from "../python/environment.ts";
import type { Structure } from "../system/structure.ts";
import { failure, LineProcess } from "./line-process.ts";
import { origin, ratio, timing } from "./result.ts";
import { ratioOf, timingOf } from "./statistics.ts";
import { type Answer, type Contestant, type Inputs, interleave, type Schedule, verify } from "./trial.ts";

/** What the script of somebody who has a SchNetPack model takes, from end to end, before and after the line that makes its calculator is swapped:
 *  `painnless bench ase`. */

/** atoms of the structures, as `--sizes` has them */
export const aseSizes = ["20", "1000"];

const answerSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("ready"), calculator: z.string(), versions: z.record(z.string(), z.string()) }),
  z.strictObject({ kind: z.literal("loaded") }),
  z.strictObject({ kind: z.literal("evaluated"), energy: z.number(), forces: z.array(z.number()) }),
  z.strictObject({ kind: z.literal("timed"), seconds: z.number().positive() }),
  failure,
]);
type Reply = z.infer<typeof answerSchema>;

export type Calculator = "schnetpack" | "reference" | "painnless";

export interface ScriptOptions {
  readonly calculator: Calculator;
  /** what the calculator is given: a checkpoint with its unit, or a model file */
  readonly model: string;
  readonly energyUnit: string | null;
  readonly device: "cpu" | "cuda";
  readonly precision: "f32" | "f64";
}

/** The script in a Python of its own (python/painnless/worker/ase_script.py). */
export class Script {
  readonly #process: LineProcess<Reply>;
  /** "SpkCalculator" */
  readonly calculator: string;
  readonly versions: Readonly<Record<string, string>>;
  /** until it had the forces of the first set */
  readonly startSeconds: number;

  private constructor(process: LineProcess<Reply>, ready: Extract<Reply, { kind: "ready" }>, startSeconds: number) {
    this.#process = process;
    this.calculator = ready.calculator;
    this.versions = ready.versions;
    this.startSeconds = startSeconds;
  }

  /** @param sets places of the same atoms, from each of which steps can begin
   *  @throws {PainnlessError} WORKER_DIED, WORKER_FAILED with its own words */
  static async start(python: PythonEnvironment, options: ScriptOptions, sets: readonly Structure[], now: () => number): Promise<Script> {
    const { calculator, model, energyUnit, device, precision } = options;
    const unit = energyUnit === null ? [] : ["--energy-unit", energyUnit];
    const began = now();
    const process = new LineProcess(
      python,
      ["painnless.worker.ase_script", calculator, model, "--device", device, "--precision", precision, ...unit],
      { name: `the ASE script with calculator ${calculator}`, schema: answerSchema },
    );
    try {
      const ready = await process.answer("ready");
      const [first] = sets;
      await process.answer("loaded", {
        kind: "load",
        numbers: first?.numbers ?? [],
        positions: sets.map(({ positions }) => [...positions]),
      });
      await process.answer("evaluated", { kind: "evaluate", set: 0 });
      return new Script(process, ready, now() - began);
    } catch (error) {
      await process.close();
      throw error;
    }
  }

  async evaluate(set: number): Promise<Answer> {
    const { energy, forces } = await this.#process.answer("evaluated", { kind: "evaluate", set });
    return { energies: [energy], forces: Float64Array.from(forces) };
  }

  /** Seconds of a step, mean over so many. */
  async step(how: "ase" | "run_nve", set: number, steps: number): Promise<number> {
    return (await this.#process.answer("timed", { kind: "time", how, set, steps })).seconds / steps;
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}

const positive = z.number().positive();
/** times of a step; `startSeconds`: from the start of Python to the first forces */
const side = z.strictObject({
  calculator: z.string(),
  versions: z.record(z.string(), z.string()),
  startSeconds: positive,
  step: z.strictObject(timing),
});

export const aseResultSchema = z.strictObject({
  format: z.literal("painnless.ase/1"),
  ...origin,
  /** mean number of running processes in the last minute, before and after: a busy machine measures badly, PyTorch on a processor above all */
  load: z.strictObject({ before: z.number(), after: z.number() }),
  /** why the script's own package is not what came before; null: it is */
  insteadOfSchnetpack: z.string().nullable(),
  rows: z
    .array(
      z.strictObject({
        atoms: z.int().positive(),
        before: side,
        after: side,
        /** what calc.run_nve takes for a step instead of ASE's integrator, the same calculator */
        inside: z.strictObject(timing),
        /** before over after, and over inside */
        ratio,
        insideRatio: ratio,
      }),
    )
    .min(1),
});
export type AseResult = z.infer<typeof aseResultSchema>;
export type AseRow = AseResult["rows"][number];

/** run_nve makes so many steps where ASE makes one: a run of few is its beginning. */
const insideSteps = 16;

/** One size: both scripts verified on the very positions, then timed in turns.
 *  @throws {PainnlessError} NOT_FINITE if one of them computes something else */
export async function runAseRow(
  before: Script,
  after: Script,
  sides: { readonly before: string; readonly after: string },
  judged: readonly Answer[],
  inputs: Inputs,
  schedule: Schedule,
): Promise<AseRow> {
  const [atoms = 0] = inputs.atoms;
  const contestant = (script: Script, name: string, on: string): Contestant => ({
    ...{ name: `${script.calculator}, ${name}`, side: on, evaluate: (set) => script.evaluate(set) },
    time: async (set, count) => [await script.step("ase", set, count)],
  });
  const [old, own] = [contestant(before, "before", sides.before), contestant(after, "after", sides.after)];
  const inside: Contestant = { ...own, time: async (set, count) => [await after.step("run_nve", set, insideSteps * count)] };
  for (const one of [old, own]) await verify(one, judged, inputs);
  const [oldTimes, ownTimes, insideTimes] = await interleave([old, own, inside], schedule);
  if (oldTimes === undefined || ownTimes === undefined || insideTimes === undefined)
    throw new PainnlessError("INTERNAL", "three contestants gave fewer times");
  const of = ({ calculator, versions, startSeconds }: Script, times: number[][]) => ({
    ...{ calculator, versions, startSeconds, step: timingOf(times.flat()) },
  });
  return {
    ...{ atoms, before: of(before, oldTimes), after: of(after, ownTimes), inside: timingOf(insideTimes.flat()) },
    ...{ ratio: ratioOf(oldTimes, ownTimes), insideRatio: ratioOf(oldTimes, insideTimes) },
  };
}
