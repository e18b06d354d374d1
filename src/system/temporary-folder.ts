import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PainnlessError } from "../errors.ts";

/** A new folder that is ours alone. @param prefix of its name
 *  @throws {PainnlessError} NOT_FOUND: on clusters TMPDIR is often that of a job which has ended */
export function temporaryFolder(prefix: string, parent: string = tmpdir()): Promise<string> {
  return mkdtemp(join(parent, prefix)).catch((cause: Error) => {
    const message = `cannot make a folder in ${parent}: ${cause.message}; set TMPDIR to a folder that can be written to`;
    throw new PainnlessError("NOT_FOUND", message, { cause });
  });
}

/** Bytes of a path that leave room for /painnless-XXXXXX/.XXXXXXXX in that of a socket (wire/endpoint.ts). */
const longestParent = 79;

/** One for a socket: in /tmp where the path of the usual folder is too long. @throws {PainnlessError} NOT_FOUND */
export const socketFolder = (): Promise<string> =>
  temporaryFolder("painnless-", Buffer.byteLength(tmpdir()) <= longestParent ? tmpdir() : "/tmp");
