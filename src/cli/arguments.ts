import { parseArgs } from "node:util";
import type { ArgsDef } from "citty";
import { PainnlessError } from "../errors.ts";

/** An option with a value. @param valueHint what the value is, e.g. "FS" @param fallback the value where it is not given */
export function option(
  valueHint: string,
  description: string,
): { readonly type: "string"; readonly valueHint: string; readonly description: string };
export function option<T extends string>(
  valueHint: string,
  description: string,
  fallback: T,
): {
  readonly type: "string";
  readonly valueHint: string;
  readonly description: string;
  readonly default: T;
};
export function option(valueHint: string, description: string, fallback?: string) {
  return { type: "string", valueHint, description, ...(fallback === undefined ? {} : { default: fallback }) };
}

/** What several commands ask for in the same words. */
export const usual = {
  model: { type: "positional", required: true, description: "Model file, as painnless import writes it" },
  side: option("SIDE", "Which side computes", "auto"),
  threads: option("N", "Threads of the engine or worker; a worker takes one by default"),
  json: option("FILE", "Write the result as JSON"),
  seed: option("S", "Seed of every random number", "0"),
} as const satisfies ArgsDef;

/** The positional argument that takes all that is left. */
const variadic = "structures";

const toList = (alias: string | string[] | undefined): string[] => (alias === undefined ? [] : [alias].flat());

/** citty takes unknown options and surplus arguments in silence; this refuses them, and options without a value.
 *  @throws {PainnlessError} USAGE, naming the command and the argument */
export function assertArguments(command: string, defs: ArgsDef, argv: readonly string[]): void {
  const named = Object.entries(defs).filter(([, def]) => def.type !== "positional");
  const options = Object.fromEntries(
    named.map(([name, def]) => {
      const short = "alias" in def ? toList(def.alias).find((alias) => alias.length === 1) : undefined;
      const type: "boolean" | "string" = def.type === "boolean" ? "boolean" : "string";
      return [name, { type, ...(short === undefined ? {} : { short }) }];
    }),
  );
  const negated = new Set(named.filter(([, def]) => def.type === "boolean").map(([name]) => `--no-${name}`));
  const usage = (what: string, cause?: unknown): never => {
    throw new PainnlessError("USAGE", `${command}: ${what}; see painnless ${command} --help`, { cause });
  };
  let positionals: string[] = [];
  let values: Record<string, string | boolean | undefined> = {};
  try {
    ({ positionals, values } = parseArgs({ args: argv.filter((arg) => !negated.has(arg)), options, allowPositionals: true, strict: true }));
  } catch (cause) {
    usage(cause instanceof Error ? (cause.message.split("\n")[0] ?? "").replace(/\. To specify.*$/, "") : String(cause), cause);
  }
  // Of a shell's variable that is not set, most often; as a path it would be the folder one is in.
  const empty = Object.keys(values).find((name) => values[name] === "");
  if (empty !== undefined) usage(`--${empty} is "", expected a value`);
  const expected = Object.entries(defs).filter(([, def]) => def.type === "positional");
  const variable = expected.at(-1)?.[0] === variadic;
  const emptyAt = positionals.findIndex((value, k) => value === "" && (variable || k < expected.length));
  if (emptyAt >= 0) usage(`${(expected[emptyAt] ?? expected.at(-1))?.[0].toUpperCase()} is "", expected a value`);
  const missing = expected.filter(([, def]) => def.required !== false && def.default === undefined)[positionals.length];
  if (missing !== undefined) usage(`${missing[0].toUpperCase()} is missing`);
  if (positionals.length > expected.length && !variable) usage(`unexpected argument "${positionals[expected.length]}"`);
}

/** A whole number that an option gave as text. @throws {PainnlessError} USAGE */
export function wholeNumber(option: string, text: string, minimum: number, maximum = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  const range = maximum === Number.MAX_SAFE_INTEGER ? `of at least ${minimum}` : `from ${minimum} to ${maximum}`;
  throw new PainnlessError("USAGE", `--${option} is "${text}", expected a whole number ${range}`, { field: option });
}

/** A number that an option gave as text, at least `minimum`, or above it. @param unit for the message @throws {PainnlessError} USAGE */
export function realNumber(
  option: string,
  text: string,
  bound: { readonly from: number } | { readonly above: number },
  unit: string,
): number {
  const value = Number(text);
  const inside = "from" in bound ? value >= bound.from : value > bound.above;
  if (text.trim() === "" || !Number.isFinite(value) || !inside) {
    const range = "from" in bound ? `of at least ${bound.from}` : `above ${bound.above}`;
    throw new PainnlessError("USAGE", `--${option} is "${text}", expected a number of ${unit} ${range}`, { field: option });
  }
  return value;
}

/** One of the names. @throws {PainnlessError} USAGE */
export function oneOf<const T extends string>(option: string, text: string, names: readonly T[]): T {
  const found = names.find((name) => name === text);
  if (found !== undefined) return found;
  throw new PainnlessError("USAGE", `--${option} is "${text}", expected ${names.join(", ")}`, { field: option });
}

/** Comma-separated names, none empty, none twice; a comma inside {...} (the JSON of an ase: side) separates nothing.
 *  @throws {PainnlessError} USAGE */
export function nameList(option: string, text: string): string[] {
  const names = [""];
  let depth = 0;
  for (const character of text) {
    if (character === "{") depth++;
    if (character === "}") depth--;
    if (character === "," && depth === 0) names.push("");
    else names[names.length - 1] += character;
  }
  const trimmed = names.map((name) => name.trim());
  const twice = trimmed.find((name, i) => trimmed.indexOf(name) !== i);
  if (trimmed.includes("") || twice !== undefined)
    throw new PainnlessError("USAGE", `--${option} is "${text}", expected names between commas${twice ? `, "${twice}" once only` : ""}`, {
      field: option,
    });
  return trimmed;
}

/** Which interpreter the foreign sides run in: one for both kinds, or one for each. */
export interface ForeignPythons {
  readonly package: string | null;
  readonly ase: string | null;
}

/** "PYTHON", or "package=PYTHON" and "ase=PYTHON" between commas. @throws {PainnlessError} USAGE */
export function foreignPythons(option: string, text: string | undefined): ForeignPythons {
  if (text === undefined) return { package: null, ase: null };
  const entries = nameList(option, text).map((entry) => /^(?:(package|ase)=)?(.*)$/s.exec(entry) ?? []);
  const [[, kind, path] = []] = entries;
  if (entries.length === 1 && kind === undefined) return { package: path ?? null, ase: path ?? null };
  const named = new Map(entries.map(([, key, value]) => [key, value ?? null]));
  if (named.has(undefined) || named.size !== entries.length || [...named.values()].some((value) => !value))
    throw new PainnlessError("USAGE", `--${option} is "${text}", expected PYTHON, or package=PYTHON and ase=PYTHON between commas`, {
      field: option,
    });
  return { package: named.get("package") ?? null, ase: named.get("ase") ?? null };
}
