import { readFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { z } from "zod";
import { addonBuild } from "../engine/addon.ts";
import type { Machine } from "../system/machine.ts";

/** Of this package, from its package.json. */
export async function packageVersion(): Promise<string> {
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

/** The same, and which build of the engine: two of one version may differ in last bits. @throws {PainnlessError} MISSING without the addon */
export const engineBuild = async (): Promise<string> => `${await packageVersion()} (build ${addonBuild()})`;

/** Where a result was made. @param versions of what computed it beside ourselves */
export async function thisMachine(versions: Readonly<Record<string, string>>): Promise<Machine> {
  return {
    platform: process.platform,
    arch: process.arch,
    cpu: cpus()[0]?.model.trim() || process.arch,
    cores: availableParallelism(),
    versions: { painnless: await packageVersion(), node: process.versions.node, ...versions },
  };
}
