import { join } from "node:path";
import { defineCommand } from "citty";
import { type CrosscheckResult, crosscheckResultSchema } from "../crosscheck/result.ts";
import { PainnlessError } from "../errors.ts";
import type { ModelFile } from "../model/model-file.ts";
import { onAbort } from "../system/on-abort.ts";
import { readRegular } from "../system/regular-file.ts";
import { oneOf, option, usual, wholeNumber } from "./arguments.ts";
import type { CommandData } from "./command.ts";
import { runMd } from "./md-job.ts";
import { type MdPlan, planRun, runArguments } from "./md-request.ts";
import { mdSummary } from "./md-summary.ts";
import { assertOwnFiles } from "./output.ts";
import { quoted } from "./terminal.ts";

const terminated = 128 + 15;

/** `painnless md`: exit status 0 if every check of the run passed, 1 otherwise; 130 or 143 when interrupted, with a checkpoint. */
export const mdCommand = defineCommand({
  meta: { name: "md", description: "Molecular dynamics: a trajectory, its drift with an interval, and what causes it" },
  args: {
    ...runArguments,
    "checkpoint-every": option("N", "Steps from one checkpoint to the next; once a minute by default"),
    budget: option("N", "Replica steps for what explains the drift; 0: none; half a minute's by default"),
    report: option("DIR", "Write index.html and md.json; the frames too unless --out names a file"),
    crosscheck: option("FILE", "crosscheck.json of the same model, for the report"),
    json: usual.json,
    log: option("json", "On standard output one line of JSON a second, and the result as the last"),
    threads: usual.threads,
  },
  async run({ args, rawArgs, data }) {
    const { signal, onTerminate } = data as CommandData;
    const ended = new AbortController();
    let byTerm = false;
    onAbort(signal, () => ended.abort());
    onTerminate(() => {
      // The second time it is meant at once.
      if (byTerm) process.exit(terminated);
      byTerm = true;
      ended.abort();
    });
    const whole = (option: "checkpoint-every" | "budget" | "threads", minimum: number) => {
      const text = args[option];
      return text === undefined ? null : wholeNumber(option, text, minimum);
    };
    const settings = {
      command: ["painnless", "md", ...rawArgs.map(quoted)].join(" "),
      threads: whole("threads", 1),
      checkpointEvery: whole("checkpoint-every", 1),
      budget: whole("budget", 0),
      logJson: args.log !== undefined && oneOf("log", args.log, ["json"]) === "json",
      report: args.report ?? null,
      json: args.json ?? null,
      signal: ended.signal,
    };
    const plan = await planRun(args, args._.slice(2), settings.report);
    await assertOwnFiles(outputsOf(plan, settings), [plan.model.path, args.structure, args.crosscheck]);
    const crosscheck = args.crosscheck === undefined ? null : await readCrosscheck(args.crosscheck, plan.model);
    const outcome = await runMd(plan, { ...settings, crosscheck }).catch((cause: unknown) => {
      // Interrupted after its last step, among the measures: the run is whole, and --resume makes them anew.
      if (ended.signal.aborted && cause instanceof PainnlessError && cause.code === "CANCELLED") return null;
      throw cause;
    });
    if (outcome === null || "interrupted" in outcome) {
      const step = outcome?.interrupted.step ?? plan.options.steps;
      process.stderr.write(`painnless: stopped at step ${step}; go on with: painnless md --resume ${quoted(plan.paths.checkpoint)}\n`);
      return byTerm ? terminated : 130;
    }
    const { result } = outcome;
    process.stdout.write(settings.logJson ? `${JSON.stringify(result)}\n` : mdSummary(result));
    if (settings.report !== null && !settings.logJson) process.stdout.write(`  report: ${settings.report}/index.html\n`);
    return result.verdict === "pass" ? 0 : 1;
  },
});

/** Not md.json of the report, which is what --json would write there. */
const outputsOf = ({ converted, paths }: MdPlan, { json, report }: { json: string | null; report: string | null }) => ({
  ...{ "the checkpoint": paths.checkpoint, "the log": paths.log, "the file of the frames": paths.trajectory, "--out": converted },
  ...{ "--json": json, "the page of --report": report && join(report, "index.html") },
});

async function readCrosscheck(path: string, model: ModelFile): Promise<CrosscheckResult> {
  const text = (await readRegular(path, "the crosscheck for the report,")).toString("utf8");
  try {
    const result = crosscheckResultSchema.parse(JSON.parse(text));
    if (result.model.sha256 === model.sha256) return result;
  } catch (cause) {
    throw new PainnlessError("USAGE", `${path} is not a result of painnless crosscheck (format painnless.crosscheck/1)`, { cause });
  }
  throw new PainnlessError("USAGE", `${path} is of another model than ${model.path}`, { field: "crosscheck" });
}
