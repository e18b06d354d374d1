#!/usr/bin/env node
/** `node scripts/offline-bundle.mjs [--python 3.12] [--tests]`: one archive in build/offline/ that runs painnless on a machine of this platform
 *  without network: Node.js, packages, addon, models, and wheels for that machine's Python, which brings PyTorch itself. Needs what the set-up
 *  made, pip (for wheels) and xz. `--tests` adds the tests and what runs them. docs/deployment.md says how to use it. Prints its path. */
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { withDependencies } from "./wheel/bundle.mjs";
import { zeromqAddon } from "./wheel/platform.mjs";

const { values } = parseArgs({ options: { python: { type: "string", default: "3.12" }, tests: { type: "boolean", default: false } } });
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "build/offline");
const stage = join(folder, "painnless");

/** What the program imports when it runs; the rest of package.json's list is for building it. */
const runtime = ["citty", "cli-progress", "h5wasm", "msgpackr", "pino", "pythonia", "simple-statistics", "uplot", "zeromq", "zod"];
const testing = ["vitest", "fast-check"];
/** Python packages that machines with PyTorch may lack; what they need beyond these (numpy, scipy) comes with PyTorch's environments. */
const wheels = ["ase", "msgspec", "pyzmq", "safetensors"];

/** @param {string} command @param {readonly string[]} args */
function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (error !== undefined || status !== 0) throw new Error(`${command} ${args[0]} failed (status ${status})`, { cause: error });
}

rmSync(folder, { recursive: true, force: true });
mkdirSync(join(stage, "bin"), { recursive: true });
const files = ["package.json", "LICENSE", "dist", "models", "python/painnless", "build/native/painnless.node"];
if (values.tests)
  files.push("build/native/painnless_faulty.node", "tests", "src", "native", "scripts/sanitize.mjs", "vitest.config.ts", "tsconfig.json");
for (const file of files) cpSync(join(root, file), join(stage, file), { recursive: true, filter: (path) => !/__pycache__/.test(path) });

const packages = new Set((values.tests ? [...runtime, ...testing] : runtime).flatMap((name) => withDependencies(root, name)));
for (const name of [...packages]) {
  const { optionalDependencies = {} } = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8"));
  for (const half of Object.keys(optionalDependencies)) if (existsSync(join(root, "node_modules", half))) packages.add(half); // compiled, for here
}
for (const name of packages)
  cpSync(join(root, "node_modules", name), join(stage, "node_modules", name), { recursive: true, filter: (path) => !/\.map$/.test(path) });
// ZeroMQ brings its compiled half for every platform there is; its own loader finds the one that is left.
const zeromq = join(root, "node_modules/zeromq/build");
rmSync(join(stage, "node_modules/zeromq/build"), { recursive: true });
for (const path of [zeromqAddon(root), join(zeromq, "manifest.json")])
  cpSync(path, join(stage, "node_modules/zeromq/build", path.slice(zeromq.length)));

cpSync(process.execPath, join(stage, "bin/node"), { dereference: true });
if (spawnSync("strip", [join(stage, "bin/node")]).error === undefined) chmodSync(join(stage, "bin/node"), 0o755);

const machine = process.arch === "arm64" ? "aarch64" : "x86_64";
const platforms = ["_2_28", "_2_27", "_2_17", "2014"].flatMap((glibc) => ["--platform", `manylinux${glibc}_${machine}`]);
run(
  "python3",
  "-m",
  "pip",
  "download",
  "--quiet",
  "--no-deps",
  "--only-binary=:all:",
  "--python-version",
  values.python,
  "--implementation",
  "cp",
  ...platforms,
  "--dest",
  join(stage, "wheels"),
  "--constraint",
  join(root, "python/constraints.txt"),
  ...wheels,
);

const git = (/** @type {string[]} */ ...args) => spawnSync("git", args, { cwd: root, encoding: "utf8" }).stdout?.trim() ?? "";
const [head, changed] = [git("rev-parse", "HEAD"), git("status", "--porcelain", "--untracked-files=no")];
if (head !== "") writeFileSync(join(stage, "COMMIT"), `${head}${changed === "" ? "" : "-dirty"}\n`); // results made there name it

writeFileSync(
  join(stage, "painnless"),
  `#!/bin/sh
# Painnless without network: PAINNLESS_PYTHON names the interpreter that has PyTorch (python3 by default); the first call puts the wheels beside it.
here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
export PAINNLESS_PYTHON="\${PAINNLESS_PYTHON:-$(command -v python3)}"
if [ ! -d "$here/site" ]; then
  new="$here/site.$$" # whole or not at all
  "$PAINNLESS_PYTHON" -m pip install -q --no-index --no-deps --no-compile --target "$new" "$here"/wheels/*.whl && mv "$new" "$here/site" || {
    rm -rf "$new"
    echo "painnless: the wheels in $here/wheels do not go into $PAINNLESS_PYTHON ($("$PAINNLESS_PYTHON" --version 2>&1)); set PAINNLESS_PYTHON to one of their version, or make a bundle for this one (offline-bundle.mjs --python)" >&2
    exit 3
  }
fi
export PYTHONPATH="$here/site:$here/python\${PYTHONPATH:+:$PYTHONPATH}" PATH="$here/bin:$PATH"
exec "$here/bin/node" "$here/dist/cli/main.js" "$@"
`,
);
chmodSync(join(stage, "painnless"), 0o755);

const archive = join("build/offline", `painnless-offline-${process.platform}-${process.arch}${values.tests ? "-tests" : ""}.tar.xz`);
run("tar", "-C", folder, "--owner=0", "--group=0", "-cJf", archive, "painnless");
if (!existsSync(join(root, archive))) throw new Error(`tar made no ${archive}`);
process.stdout.write(`${archive}, ${(statSync(join(root, archive)).size / 2 ** 20).toFixed(1)} MiB\n`);
