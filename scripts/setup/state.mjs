import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";

/** @typedef {"runtime" | "tests"} Level tests includes runtime */
/** @typedef {{ fingerprint: string, level: Level }} Done */

const rank = { runtime: 0, tests: 1 };

/**
 * Hash of the contents (not the times: a fresh checkout has new ones) of files and, below folders, of every file.
 * @param {string} root
 * @param {readonly string[]} paths relative to root; one that is absent counts as absent
 * @param {readonly string[]} words whatever else the result depends on
 */
export function fingerprint(root, paths, words = []) {
  const hash = createHash("sha256").update(JSON.stringify(words));
  for (const path of paths)
    for (const file of filesBelow(join(root, path))) hash.update(`\0${relative(root, file)}\0`).update(readFileSync(file));
  return hash.digest("hex");
}

/** @param {string} path @returns {string[]} */
function filesBelow(path) {
  if (!existsSync(path)) return [];
  /** @type {import("node:fs").Dirent[]} */
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOTDIR") return [path];
    throw error;
  }
  return entries
    .filter((entry) => entry.name !== "__pycache__")
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => (entry.isDirectory() ? filesBelow(join(path, entry.name)) : [join(path, entry.name)]));
}

/** What was done before, one small file a step. A step that was begun and not finished leaves a mark, so that the next call mends it. */
export class State {
  /** @param {string} folder e.g. ".setup" */
  constructor(folder) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  /** @param {string} id @param {string} print @param {Level} level */
  isDone(id, print, level) {
    const done = this.wasInterrupted(id) ? null : this.#read(id);
    return done !== null && done.fingerprint === print && rank[done.level] >= rank[level];
  }

  /** The level this step was last finished at, or null. @param {string} id @returns {Level | null} */
  level(id) {
    return this.#read(id)?.level ?? null;
  }

  /** @param {string} id */
  wasInterrupted(id) {
    return existsSync(join(this.folder, `${id}.begun`));
  }

  /** @param {string} id */
  begin(id) {
    writeFileSync(join(this.folder, `${id}.begun`), "");
  }

  /** It failed, but what it left is fit to go on from. @param {string} id */
  withdraw(id) {
    rmSync(join(this.folder, `${id}.begun`), { force: true });
  }

  /** @param {string} id @param {string} print @param {Level} level */
  finish(id, print, level) {
    const file = join(this.folder, `${id}.json`);
    writeFileSync(`${file}.new`, JSON.stringify({ fingerprint: print, level }));
    renameSync(`${file}.new`, file);
    rmSync(join(this.folder, `${id}.begun`), { force: true });
  }

  /** @param {string} id @returns {Done | null} */
  #read(id) {
    const file = join(this.folder, `${id}.json`);
    if (!existsSync(file)) return null;
    try {
      return JSON.parse(readFileSync(file, "utf8"));
    } catch (error) {
      if (error instanceof SyntaxError) return null; // cut short by a full disk: as if never done
      throw error;
    }
  }
}
