import { inspect, stripVTControlCharacters } from "node:util";
import { SingleBar } from "cli-progress";
import type { Progress } from "../crosscheck/crosscheck.ts";

const colourful = process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
const paint = (code: number) => (text: string) => (colourful ? `\u001b[${code}m${text}\u001b[0m` : text);

/** A text of others that is coloured, where that is seen. */
export const inColour = (text: string): string => (colourful ? text : stripVTControlCharacters(text));

/** A text that has names of others in it, which may hold line ends and commands to a terminal: those are shown, not obeyed. */
export const oneLine = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (control) =>
    control < "\u00a0" ? inspect(control).slice(1, -1) : `\\u{${control.codePointAt(0)?.toString(16)}}`,
  );

export const bold = paint(1);
export const dim = paint(2);
export const green = paint(32);
export const red = paint(31);
export const yellow = paint(33);

/** Undecided is neither good nor bad, and looks like neither. */
export const verdictWord = (verdict: "pass" | "fail" | "undecided"): string =>
  ({ pass: green("pass"), fail: red("FAIL"), undecided: bold("undecided") })[verdict];

// biome-ignore lint/suspicious/noControlCharactersInRegex: the escapes that paint() adds take no room on the screen
const width = (text: string): number => text.replace(/\u001b\[\d+m/g, "").length;

/** Rows under a heading, columns as wide as they need be. @param right columns set flush right */
export function table(heading: readonly string[], rows: readonly (readonly string[])[], right: readonly number[] = []): string {
  const widths = heading.map((title, k) => Math.max(width(title), ...rows.map((row) => width(row[k] ?? ""))));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, k) => {
        const gap = " ".repeat(Math.max(0, (widths[k] ?? 0) - width(cell)));
        return right.includes(k) ? gap + cell : cell + gap;
      })
      .join("  ")
      .trimEnd();
  return [dim(line(heading)), ...rows.map(line)].map((text) => `  ${text}\n`).join("");
}

/** An argument as a shell reads it back. */
export const quoted = (argument: string): string =>
  /^[\w@%+=:,./~-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;

/** Three digits, or a dash for what is not there and "not finite" for what JSON would call null. */
export const scientific = (value: number | null | undefined): string =>
  value === undefined ? "-" : value === null ? "not finite" : value === 0 ? "0" : value.toExponential(2);

/** A bar on standard error while it is a terminal, and silence in a pipe. */
export function progressBar(): { update(progress: Progress): void; stop(): void } {
  if (process.stderr.isTTY !== true) return { update: () => undefined, stop: () => undefined };
  const bar = new SingleBar({
    format: "  {bar} {value}/{total}  {stage}",
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  let started = false;
  return {
    update({ stage, done, total }) {
      if (started) bar.update(done, { stage });
      else bar.start(total, done, { stage });
      started = true;
    },
    stop() {
      if (started) bar.stop();
      started = false;
    },
  };
}
