import { link, lstat, rm, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { PainnlessError } from "../errors.ts";
import { makeFolder } from "../system/make-folder.ts";

/** The names that sockets have in the file system: private, and one server's at a time. */

export const badEndpoint = (message: string, cause?: unknown) => new PainnlessError("USAGE", message, { field: "endpoint", cause });
export const codeOf = (cause: unknown) => (cause instanceof Error && "code" in cause ? cause.code : null);

/** Where several servers start at one name: tries, ms between them, and ms after which one of them must have been killed. */
const claimAttempts = 300;
const claimMs = 20;
const guardMs = 5_000;
/** The folder, made if need be, which nobody else may enter. @throws {PainnlessError} USAGE */
export async function preparePrivate(folder: string): Promise<void> {
  try {
    await makeFolder(folder, 0o700);
    const { mode, uid } = await stat(folder);
    if (uid === process.getuid?.() && (mode & 0o077) === 0) return;
    const permissions = (mode & 0o777).toString(8);
    throw badEndpoint(
      `the folder ${folder} of the endpoint is open to others (owner ${uid}, mode ${permissions}), expected your own, mode 700`,
    );
  } catch (cause) {
    if (cause instanceof PainnlessError) throw cause;
    throw badEndpoint(`the folder ${folder} of the endpoint cannot be made: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
}

/** Gives the socket `own` the name `path`, also where a dead server left it. @throws {PainnlessError} USAGE if a living one has it */
export async function claim(own: string, path: string): Promise<void> {
  for (let attempt = 0; attempt < claimAttempts; attempt++) {
    if (await linked(own, path)) return;
    if (await isFile(path)) throw badEndpoint(`endpoint ipc://${path}: a file that is not a socket is there`);
    if (await answers(path)) throw badEndpoint(`endpoint ipc://${path}: another server is there; name another endpoint, or end that one`);
    // Of several that find it dead, one removes it, after a second look: nobody may remove what a living one has put there meanwhile.
    await withGuard(`${path}.guard`, async () => {
      if (!(await answers(path))) await rm(path, { force: true });
    });
  }
  throw badEndpoint(`endpoint ipc://${path}: others are starting there; name another endpoint`);
}

/** Does the work if nobody else is at it; else waits a moment, and ends the guard of one who was killed. */
async function withGuard(guard: string, work: () => Promise<void>): Promise<void> {
  try {
    await writeFile(guard, "", { flag: "wx", mode: 0o600 });
  } catch (cause) {
    if (codeOf(cause) !== "EEXIST") throw cause;
    await new Promise((resolve) => setTimeout(resolve, claimMs));
    const { mtimeMs } = await stat(guard).catch(() => ({ mtimeMs: Number.POSITIVE_INFINITY })); // gone by now
    if (Date.now() - mtimeMs > guardMs) await rm(guard, { force: true });
    return;
  }
  try {
    await work();
  } finally {
    await rm(guard, { force: true });
  }
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

async function isFile(path: string): Promise<boolean> {
  try {
    return !(await lstat(path)).isSocket();
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return false;
    throw cause;
  }
}

export async function isInode(path: string, ino: number): Promise<boolean> {
  try {
    return (await stat(path)).ino === ino;
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return false;
    throw cause;
  }
}
