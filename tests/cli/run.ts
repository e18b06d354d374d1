import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** Starts the built command line as a user would, in a pipe. */
export function start(argv: readonly string[], variables: NodeJS.ProcessEnv = {}): { child: ChildProcess; ended: Promise<Ended> } {
  if (!existsSync(main)) expect.fail(`${main} is not built; run npx tsc -p .`);
  const child = spawn(process.execPath, [main, ...argv], { cwd: root, env: { ...process.env, ...variables } });
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
