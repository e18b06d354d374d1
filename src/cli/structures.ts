import { PainnlessError } from "../errors.ts";
import { type ReadOptions, withBridge } from "../python/bridge.ts";
import { resolvePython } from "../python/environment.ts";
import type { Structure } from "../system/structure.ts";

/** The structures that the command line names, read by ASE; each has a name of its own.
 *  @throws {PainnlessError} NOT_FOUND, BAD_STRUCTURE, USAGE, UNSUPPORTED */
export async function readStructures(sources: readonly string[], options: ReadOptions = {}): Promise<Structure[]> {
  if (sources.length === 0)
    throw new PainnlessError("USAGE", 'STRUCTURES is missing: a file that ASE reads, or name:NAME such as "name:CH3CH2OH"');
  const structures = await withBridge(await resolvePython(), (bridge) => bridge.readStructures(sources, options));
  return withOwnNames(structures);
}

/** The second "x.xyz" becomes "x.xyz (2)". */
function withOwnNames(structures: readonly Structure[]): Structure[] {
  const taken = new Set<string>();
  return structures.map((structure) => {
    let name = structure.name;
    for (let k = 2; taken.has(name); k++) name = `${structure.name} (${k})`;
    taken.add(name);
    return { ...structure, name };
  });
}
