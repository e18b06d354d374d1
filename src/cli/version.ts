import { readFile } from "node:fs/promises";
import { availableParallelism, cpus } from "node:os";
import { z } from "zod";
import type { Machine } from "../system/machine.ts";

/** Of this package, from its package.json. */
export async function packageVersion(): Promise<string> {
  const text = await readFile(new URL("../../package.json", import.meta.url), "utf8");
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version;
}

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
