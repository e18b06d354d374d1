import { type ChildProcess, spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { PainnlessError } from "../errors.ts";
import type { Evaluation, Potential, Property } from "../system/potential.ts";
import type { Domain, Structure } from "../system/structure.ts";
import { socketFolder } from "../system/temporary-folder.ts";
import { childVariables, type PythonEnvironment, type PythonPackage, requirePackage } from "./environment.ts";
import { guard } from "./lifeline.ts";

export interface WorkerOptions {
  readonly python: PythonEnvironment;
  /** "torch": our reference; "package": the checkpoint's own package, which unpickles the file and so runs what is in it;
   *  "ase:MODULE:FACTORY[?JSON]": any ASE calculator */
  readonly serve: "torch" | "package" | `ase:${string}`;
  /** the model file (torch) or the checkpoint (package); none for ase */
  readonly model?: string;
  readonly device?: string;
  readonly precision?: "f32" | "f64";
  /** what the checkpoint's energies are in; package only, a checkpoint does not say */
  readonly energyUnit?: string;
  /** of torch, in the worker's process; its own choice by default */
  readonly threads?: number;
  /** ms from start to welcome: the import of torch and the reading of the model lie in between */
  readonly startMs?: number;
  /** ms without a sign of life after which an owed answer is given up */
  readonly silenceMs?: number;
}

/** How to reach a server at an endpoint, e.g. `RemotePotential.connect` of wire/client.ts: python/ starts processes and knows no protocol.
 *  `ended` resolves, with the reason, when the server's process is gone. */
export type Connect<P extends Potential> = (
  endpoint: string,
  options: { connectMs: number; silenceMs: number; ended: Promise<PainnlessError> },
) => Promise<P>;

const needs: Record<"torch" | "package" | "ase", readonly PythonPackage[]> = {
  torch: ["torch"],
  package: ["torch", "schnetpack", "ase"],
  ase: ["ase"],
};

const goodbyeMs = 1_000;
const rememberedBytes = 4_096;

/** A Python process that answers for a potential, watched: what it owes when it dies is refused with WORKER_DIED at once. */
export class Worker<P extends Potential> implements Potential {
  readonly pid: number;
  /** the connection itself, with what it can do beyond a potential */
  readonly remote: P;
  readonly #process: WorkerProcess;

  private constructor(process: WorkerProcess, remote: P) {
    this.pid = process.pid;
    this.remote = remote;
    this.#process = process;
  }

  static async start<P extends Potential>(options: WorkerOptions, connect: Connect<P>): Promise<Worker<P>> {
    const { startMs = 120_000, silenceMs = 10_000 } = options;
    const process = await WorkerProcess.spawn(options);
    try {
      const remote = await connect(process.endpoint, { connectMs: startMs, silenceMs, ended: process.ended });
      // The connection stands; nothing else needs the socket's name, so nothing can be left behind.
      process.forgetEndpoint();
      return new Worker(process, remote);
    } catch (error) {
      await process.stop();
      throw error;
    }
  }

  get name(): string {
    return this.remote.name;
  }

  get provides(): ReadonlySet<Property> {
    return this.remote.provides;
  }

  get domain(): Domain {
    return this.remote.domain;
  }

  /** @throws {PainnlessError} WORKER_DIED when the process ends while it owes the answer, TIMEOUT when it stands still */
  evaluate(batch: readonly Structure[], want?: readonly Property[]): Promise<Evaluation[]> {
    return this.remote.evaluate(batch, want);
  }

  async close(): Promise<void> {
    await this.remote.close();
    await this.#process.stop();
  }
}

/** A worker that has said welcome: `startWorker({ python, serve: "torch", model }, RemotePotential.connect)`.
 *  @throws {PainnlessError} MISSING (a package), WORKER_DIED or TIMEOUT (no welcome), and what the worker says of its model */
export function startWorker<P extends Potential>(options: WorkerOptions, connect: Connect<P>): Promise<Worker<P>> {
  return Worker.start(options, connect);
}

/** The child, the private folder of its socket, and the last it said. */
class WorkerProcess {
  readonly pid: number;
  readonly endpoint: string;
  /** why it ended, once it has */
  readonly ended: Promise<PainnlessError>;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #release: () => void;
  #said = "";

  private constructor(child: ChildProcess, pid: number, folder: string, endpoint: string, what: string) {
    this.#child = child;
    this.pid = pid;
    this.#folder = folder;
    this.endpoint = endpoint;
    this.#release = guard(child, () => this.forgetEndpoint());
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.#said = (this.#said + text).slice(-rememberedBytes);
      });
    this.ended = new Promise((resolve) => {
      // "exit" and not "close": the pipes may be held open by a grandchild.
      child.once("exit", (code, signal) => {
        this.forgetEndpoint();
        this.#release();
        const how = signal === null ? `exited with status ${code}` : `was ended by ${signal}`;
        const words = this.#said.trim().split("\n").slice(-3).join(" | ");
        resolve(new PainnlessError("WORKER_DIED", `${what} (pid ${pid}) ${how}${words === "" ? "" : `; it said: ${words}`}`));
      });
    });
  }

  static async spawn(options: WorkerOptions): Promise<WorkerProcess> {
    const { python, serve } = options;
    const kind = serve === "torch" || serve === "package" ? serve : "ase";
    for (const name of ["pyzmq", "msgspec", "numpy", ...needs[kind]] as const) requirePackage(python, name, `side "${serve}"`);
    const folder = await socketFolder();
    const endpoint = `ipc://${join(folder, "wire")}`;
    const child = spawn(python.executable, ["-m", "painnless.worker", ...workerArguments(options, endpoint)], {
      env: childVariables(),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const { pid } = child;
    if (pid === undefined) {
      rmSync(folder, { recursive: true, force: true });
      throw new PainnlessError("MISSING", `cannot start ${python.executable}: the system refused to make the process`);
    }
    return new WorkerProcess(child, pid, folder, endpoint, `worker ${serve}`);
  }

  forgetEndpoint(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Asks it to end, then makes it; returns when it has. */
  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    const impatient = setTimeout(() => this.#child.kill("SIGKILL"), goodbyeMs);
    await this.ended;
    clearTimeout(impatient);
  }
}

function workerArguments(options: WorkerOptions, endpoint: string): string[] {
  const { serve, model, device, precision, energyUnit, threads } = options;
  const named = { model, device, precision, "energy-unit": energyUnit, threads };
  return [
    ...["--serve", serve, "--endpoint", endpoint, "--parent", String(process.pid), "--own-folder"],
    ...Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)])),
  ];
}
