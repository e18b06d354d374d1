import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

const stdio = ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"];

export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts the built command line as a user would, in a pipe. */
export function start(argv: readonly string[], variables: NodeJS.ProcessEnv = {}): { child: ChildProcess; ended: Promise<Ended> } {
  if (!existsSync(main)) expect.fail(`${main} is not built; run npx tsc -p .`);
  return watch(spawn(process.execPath, [main, ...argv], { cwd: root, env: { ...process.env, ...variables }, stdio }));
}

/** The same where no file can grow beyond so many KiB: writing more is an error, as on a full disk. */
export function startLimited(kibibytes: number, argv: readonly string[]): ReturnType<typeof start> {
  // The signal that comes with that error would end the process.
  const shell = `trap '' XFSZ; ulimit -f ${kibibytes}; exec "$@"`;
  return watch(spawn("bash", ["-c", shell, "bash", process.execPath, main, ...argv], { cwd: root, stdio }));
}

/** The same with standard output into a file. */
export const startInto = (file: string, argv: readonly string[]): ReturnType<typeof start> =>
  watch(spawn("bash", ["-c", 'exec > "$1"; shift; exec "$@"', "bash", file, process.execPath, main, ...argv], { cwd: root, stdio }));

function watch(child: ChildProcessByStdio<null, Readable, Readable>): ReturnType<typeof start> {
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, out, err }));
  });
  return { child, ended };
}

export const painnless = (...argv: string[]): Promise<Ended> => start(argv).ended;
