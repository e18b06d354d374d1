import { randomBytes } from "node:crypto";
import { mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { PainnlessError } from "../errors.ts";

/** A file that a command will write at its end. What an earlier run left there is removed now, so that a run that fails leaves nothing that
 *  could pass for its result; the new content appears whole or not at all. A device or a pipe, /dev/null or >(program), is written to and stays.
 *  @throws {PainnlessError} NOT_FOUND if the folder cannot be made or the old file not removed */
export async function claimOutput(path: string): Promise<{ write(content: string): Promise<void> }> {
  const unwritable = (cause: unknown): never => {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PainnlessError("NOT_FOUND", `cannot write "${path}": ${why}`, { cause });
  };
  await mkdir(dirname(path), { recursive: true }).catch(unwritable);
  const found = await stat(path).catch(() => null); // nothing there yet
  if (found !== null && !found.isFile() && !found.isDirectory()) return { write: (content) => writeFile(path, content).catch(unwritable) };
  await rm(path, { force: true }).catch(unwritable);
  return {
    async write(content) {
      const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
      try {
        await writeFile(temporary, content);
        await rename(temporary, path);
      } catch (cause) {
        await rm(temporary, { force: true });
        unwritable(cause);
      }
    },
  };
}
