import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

/** Makes a folder and those above it that are not there. Node's recursive mkdir never returns from where nothing can be made, as in /proc.
 *  @param mode of each that is made  @throws what the file system says */
export async function makeFolder(path: string, mode?: number): Promise<void> {
  if (await isFolder(path)) return;
  if (dirname(path) !== path) await makeFolder(dirname(path), mode);
  await mkdir(path, mode).catch(async (cause: unknown) => {
    if (!(await isFolder(path))) throw cause; // else another made it meanwhile
  });
}
