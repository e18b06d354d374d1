import { constants } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { PainnlessError } from "../errors.ts";

const kinds = new Map([
  [constants.S_IFDIR, "a folder"],
  [constants.S_IFIFO, "a named pipe"],
  [constants.S_IFSOCK, "a socket"],
  [constants.S_IFCHR, "a character device"],
  [constants.S_IFBLK, "a block device"],
]);

/** Nothing, of a file that can be read to its end: opening a pipe waits for who writes into it, and a device may have no end.
 *  @throws what the file system says, or what else is there */
export async function assertRegular(path: string): Promise<void> {
  const kind = (await stat(path)).mode & constants.S_IFMT;
  if (kind !== constants.S_IFREG) throw new Error(`it is ${kinds.get(kind)}, expected a regular file`);
}

/** The bytes of a file. @param what for messages  @throws {PainnlessError} NOT_FOUND */
export async function readRegular(path: string, what: string): Promise<Buffer> {
  try {
    await assertRegular(path);
    return await readFile(path);
  } catch (cause) {
    throw new PainnlessError("NOT_FOUND", `cannot read ${what} ${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
