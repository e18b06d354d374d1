import { defineCommand } from "citty";
import type { SimulationRequest } from "../dynamics/options.ts";
import { PainnlessError } from "../errors.ts";
import { readModelFile } from "../model/model-file.ts";
import { onAbort } from "../system/on-abort.ts";
import { parseKeyFile, parsePublicKeys, type ServerCurve } from "../wire/curve.ts";
import { readKey } from "../wire/destination.ts";
import { protocolVersion } from "../wire/messages.ts";
import { reviving } from "../wire/reviving.ts";
import { Server } from "../wire/server.ts";
import { option, usual, wholeNumber } from "./arguments.ts";
import type { CommandData } from "./command.ts";
import { openLog } from "./log.ts";
import { assertSide, sidesOf } from "./sides.ts";
import { engineBuild, packageVersion } from "./version.ts";

const format = "painnless.serve/1";

/** `painnless serve`: offers a side at an endpoint, until it is told to end. */
export const serveCommand = defineCommand({
  meta: { name: "serve", description: "Answer for a model at an endpoint, for Python and other processes" },
  args: {
    model: usual.model,
    side: usual.side,
    endpoint: option("E", "ipc://PATH or tcp://HOST:PORT; a socket of its own without it"),
    threads: usual.threads,
    private: { type: "boolean", default: false, description: "End with standard input, or with the process that started this one" },
    key: option("FILE", "Key pair of the server, for tcp"),
    clients: option("FILE", "Public keys of the clients that may come, one in a line, for tcp"),
    log: option("FILE", "Where logs go, JSON lines; standard error without it"),
    "max-clients": option("N", "Clients at once"),
    "max-queue": option("N", "Requests of one client that may wait"),
  },
  async run({ args, data }) {
    try {
      await serve(args, data as CommandData);
    } catch (error) {
      // Whoever started us reads one line, and can tell what it is about without reading prose.
      if (error instanceof PainnlessError) announce({ error: { code: error.code, message: error.message, field: error.field } });
      throw error;
    }
  },
});

interface Arguments {
  readonly model: string;
  readonly side: string;
  readonly endpoint?: string | undefined;
  readonly threads?: string | undefined;
  readonly private: boolean;
  readonly key?: string | undefined;
  readonly clients?: string | undefined;
  readonly log?: string | undefined;
  readonly "max-clients"?: string | undefined;
  readonly "max-queue"?: string | undefined;
}

async function serve(args: Arguments, { signal, onTerminate, abandon }: CommandData): Promise<void> {
  assertSide(args.side);
  const threads = args.threads === undefined ? null : wholeNumber("threads", args.threads, 1);
  const limits = {
    ...(args["max-clients"] === undefined ? {} : { clients: wholeNumber("max-clients", args["max-clients"], 1) }),
    ...(args["max-queue"] === undefined ? {} : { queue: wholeNumber("max-queue", args["max-queue"], 1) }),
  };
  const curve = await curveOf(args);
  const end = new Promise<string>((resolve) => {
    onTerminate(() => resolve("SIGTERM"));
    onAbort(signal, () => resolve("SIGINT"));
    if (args.private) watchStarter(resolve);
  });
  const [model, version] = await Promise.all([readModelFile(args.model), packageVersion()]);
  const log = openLog(args.log ?? null, args.private ? "warn" : "info");
  const open = () => sidesOf({ model, checkpoint: null, threads });
  let sides = open();
  let computing = false;
  try {
    const { potential: first, note, versions } = await sides.open(args.side);
    const potential = first.name.startsWith("native:")
      ? first
      : reviving(first, async () => {
          log.warn({ side: first.name }, "opened again");
          await sides.close();
          sides = open();
          return (await sides.open(args.side)).potential;
        });
    const server = await Server.start(potential, {
      ...{ endpoint: args.endpoint ?? null, curve, ownFolder: args.private, limits, log },
      ...{ model: model.sha256, cutoff: model.config.cutoff },
      versions: { painnless: await engineBuild(), node: process.versions.node, ...versions },
      openMotion: async ({ structure, options, velocities }) => {
        const { openSession } = await import("../dynamics/open.ts"); // which most servers never need
        return openSession(potential, structure, options as SimulationRequest, velocities === null ? {} : { velocities });
      },
    });
    announce({
      ...{ endpoint: server.endpoint, pid: process.pid, side: potential.name, note, model: model.sha256 },
      ...{ protocol: protocolVersion, version, serverKey: curve?.pair.publicKey ?? null },
    });
    log.info({ why: await end }, "ending");
    await server.close();
    computing = server.isComputing && potential.name.startsWith("native:");
  } finally {
    if (args.private) process.stdin.destroy();
    if (!computing) await sides.close();
    const written = await log.close();
    if (computing || !written) abandon();
  }
}

const announce = (fields: object): void => void process.stdout.write(`${JSON.stringify({ format, ...fields })}\n`);

async function curveOf({ endpoint, key, clients }: Arguments): Promise<ServerCurve | null> {
  if (key === undefined && clients === undefined) return null;
  if (key === undefined || clients === undefined || !endpoint?.startsWith("tcp://"))
    throw new PainnlessError("USAGE", "--key and --clients go together, with --endpoint tcp://HOST:PORT", { field: "key" });
  return { pair: parseKeyFile(await readKey(key), key), clients: parsePublicKeys(await readKey(clients), clients) };
}

/** Calls back when standard input ends, or when the process that started us has: a forked child of it may hold our input open. */
function watchStarter(gone: (why: string) => void): void {
  const starter = process.ppid;
  process.stdin.on("end", () => gone("standard input ended")).on("error", () => gone("standard input failed"));
  process.stdin.resume();
  setInterval(() => {
    if (process.ppid !== starter) gone(`process ${starter} is gone`);
  }, 250).unref();
}
