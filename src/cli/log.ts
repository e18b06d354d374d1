import { openSync } from "node:fs";
import pino from "pino";
import { PainnlessError } from "../errors.ts";

/** The log of a server: JSON lines, to a file or to standard error. It takes what it can: a full disk, or a pipe that nobody reads, must neither stop a
 *  server nor fill its memory. */
export interface Log extends Pick<pino.Logger, "info" | "warn"> {
  /** Writes what waits. False where that does not go within a moment: something of it is stuck in the system. */
  close(): Promise<boolean>;
}

/** bytes that may wait; what comes beyond them is lost */
const waitingBytes = 1 << 20;
const closeMs = 200;

/** @param path null: standard error. @throws {PainnlessError} NOT_FOUND where it cannot be opened */
export function openLog(path: string | null, level: "info" | "warn"): Log {
  let closing = false;
  let broken = false;
  const options = { dest: path === null ? 2 : opened(path), sync: false, maxLength: waitingBytes, retryEAGAIN: () => !closing };
  const destination = pino.destination(options);
  destination.on("error", (error: NodeJS.ErrnoException) => {
    broken = error.code === "EPIPE"; // after which pino writes nothing more, and closes nothing
    if (closing) destination.destroy(); // else it is tried again with the next line
  });
  const logger = pino({ level, base: { pid: process.pid } }, destination);
  return {
    info: logger.info.bind(logger),
    warn: logger.warn.bind(logger),
    close() {
      closing = true;
      if (broken) return Promise.resolve(true);
      return new Promise((resolve) => {
        const late = setTimeout(() => resolve(false), closeMs);
        destination.once("close", () => {
          clearTimeout(late);
          resolve(true);
        });
        destination.end();
      });
    },
  };
}

function opened(path: string): number {
  try {
    return openSync(path, "a", 0o600);
  } catch (cause) {
    throw new PainnlessError("NOT_FOUND", `cannot write log file ${path}: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}
