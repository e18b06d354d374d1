import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PainnlessError } from "../errors.ts";

/** A new folder that is ours alone. @param prefix of its name
 *  @throws {PainnlessError} NOT_FOUND: on clusters TMPDIR is often that of a job which has ended */
export function temporaryFolder(prefix: string): Promise<string> {
  return mkdtemp(join(tmpdir(), prefix)).catch((cause: Error) => {
    const message = `cannot make a folder in ${tmpdir()}: ${cause.message}; set TMPDIR to a folder that can be written to`;
    throw new PainnlessError("NOT_FOUND", message, { cause });
  });
}
