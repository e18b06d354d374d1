import { rmSync } from "node:fs";
import { join } from "node:path";
import { Problem } from "./problem.mjs";
import { fingerprint } from "./state.mjs";

/** @typedef {import("./steps.mjs").Step} Step */

/** @type {Step} */
export const typescriptBuild = {
  id: "typescript",
  name: "TypeScript build",
  note: "",
  independent: false,
  megabytes: 20,
  resumes: true,
  fingerprint: (root) => fingerprint(root, ["src", "scripts/page-script.mjs", "tsconfig.json", "package-lock.json"]),
  outputs: () => ["dist/cli/main.js", "dist/report/client.js"],
  adopts: () => false,
  missing: () => [],
  async run({ root, interrupted, commands }) {
    // tsc trusts its notes of the last build, which lie inside dist/.
    if (interrupted) rmSync(join(root, "dist"), { recursive: true, force: true });
    const node = (/** @type {string[]} */ args, fresh = false) => commands.run("typescript", process.execPath, args, { cwd: root, fresh });
    try {
      await node([join(root, "node_modules/typescript/bin/tsc"), "-p", "tsconfig.json"], true);
      await node(["scripts/page-script.mjs"]);
    } catch (error) {
      if (error instanceof Problem && error.message.includes("a reason the set-up does not know"))
        throw new Problem(
          "TypeScript build: the sources in src/ do not compile",
          "mend the errors listed in the log below, or check out a released commit",
          error.log,
        );
      throw error;
    }
  },
};
