import { spawn, spawnSync } from "node:child_process";
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { diagnose, Problem } from "./problem.mjs";

/** The file of a command on PATH, or null. @param {string} name */
export function onPath(name) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const file = join(folder, name);
    if (folder !== "" && isExecutable(file)) return file;
  }
  return null;
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false; // absent or not ours to run: either way not a command
  }
}

/** What a short command printed, or null if it failed. @param {string} command @param {readonly string[]} args */
export function ask(command, args) {
  const { status, stdout, error } = spawnSync(command, args, { encoding: "utf8", timeout: 30_000 });
  return error === undefined && status === 0 ? stdout.trim() : null;
}

/** When the process began, so that a number given to another process later is not taken for it; null if there is none.
 *  @param {number} pid @returns {string | null} */
export function processStart(pid) {
  if (existsSync("/proc/self/stat")) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" ? null : (fields[18] ?? null); // field 22 of proc(5), starttime
    } catch {
      return null; // no such process
    }
  }
  return ask("ps", ["-o", "lstart=", "-p", String(pid)]) || null; // where there is no /proc
}

/** The long commands of one set-up, one at a time of each step: output in a log, one process group each, stopped with us; if we are killed, the next
 *  set-up stops them. */
export class Commands {
  /** @type {Set<number>} process numbers of what runs */
  #running = new Set();

  /** @param {string} folder where logs and the marks of running children live */
  constructor(folder) {
    this.folder = folder;
  }

  /**
   * @param {string} step names the log
   * @param {string} command
   * @param {readonly string[]} args
   * @param {{ cwd: string, env?: Record<string, string>, fresh?: boolean }} options fresh: begin the log anew
   */
  async run(step, command, args, { cwd, env = {}, fresh = false }) {
    const log = join(this.folder, `${step}.log`);
    const mark = join(this.folder, `${step}.child.json`);
    writeFileSync(log, `$ ${[command, ...args].join(" ")}\n`, { flag: fresh ? "w" : "a" });
    const file = openSync(log, "a");
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, detached: true, stdio: ["ignore", file, file] });
    /** @type {Promise<number | string>} */
    const ended = new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => resolve(code ?? signal ?? "nothing"));
    });
    try {
      if (child.pid !== undefined) {
        this.#running.add(child.pid);
        writeFileSync(mark, JSON.stringify({ pid: child.pid, start: processStart(child.pid) }));
      }
      const status = await ended;
      if (status !== 0) {
        const output = readFileSync(log, "utf8");
        throw diagnose(step, `${status === "SIGKILL" ? "Killed\n" : ""}${output.slice(output.lastIndexOf("\n$ ") + 1)}`, log);
      }
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code === "ENOENT")
        throw new Problem(`${step}: cannot run ${command}`, `install it, or put it on PATH`, log);
      throw error;
    } finally {
      if (child.pid !== undefined) this.#running.delete(child.pid);
      closeSync(file);
      rmSync(mark, { force: true });
    }
  }

  /** Stops what runs now. @param {NodeJS.Signals} signal */
  stop(signal) {
    for (const pid of this.#running) signalGroup(pid, signal);
  }

  /** Stops what a killed set-up left running, before anything else writes to the same folders. */
  async stopOrphans() {
    const marks = readdirSync(this.folder).filter((name) => name.endsWith("child.json"));
    await Promise.all(marks.map((name) => stopOrphan(join(this.folder, name))));
  }
}

/** @param {string} mark */
async function stopOrphan(mark) {
  const text = readFileSync(mark, "utf8");
  const { pid, start } = text === "" ? { pid: 0, start: null } : JSON.parse(text);
  const alive = () => start !== null && processStart(pid) === start;
  for (let tries = 0; alive() && tries < 100; tries++) {
    signalGroup(pid, tries < 50 ? "SIGTERM" : "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  rmSync(mark, { force: true });
}

/** @param {number} pid @param {NodeJS.Signals} signal */
function signalGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== "ESRCH") throw error; // it ended by itself meanwhile
  }
}
