import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { delimiter } from "node:path";
import { fileURLToPath } from "node:url";
import { childVariables } from "../../src/python/environment.ts";
import { Random } from "../../src/system/random.ts";
import { calculators } from "./served.ts";

const main = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
export const model = fileURLToPath(new URL("../../models/ethanol.safetensors", import.meta.url));

export interface Serving {
  readonly endpoint: string;
  readonly pid: number;
  readonly child: ChildProcess;
  readonly ended: Promise<{ status: number | null; signal: NodeJS.Signals | null; err: string }>;
}

/** What a test started and, where it failed, did not stop. */
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** `painnless serve`, ready. @param shell what goes before it, e.g. "ulimit -n 40" */
export async function startServe(argv: readonly string[] = [], shell = "true"): Promise<Serving> {
  const variables = childVariables();
  const child = spawn("bash", ["-c", `${shell}; exec "$@"`, "bash", process.execPath, main, "serve", model, "--threads", "1", ...argv], {
    env: { ...variables, PYTHONPATH: `${variables.PYTHONPATH}${delimiter}${calculators}` },
    stdio: ["pipe", "pipe", "pipe"],
  });
  running.add(child);
  child.once("exit", () => running.delete(child));
  let err = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
  });
  const ended: Serving["ended"] = new Promise((resolve) => child.once("exit", (status, signal) => resolve({ status, signal, err })));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once("data", (text: Buffer) => resolve(String(text)));
    void ended.then(() => reject(new Error(`serve ended: ${err}`)));
  });
  const { endpoint, pid } = JSON.parse(line) as { endpoint: string; pid: number };
  return { endpoint, pid, child, ended };
}

export async function stop({ child, ended }: Serving): Promise<void> {
  child.kill("SIGKILL");
  await ended;
}

/** Seeded: ms from 0 to `most`. */
export function delays(name: string, count: number, most: number): number[] {
  const random = new Random(11, name);
  return Array.from({ length: count }, () => most * random.uniform());
}

export const children = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
