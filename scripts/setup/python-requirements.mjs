import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** @typedef {import("./state.mjs").Level} Level */
/** @typedef {{ version: [number, number, number], prefix: string, virtual: boolean, source: string | null,
 *    packages: { requirement: string, found: string | null, ok: boolean }[] }} Probe */

const probeFile = fileURLToPath(new URL("./python_probe.py", import.meta.url));

/** @param {Level} level */
export const extras = (level) => (level === "tests" ? ["reference", "teacher", "dev"] : ["reference"]);

/** What python/pyproject.toml asks for at this level on a system, e.g. ["numpy>=1.26", "torch>=2.2"].
 *  @param {string} root @param {Level} level @param {string} platform */
export function requirements(root, level, platform = process.platform) {
  const text = readFileSync(join(root, "python/pyproject.toml"), "utf8");
  return ["dependencies", ...extras(level)].flatMap((key) => {
    const list = new RegExp(`^${key} = \\[([^\\]]*)\\]`, "m").exec(text)?.[1];
    if (list === undefined) throw new Error(`python/pyproject.toml has no list "${key}"`);
    return [...list.matchAll(/"([^"]+)"/g)].flatMap((match) => {
      const [requirement = "", marker] = (match[1] ?? "").split(/ *; */);
      return marker === undefined || marker === `sys_platform == '${platform}'` ? [requirement] : [];
    });
  });
}

/** The versions we test with, e.g. {numpy: "2.4.6"}. @param {string} root */
export function constraints(root) {
  const text = readFileSync(join(root, "python/constraints.txt"), "utf8");
  return new Map([...text.matchAll(/^([A-Za-z0-9_.-]+)==([^;\s]+)/gm)].map((match) => [match[1] ?? "", match[2] ?? ""]));
}

/** What the interpreter has; null if it does not run.
 *  @param {string} python @param {readonly string[]} wanted @returns {Probe | null} */
export function probe(python, wanted) {
  const { status, stdout, error } = spawnSync(python, [probeFile, ...wanted], { encoding: "utf8", timeout: 60_000 });
  if (error !== undefined || status !== 0) return null;
  return JSON.parse(stdout);
}
