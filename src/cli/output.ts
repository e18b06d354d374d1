import { existsSync } from "node:fs";
import { realpath, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { PainnlessError } from "../errors.ts";
import { makeFolder } from "../system/make-folder.ts";
import { assertWritable, writeWhole } from "../system/write-whole.ts";

/** A file that a command will write at its end. What an earlier run left there is removed now, so that a run that fails leaves nothing that
 *  could pass for its result; the new content appears whole or not at all. A device or a pipe, /dev/null or >(program), is written to and stays.
 *  @throws {PainnlessError} NOT_FOUND if the folder cannot be made or written to, or the old file not removed */
export async function claimOutput(path: string): Promise<{ write(content: string): Promise<void> }> {
  const unwritable = refusing(path);
  await makeRoom(path);
  const found = await stat(path).catch(() => null); // nothing there yet
  if (found !== null && !found.isFile() && !found.isDirectory()) return { write: (content) => writeFile(path, content).catch(unwritable) };
  await assertWritable(path).catch(unwritable); // told now, not after the hours that the command takes
  await rm(path, { force: true }).catch(unwritable);
  return { write: (content) => writeWhole(path, content).catch(unwritable) };
}

/** Makes the folder of a file that will be written. @throws {PainnlessError} NOT_FOUND */
export const makeRoom = (path: string): Promise<void> => makeFolder(dirname(path)).catch(refusing(path));

const refusing = (path: string) => (cause: unknown) => {
  throw new PainnlessError("NOT_FOUND", `cannot write "${path}": ${cause instanceof Error ? cause.message : cause}`, { cause });
};

/** Refuses an output that the command reads, which would be gone before, and two that are one file, of which the last would be left.
 *  @param outputs path by what the user calls it; absent where it was not asked for
 *  @param inputs as the command line names them, FILE@INDEX and name:NAME too  @throws {PainnlessError} USAGE */
export async function assertOwnFiles(
  outputs: Readonly<Record<string, string | null | undefined>>,
  inputs: readonly (string | null | undefined)[],
): Promise<void> {
  const taken = new Map<string, string>();
  for (const input of inputs.filter((source) => source != null)) {
    // A file that has an @ in its name is read by that name, as in worker/files.py.
    const path = existsSync(input) ? input : input.replace(/@[^@]*$/, "");
    for (const each of [input, path]) {
      const file = await identityOf(each);
      if (file !== null) taken.set(file, "the command reads");
    }
  }
  for (const [name, path] of Object.entries(outputs)) {
    const file = path == null ? null : await identityOf(path);
    if (file === null) continue;
    const other = taken.get(file);
    if (other !== undefined) throw new PainnlessError("USAGE", `${name} is "${path}", which ${other}; name another file`);
    taken.set(file, `is ${name} too`);
  }
}

/** The same for all paths of one file, whether it is there or not; null of what is no file: a device, a pipe, a folder. */
async function identityOf(path: string): Promise<string | null> {
  const found = await stat(path, { bigint: true }).catch(() => null);
  if (found !== null) return found.isFile() ? `${found.dev} ${found.ino}` : null;
  const folder = await realpath(dirname(path)).catch(() => resolve(dirname(path))); // to be made too
  return join(folder, basename(path));
}
