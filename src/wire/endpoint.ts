import { randomBytes } from "node:crypto";
import { rm, rmdir, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { Context, Router, type SocketOptions } from "zeromq";
import { PainnlessError } from "../errors.ts";
import { socketFolder } from "../system/temporary-folder.ts";
import { guardWith, type ServerCurve } from "./curve.ts";
import { badEndpoint as bad, claim, codeOf, isInode, preparePrivate } from "./socket-name.ts";

/** The socket of a server, bound where clients find it. */
export interface Door {
  readonly socket: Router;
  /** as clients name it, without their keys */
  readonly endpoint: string;
  /** Lets go of the socket and of its name. */
  close(): Promise<void>;
}

export interface DoorOptions {
  /** ipc://PATH or tcp://HOST:PORT; null: a socket in a new folder of its own */
  readonly endpoint: string | null;
  /** needed for tcp */
  readonly curve: ServerCurve | null;
  /** is the socket's folder ours to remove */
  readonly ownFolder: boolean;
  /** bytes of one frame, beyond which ZeroMQ cuts the connection */
  readonly frameBytes: number;
}

/** Answers that may wait in ZeroMQ for a client that reads slowly; what comes after them waits here. */
const answersInTransit = 64;
/** ms to hand over the last answers when the door closes */
const lingerMs = 1_000;
/** ZeroMQ and Unix have room for so many bytes of a socket's path. */
const pathBytes = 106;

/** @throws {PainnlessError} USAGE (an endpoint in use, or that cannot be), UNSUPPORTED (tcp without keys) */
export async function openDoor(options: DoorOptions): Promise<Door> {
  const { endpoint } = options;
  if (endpoint === null) return openIpc(join(await socketFolder(), "wire"), { ...options, ownFolder: true });
  if (endpoint.startsWith("ipc://")) return openIpc(resolve(endpoint.slice("ipc://".length)), options);
  if (endpoint.startsWith("tcp://")) return openTcp(endpoint, options);
  throw bad(`endpoint "${endpoint}": expected ipc://PATH or tcp://HOST:PORT`);
}

/** `mandatory` tells us of clients that are gone, and no timeout of those that do not read: nothing is dropped in silence. */
function socketOptions({ frameBytes }: DoorOptions): SocketOptions<Router> {
  return {
    context: new Context({ blocky: false }),
    ...{ linger: lingerMs, mandatory: true, sendTimeout: 0 },
    ...{ sendHighWaterMark: answersInTransit, maxMessageSize: frameBytes },
  };
}

async function openTcp(endpoint: string, options: DoorOptions): Promise<Door> {
  const { curve } = options;
  if (curve === null)
    throw new PainnlessError(
      "UNSUPPORTED",
      `endpoint ${endpoint}: TCP needs the server's key and a list of clients; there is no plaintext TCP`,
      {
        field: "endpoint",
      },
    );
  const general = socketOptions(options);
  const { secretKey } = curve.pair;
  const endGuard = await guardWith(general.context as Context, curve.clients);
  // A peer that vanished without a word is noticed by its missing heartbeats.
  const beats = { heartbeatInterval: 2_000, heartbeatTimeout: 10_000, handshakeInterval: 10_000 };
  const socket = new Router({ ...general, ...beats, curveServer: true, curveSecretKey: secretKey });
  try {
    await socket.bind(endpoint);
  } catch (cause) {
    socket.close();
    endGuard();
    if (codeOf(cause) === "EADDRINUSE") throw bad(`endpoint ${endpoint}: the port is in use; name another, or * for a free one`, cause);
    throw bad(`endpoint ${endpoint}: cannot be bound: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
  return {
    socket,
    endpoint: socket.lastEndpoint ?? endpoint,
    async close() {
      socket.close();
      endGuard();
    },
  };
}

/** ZeroMQ takes the name of a socket from whoever has it. So it is bound under a name of our own, and the name that clients know is a link
 *  to it, which only one server can make. */
async function openIpc(path: string, options: DoorOptions): Promise<Door> {
  const folder = dirname(path);
  const own = join(folder, `.${randomBytes(4).toString("hex")}`);
  if (Math.max(Buffer.byteLength(own), Buffer.byteLength(path)) > pathBytes)
    throw bad(`endpoint ipc://${path}: the path is too long, expected at most ${pathBytes} bytes, and ${pathBytes - 10} for the folder`);
  await preparePrivate(folder);
  const socket = new Router(socketOptions(options));
  try {
    await socket.bind(`ipc://${own}`);
    await claim(own, path);
  } catch (cause) {
    socket.close();
    await rm(own, { force: true });
    if (cause instanceof PainnlessError) throw cause;
    throw bad(`endpoint ipc://${path}: cannot be bound: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
  const { ino } = await stat(path);
  await rm(own);
  return {
    socket,
    endpoint: `ipc://${path}`,
    async close() {
      if (await isInode(path, ino)) await rm(path, { force: true });
      socket.close();
      if (options.ownFolder) await rmdir(folder).catch(unlessInUse);
    },
  };
}

/** Somebody else's file in our folder keeps it. */
function unlessInUse(cause: unknown): void {
  if (codeOf(cause) !== "ENOTEMPTY" && codeOf(cause) !== "ENOENT") throw cause;
}
