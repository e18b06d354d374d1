import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineCommand } from "citty";
import { compareResults } from "../bench/compare.ts";
import { type BenchResult, benchResultSchema } from "../bench/result.ts";
import { systems } from "../bench/systems.ts";
import { PainnlessError } from "../errors.ts";
import { nameList, oneOf, option, usual, wholeNumber } from "./arguments.ts";
import { runBench } from "./bench-run.ts";
import { runShim, shimSummary } from "./bench-shim.ts";
import { benchSummary, changeSummary } from "./bench-summary.ts";
import type { CommandData } from "./command.ts";
import { assertOwnFiles, claimOutput } from "./output.ts";

const shippedModel = fileURLToPath(new URL("../../models/ethanol.safetensors", import.meta.url));
const sizes = systems.map(({ name }) => name);

/** `painnless bench cpu`: our median against PyTorch's, interleaved, verified first. Exit status 1 if a ratio fell against --compare. */
export const benchCommand = defineCommand({
  meta: { name: "bench", description: "Time our engine against PyTorch, same weights, same inputs, in turns; verified first" },
  args: {
    suite: {
      type: "positional",
      required: false,
      default: "cpu",
      description: "Suite to run: cpu, or shim (the way from ASE to the engine)",
    },
    model: option("FILE", "Model file; random weights of F=128, L=3, R=20 by default"),
    sizes: option("A,B,...", `Systems, of ${sizes.join(", ")}`, sizes.join(",")),
    precisions: option("A,B", "Precisions", "f32,f64"),
    threads: option("N", "Threads of ours, and the most PyTorch may use; all by default"),
    seconds: option("S", "Seconds of timing for each system and precision", "8"),
    compile: { type: "boolean", default: true, description: "Also time torch.compile, which takes minutes to compile" },
    seed: option("S", "Seed of weights and inputs", "0"),
    json: usual.json,
    compare: option("FILE", "Fail if a ratio of this earlier result has fallen by more than its spread"),
  },
  async run({ args, rawArgs, data }) {
    const { signal } = data as CommandData;
    await assertOwnFiles({ "--json": args.json }, [args.model]);
    if (args.suite === "shim") return benchShim(args);
    if (args.suite !== "cpu")
      throw new PainnlessError("USAGE", `there is no suite "${args.suite}"; the suites are cpu and shim`, { field: "suite" });
    const chosen = nameList("sizes", args.sizes).map((name) => oneOf("sizes", name, sizes));
    const rows = chosen.flatMap((name) => systems.filter((row) => row.name === name));
    const precisions = nameList("precisions", args.precisions).map((name) => oneOf("precisions", name, ["f32", "f64"]));
    const before = args.compare === undefined ? null : await readResult(args.compare);
    const json = args.json === undefined ? null : await claimOutput(args.json);
    const result = await runBench({
      ...{ rows, precisions, model: args.model ?? null, compile: args.compile, signal },
      threads: args.threads === undefined ? availableParallelism() : wholeNumber("threads", args.threads, 1),
      seconds: wholeNumber("seconds", args.seconds, 1),
      seed: wholeNumber("seed", args.seed, 0),
      command: ["painnless", "bench", ...rawArgs].join(" "),
      progress: (text) => void (process.stderr.isTTY && process.stderr.write(`  ${text}\n`)),
    });
    await json?.write(`${JSON.stringify(benchResultSchema.parse(result), null, 1)}\n`);
    process.stdout.write(benchSummary(result));
    if (before === null) return 0;
    const changes = compareResults(before, result);
    process.stdout.write(changeSummary(changes));
    return changes.some(({ fell }) => fell) ? 1 : 0;
  },
});

/** `painnless bench shim`: what a call through ASE costs beside the engine. Exit status 1 if it is more than is allowed. */
async function benchShim(args: {
  model?: string | undefined;
  precisions: string;
  threads?: string | undefined;
  json?: string | undefined;
}) {
  const [precision = "f64"] = nameList("precisions", args.precisions).map((name) => oneOf("precisions", name, ["f32", "f64"]));
  const json = args.json === undefined ? null : await claimOutput(args.json);
  const results = await runShim({
    model: args.model ?? shippedModel,
    precision,
    threads: args.threads === undefined ? availableParallelism() : wholeNumber("threads", args.threads, 1),
    progress: (text) => void (process.stderr.isTTY && process.stderr.write(`  ${text}\n`)),
  });
  await json?.write(`${JSON.stringify({ format: "painnless.shim/1", precision, results }, null, 1)}\n`);
  process.stdout.write(shimSummary(results));
  return results.every(({ pass }) => pass) ? 0 : 1;
}

async function readResult(path: string): Promise<BenchResult> {
  const text = await readFile(path, "utf8").catch((cause: unknown) => {
    throw new PainnlessError("NOT_FOUND", `cannot read ${path}, to compare with`, { cause });
  });
  try {
    return benchResultSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new PainnlessError("USAGE", `${path} is not a result of painnless bench (format painnless.bench/1)`, { cause });
  }
}
