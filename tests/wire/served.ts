import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { childVariables, resolvePython } from "../../src/python/environment.ts";
import type { Structure } from "../../src/system/structure.ts";

/** A server of the potential "sleepy" that is tested: calculators/sleepy.py or sleepy.mjs. */
export interface Served {
  readonly endpoint: string;
  readonly pid: number;
  /** sha256 of the model it says it has */
  readonly model: string | null;
  close(): Promise<void>;
}

export const calculators = fileURLToPath(new URL("./calculators", import.meta.url));
export const sleepy = "ase:sleepy:Sleepy" as const;

/** A worker whose endpoint stays known, so that several clients can come. */
export async function serveSleepy(): Promise<Served> {
  const python = await resolvePython();
  const folder = mkdtempSync(join(tmpdir(), "painnless-test-"));
  const endpoint = `ipc://${join(folder, "wire")}`;
  const variables = childVariables();
  const child = spawn(
    python.executable,
    ["-m", "painnless.worker", "--serve", sleepy, "--endpoint", endpoint, "--parent", String(process.pid)],
    { env: { ...variables, PYTHONPATH: `${variables.PYTHONPATH}${delimiter}${calculators}` }, stdio: ["ignore", "inherit", "inherit"] },
  );
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const close = async () => {
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  return { endpoint, pid: child.pid ?? 0, model: null, close };
}

/** Two atoms; computing them takes `seconds`, and no two of different `mark` have the same energy, 1 + (mark + 1)^2 at 0 seconds. */
export function pair(mark: number, seconds = 0): Structure {
  return {
    name: `pair ${mark}`,
    numbers: [1, 8],
    positions: Float64Array.of(seconds, 1, 0, 0, 0, mark + 1),
    cell: null,
    pbc: [false, false, false],
  };
}

export const energyOfPair = (mark: number, seconds = 0) => seconds ** 2 + 1 + (mark + 1) ** 2;

/** A zombie is dead: it waits only to be noticed by whoever adopted it. */
export function isAlive(pid: number): boolean {
  const status = `/proc/${pid}/status`;
  return existsSync(status) && !/^State:\s+Z/m.test(readFileSync(status, "utf8"));
}

/** Whether `happens` within `ms`, asked every 20 ms. */
export async function within(ms: number, happens: () => boolean): Promise<boolean> {
  const end = Date.now() + ms;
  while (!happens()) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
