import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { basename, dirname } from "node:path";
import { PainnlessError } from "../errors.ts";

/** ms for the holder to say which process it is; one that is stopped says nothing. */
const answerMs = 500;
/** Bytes of an abstract name, at most. Node 20 fills up a shorter one with zeros, which counts, and later ones do not: they would not see each other. */
const nameBytes = 108;

/** Keeps a checkpoint and its files for this process: of two that wrote them, each would cut off what the other appended. The lock is an abstract socket
 *  (unix(7)), which the system takes back when the process ends, however it ends, so that nothing stale is ever left. It is known to the processes of
 *  one network (network_namespaces(7)): not on another machine or in a container with a network of its own. Systems other than Linux have no such
 *  sockets, and no lock.
 *  @param path of the checkpoint; its folder exists  @returns lets go
 *  @throws {PainnlessError} USAGE, naming the process that has it */
export async function lockCheckpoint(path: string): Promise<() => void> {
  if (process.platform !== "linux") return () => undefined;
  // The folder itself and not its path: mounted elsewhere it is the same, and /tmp of two containers is not. Open, its number is given to no other.
  const folder = await open(dirname(path), "r");
  const { dev, ino } = await folder.stat({ bigint: true });
  const hash = createHash("sha256")
    .update(`${dev} ${ino} ${basename(path)}`)
    .digest("hex");
  const name = `\0painnless-${hash}`.padEnd(nameBytes, "-");
  // Whoever asks and does not hang up must not keep this process.
  const server = createServer((asking) =>
    asking
      .unref()
      .on("error", () => asking.destroy())
      .end(`${process.pid}`),
  );
  server.once("close", () => void folder.close());
  if (!(await listens(server, name))) {
    const holder = await answer(name);
    await folder.close();
    throw new PainnlessError(
      "USAGE",
      `${path} is that of a run which ${holder === null ? "another process" : `process ${holder}`} is making; wait for it to end, or end it`,
      { field: "checkpoint" },
    );
  }
  server.unref();
  return () => void server.close();
}

/** Whether the name was free. */
function listens(server: Server, name: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => (cause.code === "EADDRINUSE" ? resolve(false) : reject(cause)));
    server.listen({ path: name }, () => resolve(true));
  });
}

/** What the holder says; null where it says nothing, no number, or has ended meanwhile: anybody on the machine can take the name. */
function answer(name: string): Promise<string | null> {
  return new Promise((resolve) => {
    let process: string | null = null;
    const socket = connect({ path: name });
    socket.setEncoding("utf8").setTimeout(answerMs, () => socket.destroy());
    socket.once("data", (text: string) => {
      process = /^\d{1,10}$/.test(text) ? text : null;
      socket.destroy();
    });
    socket.on("error", () => socket.destroy()); // then "close" follows
    socket.on("close", () => resolve(process));
  });
}
