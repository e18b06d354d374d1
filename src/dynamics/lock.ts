import { createHash } from "node:crypto";
import { realpath } from "node:fs/promises";
import { connect, createServer, type Server } from "node:net";
import { basename, dirname, join } from "node:path";
import { PainnlessError } from "../errors.ts";

/** ms for the holder to say which process it is; one that is stopped says nothing. */
const answerMs = 500;

/** Keeps a checkpoint and its files for this process: of two that wrote them, each would cut off what the other appended. The lock is an abstract socket
 *  (unix(7)), which the system takes back when the process ends, however it ends, so that nothing stale is ever left. It is known to the processes of
 *  one machine; systems other than Linux have no such sockets, and no lock.
 *  @param path of the checkpoint; its folder exists  @returns lets go
 *  @throws {PainnlessError} USAGE, naming the process that has it */
export async function lockCheckpoint(path: string): Promise<() => void> {
  if (process.platform !== "linux") return () => undefined;
  const file = join(await realpath(dirname(path)), basename(path));
  const name = `\0painnless-${createHash("sha256").update(file).digest("hex")}`;
  const server = createServer((asking) => asking.on("error", () => asking.destroy()).end(`${process.pid}`));
  if (!(await listens(server, name))) {
    const holder = await answer(name);
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

/** What the holder says; null where it says nothing, or has ended meanwhile. */
function answer(name: string): Promise<string | null> {
  return new Promise((resolve) => {
    let text = "";
    const socket = connect({ path: name });
    socket.setEncoding("utf8").setTimeout(answerMs, () => socket.destroy());
    socket.on("data", (part: string) => {
      text += part;
    });
    socket.on("error", () => socket.destroy()); // then "close" follows
    socket.on("close", () => resolve(text || null));
  });
}
