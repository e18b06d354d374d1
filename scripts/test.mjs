#!/usr/bin/env node
/** Every check of the repository; all run even if one fails. Those that only read run side by side, then one suite of tests after the other (they
 *  would disturb each other's timings), two files at a time. What `npm test` runs after the set-up. The last line is "N passed, N failed, N skipped": tests, and each other check that failed as one failure.
 *  Exit status: 0 all passed, 1 something failed. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromiumPath } from "./setup/chromium.mjs";
import { countPytest, countVitest } from "./test/counts.mjs";

/** @typedef {import("./test/counts.mjs").Counts} Counts */
/** @typedef {{ name: string, command: string[], report?: string, count?: (file: string) => Counts }} Check */

const root = fileURLToPath(new URL("..", import.meta.url));
const python = process.env.PAINNLESS_PYTHON || join(root, ".venv/bin/python");
const reports = join(root, "build/test");
const node = (/** @type {string} */ script, /** @type {string[]} */ ...args) => [
  process.execPath,
  join(root, "node_modules", script),
  ...args,
];
const vitestReport = join(reports, "vitest.json");
const pytestReport = join(reports, "pytest.xml");

/** @type {Check[]} */
const readers = [
  { name: "types, src", command: node("typescript/bin/tsc", "--noEmit", "--incremental", "false", "-p", "tsconfig.json") },
  { name: "types, page", command: node("typescript/bin/tsc", "-p", "src/report/client/tsconfig.json") },
  { name: "types, tests", command: node("typescript/bin/tsc", "-p", "tests/tsconfig.json") },
  { name: "biome", command: node("@biomejs/biome/bin/biome", "check", "--error-on-warnings") },
  { name: "ruff check", command: [python, "-m", "ruff", "check"] },
  { name: "ruff format", command: [python, "-m", "ruff", "format", "--check"] },
  { name: "pyright", command: [python, "-m", "pyright", "--pythonpath", python] },
];

/** @type {Check[]} */
const suites = [
  {
    name: "vitest",
    command: node("vitest/vitest.mjs", "run", "--reporter=default", "--reporter=json", `--outputFile.json=${vitestReport}`),
    report: vitestReport,
    count: countVitest,
  },
  {
    name: "pytest",
    // A file in one process: its tests share servers and models.
    command: [python, "-m", "pytest", "-q", "--numprocesses=2", "--dist=loadfile", `--junitxml=${pytestReport}`],
    report: pytestReport,
    count: countPytest,
  },
];

/** @param {readonly string[]} command @param {"inherit" | "pipe"} output @returns {Promise<{ status: number, said: string }>} said: of what goes through a pipe */
function run([command = "", ...args], output) {
  // PYTHONPATH: a PAINNLESS_PYTHON of the user's own has no painnless installed.
  // OMP_NUM_THREADS: sums of several threads come in any order, and the last bit of a Hessian turns degenerate normal modes around.
  const env = { ...process.env, PYTHONPATH: join(root, "python"), OMP_NUM_THREADS: "1" };
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", output, output] });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding("utf8").on("data", (text) => (said += text));
    child.once("error", reject);
    child.once("close", (code) => resolve({ status: code ?? 1, said }));
  });
}

/** @param {Check} check @param {number} status @returns {Counts} */
function countsOf({ report, count }, status) {
  const none = { passed: 0, failed: status === 0 ? 0 : 1, skipped: 0 };
  if (report === undefined || count === undefined) return none;
  const counts = existsSync(report) ? count(report) : none;
  // A runner that ended badly without naming a failed test, or that ran none, has failed all the same.
  const failed = counts.failed === 0 && (status !== 0 || counts.passed === 0) ? 1 : counts.failed;
  return { ...counts, failed };
}

rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
const heading = (/** @type {Check} */ { name }) => `\n== ${name}\n`;

/** @param {Check} check @param {"inherit" | "pipe"} output */
async function carryOut(check, output) {
  const start = performance.now();
  const { status, said } = await run(check.command, output);
  const seconds = (performance.now() - start) / 1000;
  if (output === "pipe") process.stdout.write(heading(check) + said);
  return { name: check.name, counts: countsOf(check, status), seconds };
}

const rows = await Promise.all(readers.map((check) => carryOut(check, "pipe")));
for (const check of suites) {
  process.stdout.write(heading(check));
  rows.push(await carryOut(check, "inherit"));
}

const sum = (/** @type {keyof Counts} */ key) => rows.reduce((total, { counts }) => total + counts[key], 0);
process.stdout.write("\n");
for (const { name, counts, seconds } of rows) {
  const tests = counts.passed + counts.skipped > 0 ? `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped` : "";
  process.stdout.write(
    `${name.padEnd(14)}${(counts.failed === 0 ? "ok" : "FAILED").padEnd(8)}${seconds.toFixed(1).padStart(7)} s  ${tests}\n`,
  );
}
if (chromiumPath() === null)
  process.stdout.write(
    "no Chromium on PATH: tests of pages were skipped; install your system's chromium, or name one in PAINNLESS_CHROMIUM\n",
  );
process.stdout.write(`${sum("passed")} passed, ${sum("failed")} failed, ${sum("skipped")} skipped\n`);
process.exitCode = sum("failed") === 0 ? 0 : 1;
