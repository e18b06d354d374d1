import { randomBytes } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";

const besides = (path: string): string => `${path}.${randomBytes(4).toString("hex")}.tmp`;

/** Tries whether `writeWhole` could write there; what is there stays. @throws what the file system says */
export async function assertWritable(path: string): Promise<void> {
  const temporary = besides(path);
  await writeFile(temporary, "", { flag: "wx" });
  await rm(temporary);
}

/** Writes a file whole or not at all: whoever reads it meanwhile has the old one, or the new one. Its folder is there.
 *  @throws what the file system says */
export async function writeWhole(path: string, content: string): Promise<void> {
  const temporary = besides(path);
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined); // what is told is why it could not be written
    throw cause;
  }
}
