#!/usr/bin/env node
/** Makes a clone ready to run: npm packages, the C++ addon, the TypeScript build, a Python environment. Does only what is not done yet.
 *
 *    node scripts/setup.mjs            what `npm start` needs
 *    node scripts/setup.mjs --tests    also what `npm test` needs
 *
 *  Exit status: 0 ready, 3 something is missing from the machine (said with its remedy), 2 bad usage, 130 interrupted.
 *  Plain Node, no package: it runs before there are any. */
import { existsSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lock } from "./setup/lock.mjs";
import { Problem } from "./setup/problem.mjs";
import { Commands } from "./setup/processes.mjs";
import { Progress } from "./setup/progress.mjs";
import { missingInNamed } from "./setup/python-environment.mjs";
import { State } from "./setup/state.mjs";
import { steps } from "./setup/steps.mjs";

/** @typedef {import("./setup/steps.mjs").Step} Step */
/** @typedef {import("./setup/state.mjs").Level} Level */

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const folder = join(root, ".setup");
const namedPython = process.env.PAINNLESS_PYTHON || undefined;
const progress = new Progress(process.stderr);

/** @param {State} state @param {Level} level */
const pending = (state, level) =>
  steps(namedPython, level).filter(
    (step) => !state.isDone(step.id, step.fingerprint(root), level) || !step.outputs(level).every((file) => existsSync(join(root, file))),
  );

/** @param {Level} level */
async function setUp(level) {
  if (process.platform === "win32") throw new Problem("Windows is not supported", "use WSL, where this same command works");
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major < 20 || (major === 20 && minor < 11))
    throw new Problem(`this is Node.js ${process.versions.node}, 20.11 is the least`, "install a newer one");
  if (namedPython !== undefined) stopOn(missingInNamed(root, level, namedPython));
  const state = new State(folder);
  if (pending(state, level).length === 0) return;

  const commands = new Commands(folder);
  let unlock = () => {};
  for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM", "SIGHUP"]))
    process.on(signal, () => {
      commands.stop("SIGTERM");
      unlock();
      progress.interrupt();
      process.exit(130);
    });
  unlock = await lock(folder, (pid) => progress.say(`waiting for another set-up in this folder, process ${pid}`));
  try {
    await commands.stopOrphans();
    const todo = pending(state, level).filter((step) => !adopted(state, step, level));
    stopOn([...todo.flatMap((step) => step.missing()), ...lackOfSpace(todo, state)]);
    // When one fails the others go on to their end: what they fetch may be gigabytes.
    const chains = [todo.filter(({ independent }) => !independent), ...todo.filter(({ independent }) => independent).map((step) => [step])];
    const ended = await Promise.allSettled(
      chains.map(async (chain) => {
        for (const step of chain) await carryOut(step, state, level, commands);
      }),
    );
    stopOn(ended.flatMap((end) => (end.status === "rejected" ? [end.reason] : [])));
  } finally {
    unlock();
  }
}

/** Takes what is there already by other hands. @param {State} state @param {Step} step @param {Level} wanted */
function adopted(state, step, wanted) {
  const level = state.wasInterrupted(step.id)
    ? undefined
    : /** @type {const} */ (["tests", wanted]).find((level) => step.adopts(root, level));
  if (level === undefined) return false;
  state.finish(step.id, step.fingerprint(root), level);
  progress.say(`${step.name}: already there`);
  return true;
}

/** @param {Step} step @param {State} state @param {Level} wanted @param {Commands} commands */
async function carryOut(step, state, wanted, commands) {
  const print = step.fingerprint(root); // before the work: an edit while it runs must count as new
  const level = wanted === "tests" || state.level(step.id) === "tests" ? "tests" : "runtime";
  const interrupted = state.wasInterrupted(step.id);
  state.begin(step.id);
  progress.begin(step.name, step.note);
  try {
    await step.run({ root, level, interrupted, commands });
    const absent = step.outputs(level).filter((file) => !existsSync(join(root, file)));
    if (absent.length > 0)
      throw new Problem(
        `${step.name}: ended without an error but did not make ${absent.join(", ")}`,
        "this is a fault of painnless; please report it with the log",
        join(folder, `${step.id}.log`),
      );
  } catch (error) {
    progress.end(step.name, error instanceof Problem ? `failed: ${error.message}` : "failed"); // at once: others may go on for long
    if (step.resumes) state.withdraw(step.id);
    throw error;
  }
  state.finish(step.id, print, level);
  progress.end(step.name, interrupted ? "done, made anew" : "done");
}

/** Only a first run needs the whole space. @param {readonly Step[]} todo @param {State} state */
function lackOfSpace(todo, state) {
  const wanted = todo.filter((step) => state.level(step.id) === null).reduce((sum, step) => sum + step.megabytes, 0);
  const { bavail, bsize } = statfsSync(root);
  const free = Math.floor((bavail * bsize) / 1e6);
  if (free >= wanted) return [];
  const mine = namedPython === undefined ? "; an existing PyTorch and ASE environment, named by PAINNLESS_PYTHON, saves 7 GB" : "";
  return [new Problem(`${free} MB free in ${root}, about ${wanted} MB needed`, `free some space, or clone to a larger disk${mine}`)];
}

/** @param {readonly unknown[]} problems */
function stopOn(problems) {
  if (problems.length > 0) throw new AggregateError(problems);
}

/** @param {unknown} error @returns {unknown[]} */
const each = (error) => (error instanceof AggregateError ? error.errors.flatMap(each) : [error]);

/** What the user can mend; null: a fault of ours. @param {unknown} error @returns {Problem | null} */
function problemOf(error) {
  if (error instanceof Problem) return error;
  const { code, path } = /** @type {NodeJS.ErrnoException} */ (error);
  if (code === "ENOSPC" || code === "EDQUOT") return new Problem("the disk is full", "free some space and run the same command again");
  if (code === "EACCES" || code === "EPERM" || code === "EROFS")
    return new Problem(`cannot write ${path ?? root}`, "make the clone's folder yours (chown -R), or clone into a folder you may write to");
  return null;
}

/** @param {string} file */
const lastLines = (file) => readFileSync(file, "utf8").trimEnd().split("\n").slice(-15);

const [option, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (option !== undefined && option !== "--tests")) {
  process.stderr.write(`usage: node scripts/setup.mjs [--tests]; found "${process.argv.slice(2).join(" ")}"\n`);
  process.exit(2);
}
try {
  await setUp(option === "--tests" ? "tests" : "runtime");
} catch (error) {
  const errors = each(error);
  for (const { message, remedy, log } of errors.flatMap((one) => problemOf(one) ?? [])) {
    process.stderr.write(`\npainnless set-up: ${message}\n  remedy: ${remedy}\n`);
    if (log !== null)
      process.stderr.write(
        `  log: ${log}\n${lastLines(log)
          .map((line) => `    ${line}`)
          .join("\n")}\n`,
      );
  }
  const fault = errors.find((one) => problemOf(one) === null);
  if (fault !== undefined) throw fault; // said after what the user can mend
  process.exit(3);
}
