#!/usr/bin/env node
import { type ArgsDef, type CommandDef, renderUsage, runCommand } from "citty";
import { loadAddon } from "../engine/addon.ts";
import { type ErrorCode, PainnlessError } from "../errors.ts";
import { assertArguments } from "./arguments.ts";
import type { CommandData } from "./command.ts";
import { inColour, oneLine } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** The only place that prints errors and sets the exit status. */

/** A command of any arguments. */
interface Command {
  readonly description: string;
  readonly args: ArgsDef;
  usage(): Promise<string>;
  run(rawArgs: string[], data: CommandData): Promise<unknown>;
}

async function commandOf<T extends ArgsDef>(definition: CommandDef<T>): Promise<Command> {
  const { meta, args } = definition;
  return {
    description: (typeof meta === "function" ? await meta() : await meta)?.description ?? "",
    args: (typeof args === "function" ? await args() : await args) ?? {},
    usage: async () => inColour(await renderUsage(definition, { meta: { name: "painnless" } })),
    run: async (rawArgs, data) => (await runCommand(definition, { rawArgs, data })).result,
  };
}

/** Loaded when called, so that a command works where only another one's needs are missing. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => commandOf((await import("./demo.ts")).demoCommand),
  import: async () => commandOf((await import("./import.ts")).importCommand),
  inspect: async () => commandOf((await import("./inspect.ts")).inspectCommand),
  evaluate: async () => commandOf((await import("./evaluate.ts")).evaluateCommand),
  crosscheck: async () => commandOf((await import("./crosscheck.ts")).crosscheckCommand),
  md: async () => commandOf((await import("./md.ts")).mdCommand),
  bench: async () => commandOf((await import("./bench.ts")).benchCommand),
  profile: async () => commandOf((await import("./profile.ts")).profileCommand),
  tune: async () => commandOf((await import("./tune.ts")).tuneCommand),
  serve: async () => commandOf((await import("./serve.ts")).serveCommand),
  keys: async () => commandOf((await import("./keys.ts")).keysCommand),
  status: async () => commandOf((await import("./status.ts")).statusCommand),
  doctor: async () => commandOf((await import("./doctor.ts")).doctorCommand),
};

/** errors.ts says which code means what. */
const exitStatus: Readonly<Record<ErrorCode, number>> = {
  USAGE: 2,
  BAD_STRUCTURE: 2,
  BAD_MODEL: 2,
  BAD_CHECKPOINT: 2,
  BAD_MESSAGE: 2,
  UNSUPPORTED: 2,
  NOT_FOUND: 2,
  MISSING: 3,
  NOT_FINITE: 1,
  UNSTABLE: 1,
  WRITE_FAILED: 1,
  WORKER_DIED: 1,
  WORKER_FAILED: 1,
  TIMEOUT: 1,
  OVERLOADED: 1,
  CANCELLED: 130,
  INTERNAL: 1,
};
const interrupted = exitStatus.CANCELLED;
/** As of a program that the signal SIGPIPE ended. */
const unread = 128 + 13;

const isHelp = (argument: string | undefined): boolean => argument === "--help" || argument === "-h";

async function overview(): Promise<string> {
  const width = Math.max(...Object.keys(commands).map((name) => name.length));
  const lines = Object.entries(commands).map(async ([name, load]) => `  ${name.padEnd(width)}  ${(await load()).description}`);
  return [
    `painnless ${await packageVersion()}: PaiNN force fields, fast, and proven against PyTorch`,
    "",
    ...(await Promise.all(lines)),
    "",
    "painnless COMMAND --help says more about a command.",
  ].join("\n");
}

/** Runs the command of argv. @returns the exit status of a run that did not throw */
async function run(argv: readonly string[], data: CommandData): Promise<number> {
  const [name, ...rest] = argv;
  if (name === undefined || isHelp(name) || name === "help") {
    process.stdout.write(`${await overview()}\n`);
    return name === undefined ? exitStatus.USAGE : 0;
  }
  if (name === "--version") {
    process.stdout.write(`${await packageVersion()}\n`);
    return 0;
  }
  const load = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (load === undefined)
    throw new PainnlessError("USAGE", `there is no command "${name}"; the commands are ${Object.keys(commands).join(", ")}`);
  const command = await load();
  if (rest.some(isHelp)) {
    process.stdout.write(`${await command.usage()}\n`);
    return 0;
  }
  assertArguments(name, command.args, rest);
  const result = await command.run(rest, data);
  return typeof result === "number" ? result : 0;
}

/** One line for a fault the user can mend; the whole trace for one that only we can. */
function report(error: unknown): number {
  if (error instanceof PainnlessError && error.code !== "INTERNAL") {
    process.stderr.write(`painnless: ${oneLine(error.message)}\n`);
    return exitStatus[error.code];
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`painnless: internal error: ${text}\n`);
  return exitStatus.INTERNAL;
}

const interrupt = new AbortController();
process.on("SIGINT", () => {
  // The second time the user means it: children end with this process.
  if (interrupt.signal.aborted) process.exit(interrupted);
  interrupt.abort();
});
/** The exit status where standard output takes no more: nobody reads it (| head), or there is no room. What runs is ended as by Ctrl-C, so that a run
 *  keeps a checkpoint. */
let lost = null as number | null;
process.stdout.on("error", (cause: NodeJS.ErrnoException) => {
  if (lost !== null) return;
  lost = cause.code === "EPIPE" ? unread : exitStatus.WRITE_FAILED;
  if (lost !== unread) process.stderr.write(`painnless: cannot write to standard output: ${cause.message}\n`);
  process.exitCode = lost;
  interrupt.abort();
});
process.stderr.on("error", () => undefined); // there is no other place to say so

/** A command that has something to finish puts its own end here. */
let terminate = (): void => process.exit(128 + 15);
process.on("SIGTERM", () => terminate());
const onTerminate = (end: () => void): void => {
  terminate = end;
};
let abandoned = false;
const abandon = (): void => {
  abandoned = true;
};

try {
  const status = await run(process.argv.slice(2), { signal: interrupt.signal, onTerminate, abandon });
  process.exitCode = lost ?? (interrupt.signal.aborted ? interrupted : status);
} catch (error) {
  if (interrupt.signal.aborted) {
    if (lost === null) process.stderr.write("painnless: interrupted\n");
    process.exitCode = lost ?? interrupted;
  } else process.exitCode = report(error);
}
if (abandoned) loadAddon().exitNow(Number(process.exitCode));
