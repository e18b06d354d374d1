import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "./problem.mjs";
import { onPath } from "./processes.mjs";
import { fingerprint } from "./state.mjs";

/** @typedef {import("./steps.mjs").Step} Step */
/** @typedef {import("./state.mjs").Level} Level */
/** @typedef {{ version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean, link?: boolean }} LockedPackage */

/** @param {string} file */
const json = (file) => JSON.parse(readFileSync(file, "utf8"));

/** @type {Step} */
export const npmPackages = {
  id: "npm",
  name: "npm packages",
  note: "about 250 MB",
  independent: false,
  megabytes: 500,
  resumes: false,
  fingerprint: (root) => {
    const { dependencies, devDependencies } = json(join(root, "package.json"));
    return fingerprint(root, ["package-lock.json"], [process.platform, process.arch, JSON.stringify([dependencies, devDependencies])]);
  },
  outputs: () => ["node_modules/.package-lock.json"],
  adopts: installed,
  missing: () =>
    npm() === null
      ? [
          new Problem(
            "npm is not on PATH",
            "install it with Node.js (20.11 or newer), e.g. through your system's package nodejs-npm or nvm",
          ),
        ]
      : [],
  async run({ root, level, interrupted, commands }) {
    const [command = "npm", ...args] = npm() ?? [];
    if (interrupted) rmSync(join(root, "node_modules"), { recursive: true, force: true });
    // Not `npm ci`, which refuses a lock file written where the registry lacks some other platform's optional package. --no-save leaves
    // the lock file alone; that its versions were taken is checked below.
    const install = [
      "install",
      "--no-save",
      "--no-audit",
      "--no-fund",
      "--prefer-offline",
      level === "tests" ? "--include=dev" : "--omit=dev",
    ];
    await commands.run("npm", command, [...args, ...install], { cwd: root, fresh: true });
    if (existsSync(join(root, "package-lock.json")) && !installed(root, level))
      throw new Problem(
        "npm packages: npm did not install the versions of package-lock.json",
        "remove node_modules and run the same command again; if it stays, run npm install, which mends the lock file",
      );
  },
};

/** npm that started us, else the one on PATH. */
function npm() {
  const started = process.env.npm_execpath;
  if (started?.endsWith("npm-cli.js") && existsSync(started)) return [process.execPath, started];
  const found = onPath("npm");
  return found === null ? null : [found];
}

/** Does node_modules, made by the user's own npm ci, hold what the lock file asks for? npm writes its own list last.
 *  @param {string} root @param {Level} level */
function installed(root, level) {
  const [lock, own] = ["package-lock.json", "node_modules/.package-lock.json"].map((name) => join(root, name));
  if (lock === undefined || own === undefined || !existsSync(lock) || !existsSync(own)) return false;
  /** @type {Record<string, LockedPackage>} */
  const wanted = json(lock).packages;
  /** @type {Record<string, LockedPackage>} */
  const found = json(own).packages;
  return Object.entries(wanted).every(
    ([path, { version, dev, optional, devOptional }]) =>
      path === "" ||
      optional ||
      ((dev || devOptional) && level === "runtime") ||
      (found[path]?.version === version && existsSync(join(root, path, "package.json"))),
  );
}
