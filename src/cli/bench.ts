import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineCommand } from "citty";
import { compareResults } from "../bench/compare.ts";
import { type BenchResult, benchResultSchema } from "../bench/result.ts";
import { systems } from "../bench/systems.ts";
import { PainnlessError } from "../errors.ts";
import { nameList, wholeNumber } from "./arguments.ts";
import { runBench } from "./bench-run.ts";
import { runShim, shimSummary } from "./bench-shim.ts";
import { benchSummary, changeSummary } from "./bench-summary.ts";
import type { CommandData } from "./command.ts";
import { claimOutput } from "./output.ts";

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
    model: { type: "string", valueHint: "FILE", description: "Model file; random weights of F=128, L=3, R=20 by default" },
    sizes: { type: "string", default: sizes.join(","), valueHint: "A,B,...", description: `Systems, of ${sizes.join(", ")}` },
    precisions: { type: "string", default: "f32,f64", valueHint: "A,B", description: "Precisions" },
    threads: { type: "string", valueHint: "N", description: "Threads of ours, and the most PyTorch may use; all by default" },
    seconds: { type: "string", default: "8", valueHint: "S", description: "Seconds of timing for each system and precision" },
    compile: { type: "boolean", default: true, description: "Also time torch.compile, which takes minutes to compile" },
    seed: { type: "string", default: "0", valueHint: "S", description: "Seed of weights and inputs" },
    json: { type: "string", valueHint: "FILE", description: "Write the result as JSON" },
    compare: {
      type: "string",
      valueHint: "FILE",
      description: "Fail if a ratio of this earlier result has fallen by more than its spread",
    },
  },
  async run({ args, rawArgs, data }) {
    const { signal } = data as CommandData;
    if (args.suite === "shim") return benchShim(args);
    if (args.suite !== "cpu")
      throw new PainnlessError("USAGE", `there is no suite "${args.suite}"; the suites are cpu and shim`, { field: "suite" });
    const rows = nameList("sizes", args.sizes).map((name) => oneOf("sizes", name, systems, (row) => row.name));
    const precisions = nameList("precisions", args.precisions).map((name) => oneOf("precisions", name, ["f32", "f64"] as const, (p) => p));
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
  const [precision = "f64"] = nameList("precisions", args.precisions).map((name) =>
    oneOf("precisions", name, ["f32", "f64"] as const, (p) => p),
  );
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

function oneOf<T>(option: string, name: string, choices: readonly T[], nameOf: (choice: T) => string): T {
  const found = choices.find((choice) => nameOf(choice) === name);
  if (found !== undefined) return found;
  throw new PainnlessError("USAGE", `--${option}: there is no "${name}"; expected some of ${choices.map(nameOf).join(", ")}`, {
    field: option,
  });
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
