import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { z } from "zod";
import { PainnlessError } from "../errors.ts";
import { childVariables, type PythonEnvironment } from "../python/environment.ts";
import { guard } from "../python/lifeline.ts";
import { disagreement } from "../system/disagreement.ts";

/** What all of them may answer instead. */
export const failure = z.strictObject({ kind: z.literal("error"), message: z.string() });

/** A Python module that answers each line of JSON by one, in order. */
export class LineProcess<Reply extends { readonly kind: string }> {
  readonly #name: string;
  readonly #schema: z.ZodType<Reply>;
  readonly #child: ChildProcess;
  readonly #release: () => void;
  readonly #waiting: { resolve(reply: Reply): void; reject(error: PainnlessError): void }[] = [];
  #ended: PainnlessError | null = null;
  #said = "";

  /** @param name for errors, "the PyTorch baseline"  @param argv the module and its arguments; told its parent beside them */
  constructor(
    python: PythonEnvironment,
    argv: readonly string[],
    { name, schema, env = {} }: { readonly name: string; readonly schema: z.ZodType<Reply>; readonly env?: NodeJS.ProcessEnv },
  ) {
    this.#name = name;
    this.#schema = schema;
    const child = spawn(python.executable, ["-m", ...argv, "--parent", String(process.pid)], {
      env: { ...childVariables(), ...env },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child = child;
    this.#release = guard(child, () => undefined);
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#said = (this.#said + text).slice(-2000);
    });
    createInterface({ input: child.stdout }).on("line", (line) => this.#take(line));
    child.once("error", (cause) => this.#end(`did not start: ${cause.message}`));
    child.once("exit", (code, signal) => this.#end(`ended (${signal ?? `status ${code}`})`));
    // A write to a process that is gone is told by its exit.
    child.stdin.on("error", () => undefined);
  }

  /** The next answer; of a process that has just started, without a request.
   *  @throws {PainnlessError} WORKER_DIED, WORKER_FAILED with its own words, BAD_MESSAGE */
  async answer<K extends Reply["kind"]>(kind: K, request: object | null = null): Promise<Extract<Reply, { kind: K }>> {
    if (this.#ended === null && request !== null) this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    const reply: Reply = await this.#reply();
    const failed = failure.safeParse(reply);
    if (failed.success) throw new PainnlessError("WORKER_FAILED", `${this.#name}: ${failed.data.message}`);
    if (reply.kind !== kind) throw new PainnlessError("BAD_MESSAGE", `${this.#name} answered "${reply.kind}", expected "${kind}"`);
    return reply as Extract<Reply, { kind: K }>;
  }

  async close(): Promise<void> {
    this.#child.stdin?.end();
    this.#child.kill("SIGKILL");
    this.#release();
    this.#end("was closed");
  }

  #reply(): Promise<Reply> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #take(line: string): void {
    const refuse = (why: string) =>
      this.#waiting.shift()?.reject(new PainnlessError("BAD_MESSAGE", `${this.#name} answered ${line.slice(0, 200)}: ${why}`));
    let found: unknown;
    try {
      found = JSON.parse(line);
    } catch (cause) {
      refuse(String(cause)); // Python writes what is no number as NaN
      return;
    }
    const parsed = this.#schema.safeParse(found);
    if (parsed.success) this.#waiting.shift()?.resolve(parsed.data);
    else refuse(disagreement(parsed.error));
  }

  #end(how: string): void {
    const last = this.#said.trim().split("\n").slice(-3).join(" | ");
    this.#ended ??= new PainnlessError("WORKER_DIED", `${this.#name} ${how}${last === "" ? "" : `; it said: ${last}`}`);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#ended);
  }
}
