import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const found = (path: string, pattern: RegExp) => pattern.exec(read(path))?.[1];

/** Text files under version control, or about to be. */
const tracked = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" })
  .split("\0")
  .filter((path) => path !== "" && lstatSync(join(root, path), { throwIfNoEntry: false })?.isFile())
  .map((path) => ({ path, bytes: readFileSync(join(root, path)) }))
  .filter(({ bytes }) => !bytes.subarray(0, 8000).includes(0))
  .map(({ path, bytes }) => ({ path, text: bytes.toString("utf8") }));

/** Written so that this file does not hold what it looks for. */
const forbidden = {
  "a path of somebody's machine": /(?<![\w.~}])\/(?:work|root|Users)\/\w|(?<![\w.~}])\/home\/(?!(?:you|user|me)\b)\w/,
  "the host of a package registry":
    /registry\.[a-z]+js\.|py(?:pi|thonhosted)\.org|download\.pyt(?:orch)\.org|deb\.deb(?:ian)\.org|conda\.anaconda\.org|crates\.(?:io)\b/i,
  "a download address in a lock file": /"res(?:olved)":\s*"/,
};

const offences = (files: readonly { path: string; text: string }[], pattern: RegExp) =>
  files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, k) => (pattern.test(line) ? [`${path}:${k + 1}: ${line.trim().slice(0, 120)}`] : [])),
  );

describe("no file names", () => {
  test.each(Object.entries(forbidden))("%s", (_, pattern) => {
    expect(tracked.length).toBeGreaterThan(30);
    expect(offences(tracked, pattern)).toEqual([]);
  });

  test.each([
    ["a path of somebody's machine", ["", "root", "x.py"].join("/")],
    ["a path of somebody's machine", `cd ${["", "home", "ann", "x"].join("/")}`],
    ["the host of a package registry", ["https://registry", "npmjs", "org/a"].join(".")],
    ["the host of a package registry", ["https://pypi", "org/simple"].join(".")],
    ["a download address in a lock file", `"${"resolved"}": "https"`],
  ] as const)("%s, planted: %s", (name, text) => {
    expect(offences([{ path: "planted", text }], forbidden[name])).toHaveLength(1);
  });
});

test("one version everywhere", () => {
  const version = found("package.json", /"version": "([^"]+)"/);
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  expect({
    lock: JSON.parse(read("package-lock.json")).packages[""].version,
    python: found("python/pyproject.toml", /^version = "([^"]+)"/m),
    citation: found("CITATION.cff", /^version: (\S+)/m),
    changelog: found("CHANGELOG.md", /^## \[([^\]]+)\]/m),
  }).toEqual({ lock: version, python: version, citation: version, changelog: version });
});
