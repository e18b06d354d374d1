import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";
import { painnless, root } from "./cli/run.ts";

const paths = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" }).split(
  "\0",
);
const pages = new Map(
  paths
    .filter((path) => path === "README.md" || /^docs\/[^/]*\.md$/.test(path))
    .map((path) => [path, readFileSync(join(root, path), "utf8")]),
);

/** Of headings, as links name them. */
const anchorsOf = (text: string): string[] =>
  [...text.replace(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-"),
  );

/** Links within the repository, and names of sources, that lead nowhere. */
function astray(texts: ReadonlyMap<string, string>, files: readonly string[]): string[] {
  const isThere = (path: string) => files.some((file) => file === path || file.startsWith(path.replace(/\/?$/, "/")));
  return [...texts].flatMap(([page, text]) => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)#?([^)\s]*)\)/g)].filter(([, to = "", anchor = ""]) => {
      const target = to === "" ? page : posix.join(posix.dirname(page), to);
      return !isThere(target) || (anchor !== "" && !anchorsOf(texts.get(target) ?? "").includes(anchor));
    });
    const names = [...text.matchAll(/(?<![\w./-])(?!node_modules\/)[\w./-]+\.(?:ts|mjs|py|cpp|h|cuh?|cmake)\b/g)].filter(
      ([name]) => !files.some((file) => `/${file}`.endsWith(`/${name}`)),
    );
    return [...links, ...names].map(([found]) => `${page}: ${found}`);
  });
}

describe("the manual", () => {
  test("links to what is there, and names sources that are", () => {
    expect(pages.size).toBeGreaterThan(5);
    expect(astray(pages, paths)).toEqual([]);
  });

  test("what leads nowhere is found", () => {
    const text = "# The `one`\n[a](#the-one) [b](#two) [c](b.md) [d](../docs/) `src/x.ts`, `x.ts`, `lost.cpp`";
    expect(astray(new Map([["docs/a.md", text]]), ["docs/a.md", "src/x.ts"])).toEqual([
      "docs/a.md: ](#two)",
      "docs/a.md: ](b.md)",
      "docs/a.md: lost.cpp",
    ]);
  });

  test("has every command and option that --help has, and no other", async () => {
    const usage = pages.get("docs/usage.md") ?? "";
    const [, described = ""] = /^## Commands\n([\s\S]*?)^## /m.exec(usage) ?? [];
    const sections = new Map(described.split(/^### /m).map((section) => [section.split("\n")[0] ?? "", section] as const));
    sections.delete("");
    const commands = [...(await painnless("--help")).out.matchAll(/^ {2}(\w+) /gm)].map(([, name = ""]) => name);
    expect([...sections.keys()].sort()).toEqual(commands.sort());
    const optionsIn = (text: string) => [...new Set(text.match(/--[a-z][\w-]*/g))];
    for (const [name, section] of sections) {
      const options = optionsIn((await painnless(name, "--help")).out);
      expect(options, name).toEqual(expect.arrayContaining(optionsIn(section)));
      // Where --no-X is described, so is X.
      const lacking = options.filter((option) => !usage.includes(option) && !usage.includes(option.replace("--", "--no-")));
      expect(lacking, name).toEqual([]);
    }
  });
});
