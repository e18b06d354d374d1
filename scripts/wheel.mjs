#!/usr/bin/env node
/** `npm run wheel [-- FOLDER]`: a wheel for this platform that holds the program, in build/wheel/. Needs what the set-up made. Prints its path.
 *  Inside, painnless/engine/ is laid out like the clone, so that every file finds its neighbours as it does here. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { onPath } from "./setup/processes.mjs";
import { bundleProgram, external, licences, withDependencies } from "./wheel/bundle.mjs";
import { platformTag, zeromqAddon } from "./wheel/platform.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const wheels = resolve(process.argv[2] ?? join(root, "build/wheel"));
const engine = join(wheels, "engine");

rmSync(engine, { recursive: true, force: true });
mkdirSync(engine, { recursive: true });
for (const old of readdirSync(wheels)) if (/^painnless-.*\.whl$/.test(old)) rmSync(join(wheels, old));
const bundled = await bundleProgram(root, engine);
const packages = [...new Set(external.flatMap((name) => withDependencies(root, name)))];
const copies = {
  "build/native/painnless.node": join(root, "build/native/painnless.node"),
  "build/zeromq.node": zeromqAddon(root),
  "dist/report/client.js": join(root, "dist/report/client.js"),
  "dist/report/client.css": join(root, "dist/report/client.css"),
  "models/ethanol.safetensors": join(root, "models/ethanol.safetensors"),
  "package.json": join(root, "package.json"), // its version, and that its files are modules
  ...Object.fromEntries(packages.map((name) => [`node_modules/${name}`, join(root, "node_modules", name)])),
};
for (const [to, from] of Object.entries(copies)) cpSync(from, join(engine, to), { recursive: true });
writeFileSync(
  join(engine, "LICENSES.txt"),
  licences(root, [...new Set([...bundled, ...packages])].sort()).join(`\n\n${"-".repeat(80)}\n\n`),
);

const tag = platformTag([join(engine, "build/native/painnless.node"), join(engine, "build/zeromq.node")]);
const own = join(root, ".venv/bin/uv");
const uv = onPath("uv") ?? own;
const made = spawnSync(uv, ["build", "--quiet", "--wheel", "--out-dir", wheels, join(root, "python")], {
  env: { ...process.env, PAINNLESS_WHEEL_ENGINE: engine, PAINNLESS_WHEEL_TAG: tag }, // read by python/hatch_build.py
  stdio: ["ignore", "inherit", "inherit"],
});
if (made.error !== undefined)
  throw new Error(`uv is neither on PATH nor at ${own}: install it with pipx install uv`, { cause: made.error });
if (made.status !== 0) process.exit(made.status ?? 1);
const [wheel] = readdirSync(wheels).filter((file) => file.endsWith(".whl"));
process.stdout.write(`${join(wheels, wheel ?? "")}\n`);
