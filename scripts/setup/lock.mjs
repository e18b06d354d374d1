import { existsSync, linkSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { processStart } from "./processes.mjs";

const pause = () => new Promise((resolve) => setTimeout(resolve, 100));

/**
 * Holds the folder's lock; waits while another living set-up holds it; takes it over from a dead one.
 * @param {string} folder
 * @param {(pid: number) => void} onWait called once, with the holder
 * @returns {Promise<() => void>} gives it back
 */
export async function lock(folder, onWait) {
  const file = join(folder, "lock");
  const mine = `${file}.${process.pid}`;
  const text = JSON.stringify({ pid: process.pid, start: processStart(process.pid) });
  let told = false;
  writeFileSync(mine, text);
  process.on("exit", () => rmSync(mine, { force: true })); // interrupted while it waits
  try {
    for (;;) {
      if (claim(mine, file)) return () => rmSync(file, { force: true });
      const held = read(file);
      if (held !== null && held.pid === process.pid) throw new Error("this process already holds the set-up's lock");
      if (held !== null && processStart(held.pid) !== held.start) takeOver(folder, held.text);
      else {
        if (held !== null && !told) onWait(held.pid);
        told ||= held !== null;
        await pause();
      }
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** A link appears whole or not at all, so that nobody reads half a lock. @param {string} from @param {string} to */
function claim(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} file @returns {{ pid: number, start: string | null, text: string } | null} */
function read(file) {
  try {
    const text = readFileSync(file, "utf8");
    return { ...JSON.parse(text), text };
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT") return null; // given back between claim and read
    throw error;
  }
}

/** Removes the lock of a dead process, and no other: of several that wait, the one with the guard does it, after a second look.
 *  @param {string} folder @param {string} stale the lock's text */
function takeOver(folder, stale) {
  const guard = join(folder, "lock.guard");
  const file = join(folder, "lock");
  if (existsSync(guard) && Date.now() - statSync(guard).mtimeMs > 10_000) rmSync(guard, { force: true });
  try {
    writeFileSync(guard, "", { flag: "wx" });
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === "EEXIST") return; // another one is at it
    throw error;
  }
  try {
    if (read(file)?.text === stale) {
      renameSync(file, `${file}.stale`);
      rmSync(`${file}.stale`, { force: true });
    }
  } finally {
    rmSync(guard, { force: true });
  }
}
