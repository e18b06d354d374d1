import { execFile } from "node:child_process";

/** One thing the doctor looked for. */
export interface Finding {
  readonly group: "machine" | "build" | "python" | "gpu";
  readonly name: string;
  /** what was found, null where nothing was */
  readonly found: string | null;
  /** does any command of today need it */
  readonly needed: boolean;
  /** what mends it, or what it is good for where it is not needed; null where there is nothing to do */
  readonly remedy: string | null;
}

export const isMissing = (finding: Finding) => finding.needed && finding.found === null;

/** What a command prints, trimmed; null where there is no such command or it fails: for a probe both mean "not found". */
export function ask(command: string, args: readonly string[]): Promise<string | null> {
  return new Promise((resolve) => {
    execFile(command, [...args], { timeout: 20_000, maxBuffer: 1 << 24 }, (error, stdout) =>
      resolve(error === null ? stdout.trim() : null),
    );
  });
}

export const firstLine = (text: string | null) => text?.split("\n")[0] ?? null;
