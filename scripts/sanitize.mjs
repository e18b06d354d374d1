#!/usr/bin/env node
/** `npm run test:sanitizer [-- TOOL... --tests NAME,NAME]`: tests of tests/cuda on a card, at small sizes, under NVIDIA's compute-sanitizer (of
 *  CUDA's toolkit): memcheck, racecheck, initcheck and synccheck, or those named; of the tests those that launch kernels, or those named.
 *  Logs go to build/sanitizer/. Exit status: 0 if every tool found nothing and every test passed, else 1. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "build/sanitizer");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: {
      type: "string",
      default: "engine,slices,spread,layer,results,random,neighbors,dynamics,guards,memory,portions,answer,resident",
    },
  },
});
/** Blocks of the resident schedule, and of updates that are spread over clusters, wait for numbers that come from others, which racecheck does not follow: it takes
 *  each for a race. */
const testsFor = (/** @type {string} */ tool) =>
  values.tests
    .split(",")
    .filter((name) => tool !== "racecheck" || !["answer", "resident", "spread", "layer"].includes(name))
    .map((name) => `tests/cuda/${name}.test.ts`);

/** Counters (mbarrier) of a block. synccheck counts them in the text, where one line makes several, and a table that runs over ends the kernel. */
const counters = ["--num-cuda-barriers", "64"];

mkdirSync(folder, { recursive: true });
let failed = false;
for (const tool of positionals.length > 0 ? positionals : ["memcheck", "racecheck", "initcheck", "synccheck"]) {
  const logs = () => readdirSync(folder).filter((name) => name.startsWith(`${tool}.`)); // of each process
  for (const name of logs()) rmSync(join(folder, name));
  const { status, error } = spawnSync(
    "compute-sanitizer",
    [
      ...["--tool", tool, "--target-processes", "all", "--error-exitcode", "9", "--log-file", join(folder, `${tool}.%p.log`)],
      ...(tool === "synccheck" ? counters : []),
      ...[process.execPath, join(root, "node_modules/vitest/vitest.mjs"), "run", "--no-file-parallelism", ...testsFor(tool)],
    ],
    { cwd: root, stdio: "inherit", env: { ...process.env, PAINNLESS_TEST_GPU: "1", PAINNLESS_TEST_SANITIZER: tool } },
  );
  if (error !== undefined) {
    console.error(`compute-sanitizer does not start (${error.message}); it comes with CUDA's toolkit, in its folder bin`);
    process.exit(1);
  }
  const lines = logs().flatMap((name) => readFileSync(join(folder, name), "utf8").split("\n"));
  const summaries = lines.filter((line) => line.includes(" SUMMARY: ")).map((line) => line.replace(/^=+ /, ""));
  const clean = summaries.length > 0 && summaries.every((line) => /SUMMARY: 0 (errors|hazards)/.test(line));
  failed ||= !clean || status !== 0;
  const first = lines.findIndex((line) => /^=+ \S/.test(line) && !/COMPUTE-SANITIZER|SUMMARY/.test(line));
  if (!clean && first >= 0) console.log(lines.slice(first, first + 6).join("\n"));
  console.log(
    `${tool}: ${clean ? "clean" : "NOT clean"}, tests ${status === 0 ? "passed" : `failed (status ${status})`}; ${summaries.join("; ") || "no summary"}`,
  );
}
process.exit(failed ? 1 : 0);
