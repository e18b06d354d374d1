import { link, lstat, mkdir, mkdtemp, rename, rm, rmdir, stat } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { Context, Router, type SocketOptions } from "zeromq";
import { PainnlessError } from "../errors.ts";
import { guardWith, type ServerCurve } from "./curve.ts";

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
  if (endpoint === null) return openIpc(join(await mkdtemp(join(tmpdir(), "painnless-")), "wire"), { ...options, ownFolder: true });
  if (endpoint.startsWith("ipc://")) return openIpc(resolve(endpoint.slice("ipc://".length)), options);
  if (endpoint.startsWith("tcp://")) return openTcp(endpoint, options);
  throw bad(`endpoint "${endpoint}": expected ipc://PATH or tcp://HOST:PORT`);
}

const bad = (message: string, cause?: unknown) => new PainnlessError("USAGE", message, { field: "endpoint", cause });
const codeOf = (cause: unknown) => (cause instanceof Error && "code" in cause ? cause.code : null);

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
  const own = join(folder, `.${process.pid}.${basename(path)}`);
  if (Buffer.byteLength(own) > pathBytes)
    throw bad(
      `endpoint ipc://${path}: the path is too long, expected at most ${pathBytes - basename(own).length + basename(path).length} bytes`,
    );
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

async function preparePrivate(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const { mode, uid } = await stat(folder);
    if (uid === process.getuid?.() && (mode & 0o077) === 0) return;
    const permissions = (mode & 0o777).toString(8);
    throw bad(`the folder ${folder} of the endpoint is open to others (owner ${uid}, mode ${permissions}), expected your own, mode 700`);
  } catch (cause) {
    if (cause instanceof PainnlessError) throw cause;
    throw bad(`the folder ${folder} of the endpoint cannot be made: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
}

/** Gives the socket `own` the name `path`, also where a dead server left it. @throws {PainnlessError} USAGE if a living one has it */
async function claim(own: string, path: string): Promise<void> {
  const aside = `${own}.stale`;
  for (let attempt = 0; attempt < 10; attempt++) {
    if (await linked(own, path)) return;
    try {
      if (!(await lstat(path)).isSocket()) throw bad(`endpoint ipc://${path}: a file that is not a socket is there`);
      if (await answers(path)) break;
      // Of several that find it dead, one moves it away. If a living one took its place meanwhile, that goes back.
      await rename(path, aside);
      if (await answers(aside)) await linked(aside, path);
      await rm(aside);
    } catch (cause) {
      if (codeOf(cause) !== "ENOENT") throw cause; // it has just gone: look again
    }
  }
  throw bad(`endpoint ipc://${path}: another server is there; name another endpoint, or end that one`);
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false;
    throw cause;
  }
}

/** Whether a process listens at the socket file; one that is stopped does, and so does one that is too busy to take us. */
function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.once("error", (cause) => resolve(codeOf(cause) !== "ECONNREFUSED" && codeOf(cause) !== "ENOENT"));
  });
}

async function isInode(path: string, ino: number): Promise<boolean> {
  try {
    return (await stat(path)).ino === ino;
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return false;
    throw cause;
  }
}
