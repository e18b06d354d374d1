import { join } from "node:path";
import { defineCommand } from "citty";
import { selectFrames } from "../report/dynamics/frames.ts";
import { renderDynamicsReport } from "../report/dynamics.ts";
import { oneOf, wholeNumber } from "./arguments.ts";
import type { CommandData } from "./command.ts";
import { planRun, runArguments } from "./md-request.ts";
import { mdResult } from "./md-result.ts";
import { convertFrames, type MdRun, runPlan } from "./md-run.ts";
import { mdSummary } from "./md-summary.ts";
import { claimOutput } from "./output.ts";
import { sidesOf } from "./sides.ts";
import { quoted } from "./terminal.ts";

/** `painnless md`: exit status 0 if every check of the run passed, 1 otherwise; 130 or 143 when interrupted, with a checkpoint. */
export const mdCommand = defineCommand({
  meta: { name: "md", description: "Molecular dynamics: a trajectory, its drift with an interval, and what causes it" },
  args: {
    ...runArguments,
    "checkpoint-every": { type: "string", valueHint: "N", description: "Steps from one checkpoint to the next; once a minute by default" },
    report: {
      type: "string",
      valueHint: "DIR",
      description: "Write index.html and md.json, and the frames there unless --out names a file",
    },
    json: { type: "string", valueHint: "FILE", description: "Write the result as JSON" },
    log: {
      type: "string",
      valueHint: "json",
      description: "Write one line of JSON a second on standard output, and the result as the last",
    },
    threads: { type: "string", valueHint: "N", description: "Threads of the engine or worker; a worker takes one by default" },
  },
  async run({ args, rawArgs, data }) {
    const { signal, onTerminate } = data as CommandData;
    const ended = new AbortController();
    let terminated = false;
    signal.addEventListener("abort", () => ended.abort());
    onTerminate(() => {
      // The second time it is meant at once.
      if (terminated) process.exit(143);
      terminated = true;
      ended.abort();
    });
    const started = performance.now();
    const checkpointEvery = args["checkpoint-every"] === undefined ? null : wholeNumber("checkpoint-every", args["checkpoint-every"], 1);
    const threads = args.threads === undefined ? null : wholeNumber("threads", args.threads, 1);
    const logJson = args.log !== undefined && oneOf("log", args.log, ["json"]) === "json";
    const command = ["painnless", "md", ...rawArgs.map(quoted)].join(" ");
    const plan = await planRun(args, args._.slice(2), args.report ?? null);
    const json = args.json === undefined ? null : await claimOutput(args.json);
    const [page, pageJson] = await Promise.all(
      args.report === undefined ? [] : ["index.html", "md.json"].map((file) => claimOutput(join(args.report as string, file))),
    );
    const sides = sidesOf({ model: plan.model, checkpoint: null, threads });
    try {
      const run = await runPlan(plan, sides, { command, checkpointEvery, logJson, signal: ended.signal });
      const { checkpoint } = plan.paths;
      if (run.end.interrupted && run.end.step < plan.options.steps) {
        process.stderr.write(`painnless: stopped at step ${run.end.step}; go on with: painnless md --resume ${quoted(checkpoint)}\n`);
        return terminated ? 143 : 130;
      }
      await convertFrames(run);
      const result = await mdResult(run, command, (performance.now() - started) / 1e3);
      const text = `${JSON.stringify(result, null, 1)}\n`;
      await json?.write(text);
      await pageJson?.write(text);
      await page?.write(renderDynamicsReport({ result, frames: await shownFrames(run), crosscheck: null }));
      process.stdout.write(logJson ? `${JSON.stringify(result)}\n` : mdSummary(result));
      return result.verdict === "pass" ? 0 : 1;
    } finally {
      await sides.close();
    }
  },
});

const shownFrames = ({ plan, recording }: MdRun) =>
  plan.paths.trajectory === null ? null : selectFrames(recording.readFrames(), plan.structure.numbers.length, plan.options.seed);
