/** One import as written in a file. */
export interface Import {
  readonly line: number;
  /** the module specifier, include path or dotted Python name; null where it is computed, so that nobody can check it */
  readonly target: string | null;
  /** gone after compilation: `import type` */
  readonly typeOnly: boolean;
}

const lineOf = (text: string, index: number) => text.slice(0, index).split("\n").length;
const blank = (text: string) => text.replace(/[^\n]/g, " ");

/** Comments of TypeScript and C++ become spaces, strings stay: an import may stand behind a comment, and a comment may quote one.
 *  A quote that is not closed on its line is not a string (it stands in a regular expression). */
function withoutComments(text: string): string {
  return text.replace(/"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[\s\S]|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (found) =>
    found.startsWith("/") ? blank(found) : found,
  );
}

export function typescriptImports(source: string): Import[] {
  const text = withoutComments(source);
  const found: Import[] = [];
  const add = (pattern: RegExp, read: (match: RegExpExecArray) => Omit<Import, "line">) => {
    for (const match of text.matchAll(pattern)) found.push({ line: lineOf(text, match.index), ...read(match as RegExpExecArray) });
  };
  add(/(?<![.\w$])(?:import|export)\b(?!\s*[(.])([^"'`;()=]*?)\bfrom\s*["']([^"'\n]+)["']/g, ([, names = "", target = null]) => ({
    target,
    typeOnly: /^\s*type\s+(?!from\b|,)/.test(names),
  }));
  add(/(?<![.\w$])import\s*["']([^"'\n]+)["']/g, ([, target = null]) => ({ target, typeOnly: false }));
  add(/(?<![.\w$])(?:import|require)\s*\(\s*["'`]([^"'`$\n]+)["'`]\s*[,)]/g, ([, target = null]) => ({ target, typeOnly: false }));
  add(/(?<![.\w$])import\s*\((?!\s*["'`][^"'`$\n]+["'`]\s*[,)])/g, () => ({ target: null, typeOnly: false }));
  return found;
}

/** A target of another library keeps its angle brackets. */
export function cppIncludes(source: string): Import[] {
  return [...withoutComments(source).matchAll(/^[ \t]*#[ \t]*include[ \t]*(?:"([^"\n]+)"|(<[^>\n]+>)|(\S+))/gm)].map((match) => ({
    line: lineOf(source, match.index),
    target: match[1] ?? match[2] ?? null,
    typeOnly: false,
  }));
}

/** Anywhere: at the top, in a function, behind `if TYPE_CHECKING:`, after a semicolon, over several lines, or by name at run time.
 *  @param module of the file, e.g. "painnless.worker.serve"; relative imports are told from it
 *  @param isPackage is the file an `__init__.py` */
export function pythonImports(source: string, module: string, isPackage: boolean): Import[] {
  // Strings are emptied, comments dropped, continued lines joined (their newlines go into spaces, so line numbers are of the statement).
  const strings = /("""|''')[\s\S]*?\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|#[^\n]*/g;
  const text = source
    .replace(strings, (found) => (found.startsWith("#") ? blank(found) : `""${blank(found).slice(2)}`))
    .replace(/\\\n/g, "  ");
  const found: Import[] = [];
  const add = (index: number, target: string | null) => found.push({ line: lineOf(text, index), target, typeOnly: false });

  for (const match of text.matchAll(/(?:^|[;:])[ \t]*import[ \t]+([^\n;]+)/gm))
    for (const name of (match[1] ?? "").split(",")) add(match.index + match[0].search(/\S/), name.trim().split(/\s/)[0] ?? "");

  for (const match of text.matchAll(/(?:^|[;:])[ \t]*from[ \t]+(\.*)[ \t]*([\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n;]+)/gm)) {
    const [, dots = "", name = "", names = ""] = match;
    const parent = module.split(".").slice(0, dots.length === 0 ? 0 : module.split(".").length - dots.length + (isPackage ? 1 : 0));
    const base = dots === "" ? name : [...parent, ...(name === "" ? [] : [name])].join(".");
    // `from painnless import worker` brings in a module as much as `import painnless.worker`.
    for (const item of names.replace(/[()]/g, "").split(","))
      if (item.trim() !== "") add(match.index + match[0].search(/\S/), `${base}.${item.trim().split(/\s/)[0]}`);
  }

  const byName = /\b(?:import_module|__import__)\s*\(\s*(?:["']([^"'\n]+)["'])?/g;
  for (const match of source.replace(/#[^\n]*/g, blank).matchAll(byName)) add(match.index, match[1] ?? null);
  return found;
}
